"""Values far outside the quartiles of the training rows, column by column.

Source: Tukey, Exploratory Data Analysis, 1977, section 2D: fences at a multiple of the interquartile range.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.data.rows import Column

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fences:
    """Lowest and highest value of each column that is not an outlier; infinite where there is no fence."""

    low: Floats
    high: Floats
    flat: tuple[str, ...] = ()
    """Numeric columns whose quartiles are equal: the range says nothing about them, so they have no fence."""

    def outside(self, x: Floats) -> NDArray[np.bool_]:
        """True where a value lies outside; a missing value does not."""
        return (x < self.low) | (x > self.high)

    def clipped(self, x: Floats) -> Floats:
        """`x` with every value moved to the fence that it is outside of."""
        return np.clip(x, self.low, self.high)


def fences(x: Floats, columns: Sequence[Column], *, iqr: float) -> Fences:
    """Fences at `iqr` interquartile ranges from the quartiles of training rows x (N, columns); categories have none."""
    low, high = np.full(len(columns), -np.inf), np.full(len(columns), np.inf)
    flat = []
    for i, column in enumerate(columns):
        seen = x[:, i][np.isfinite(x[:, i])]
        if column.texts is not None or not len(seen):
            continue
        q1, q3 = np.quantile(seen, [0.25, 0.75])
        if q3 > q1:
            low[i], high[i] = q1 - iqr * (q3 - q1), q3 + iqr * (q3 - q1)
        else:
            flat.append(column.name)
    return Fences(low, high, tuple(flat))


def counted(x: Floats, columns: Sequence[Column], limits: Fences) -> dict[str, Any]:
    """How many values and rows lie outside, for the card."""
    outside = limits.outside(x)
    by_column = {c.name: int(n) for c, n in zip(columns, outside.sum(axis=0), strict=True) if n}
    return {"values": int(outside.sum()), "rows": int(outside.any(axis=1).sum()), "by_column": by_column}
