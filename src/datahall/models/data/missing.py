"""Rows with a missing value: found, counted, dropped, refused, or filled with what training rows have."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.models.data.labels import is_missing
from datahall.models.data.rows import Column, Raw, Rows

LARGEST = float(np.finfo(np.float32).max)
Mask = NDArray[np.bool_]


def holes(x: NDArray[Any]) -> Mask | None:
    """True where a value is NaN, infinite or too large for float32, shape of `x`; None when there can be none."""
    if x.dtype.kind != "f":
        return None
    found: Mask = ~(np.abs(x) <= LARGEST)
    return found


def rows_with_holes(rows: Rows) -> Mask:
    """Rows in which a feature or the label is missing."""
    found = is_missing(rows.y)
    where = holes(rows.x)
    return found if where is None else found | where.any(axis=tuple(range(1, where.ndim)))


def refuse_if_any(raw: Raw, bad: Mask) -> None:
    """Raises Refused when a row has a missing value."""
    if bad.any():
        first = np.flatnonzero(bad)
        what = f"{len(first)} of {len(bad)} rows have a missing value, the first are {', '.join(map(str, first[:5]))}"
        where = f"{raw.where}{_worst(raw)}"
        raise Refused(Problem("DATA-055", where, what, "mend the rows, or set clean.missing to drop, mean or median"))


def _worst(raw: Raw) -> str:
    counts = by_column(raw)
    return f" {max(counts, key=lambda name: counts[name])}" if counts else ""


def by_column(raw: Raw) -> dict[str, int]:
    """How many values are missing in each column that lacks some; tables only."""
    where = holes(raw.rows.x)
    if where is None or not raw.columns:
        return {}
    counts = where.sum(axis=0).tolist()
    return {column.name: count for column, count in zip(raw.columns, counts, strict=True) if count}


def check_columns(raw: Raw) -> None:
    """Raises Refused when a column of the table has no value in any row."""
    counts = by_column(raw)
    empty = [name for name, count in counts.items() if count == len(raw.rows)]
    if empty:
        what = f"no row has a value in {', '.join(empty[:10])}"
        raise Refused(Problem("DATA-024", raw.where, what, "drop what is always empty"))


def fills(x: NDArray[Any], columns: Sequence[Column], method: Literal["mean", "median"]) -> NDArray[np.float64]:
    """The value to put into the holes of each column: mean or median, and the most frequent text of a category.

    x: training rows (N, columns). A column without a value in training rows gets 0.
    """
    found = np.zeros(x.shape[1], np.float64)
    for i in range(x.shape[1]):
        seen = x[:, i][np.isfinite(x[:, i])].astype(np.float64)
        if len(seen):
            category = bool(columns) and columns[i].texts is not None
            found[i] = np.bincount(seen.astype(np.int64)).argmax() if category else _middle(seen, method)
    return found


def _middle(seen: NDArray[np.float64], method: Literal["mean", "median"]) -> float:
    return float(seen.mean() if method == "mean" else np.median(seen))


def filled(x: NDArray[Any], values: NDArray[np.float64]) -> NDArray[Any]:
    """`x` (N, columns) with its holes filled."""
    return np.where(np.isfinite(x), x, values.astype(x.dtype))
