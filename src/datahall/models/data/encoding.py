"""Table columns -> numbers a network can read: numbers stay, categories become one column a text of the training rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.models.data.outliers import Fences
from datahall.models.data.rows import Column

MAX_COLUMNS = 20_000
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Encoding:
    """Fitted on training rows. `kept` gives, for each column, the text numbers that have a column of their own."""

    columns: tuple[Column, ...]
    kept: tuple[tuple[int, ...], ...]
    fill: Floats | None = None
    """What stands in for a missing value of each column."""
    clip: Fences | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the encoded columns: `age`, `colour=red`."""
        return tuple(self._names())

    def _names(self) -> Iterator[str]:
        for column, kept in zip(self.columns, self.kept, strict=True):
            yield from [column.name] if column.texts is None else [f"{column.name}={column.texts[i]}" for i in kept]

    def encode(self, x: Floats) -> tuple[NDArray[np.float32], dict[str, int]]:
        """x (N, columns) -> (N, encoded) float32, and how many unknown categories each column has (all zeros there)."""
        x = x if self.fill is None else np.where(np.isnan(x), self.fill, x)
        x = x if self.clip is None else self.clip.clipped(x)
        out, unknown, at = np.zeros((len(x), len(self.names)), np.float32), {}, 0
        for i, (column, kept) in enumerate(zip(self.columns, self.kept, strict=True)):
            if column.texts is None:
                out[:, at] = x[:, i]
                at += 1
                continue
            place = np.full(len(column.texts), -1, np.int64)
            place[list(kept)] = np.arange(len(kept))
            found = place[x[:, i].astype(np.int64)]
            known = np.flatnonzero(found >= 0)
            out[known, at + found[known]] = 1
            if len(known) < len(x):
                unknown[column.name] = len(x) - len(known)
            at += len(kept)
        return out, unknown

    def described(self) -> list[dict[str, Any]]:
        """How to do the same elsewhere, as JSON: a row of `dataset.json`'s `encoding` for each column of the source."""
        return [self._column(i) for i in range(len(self.columns))]

    def _column(self, i: int) -> dict[str, Any]:
        column = self.columns[i]
        row: dict[str, Any] = {"name": column.name, "kind": "number" if column.texts is None else "category"}
        if column.texts is not None:
            row["values"] = [column.texts[k] for k in self.kept[i]]
        if self.fill is not None:
            row["fill"] = float(self.fill[i]) if column.texts is None else column.texts[int(self.fill[i])]
        if self.clip is not None and np.isfinite(self.clip.low[i]):
            row |= {"low": float(self.clip.low[i]), "high": float(self.clip.high[i])}
        return row


def fit(
    x: Floats, columns: Sequence[Column], *, fill: Floats | None = None, clip: Fences | None = None, where: str
) -> Encoding:
    """The encoding of training rows x (N, columns). Raises Refused when it would be absurdly wide."""
    kept = tuple(_kept(x[:, i], column) for i, column in enumerate(columns))
    made = Encoding(tuple(columns), kept, fill, clip)
    if len(made.names) > MAX_COLUMNS:
        what = f"the categories make {len(made.names)} columns; at most {MAX_COLUMNS}"
        raise Refused(Problem("DATA-023", where, what, "drop columns that hold names or other free text"))
    return made


def _kept(values: Floats, column: Column) -> tuple[int, ...]:
    """Numbers of the texts that stand in training rows, in order of the text."""
    if column.texts is None:
        return ()
    seen = np.unique(values[np.isfinite(values)].astype(np.int64)).tolist()
    texts = column.texts
    return tuple(sorted(seen, key=lambda number: texts[number]))
