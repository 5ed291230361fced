"""What a reader hands over: rows as the source has them, before anything is cleaned, split or scaled."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_ARRAY_BYTES = 16 * 1024**3
"""More than this is refused before any memory is taken: a broken header can claim anything."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `texts` makes it a category: the value v of a row then means `texts[int(v)]`."""

    name: str
    texts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows and their labels.

    x: images (N, H, W) or (N, H, W, 3), uint8 or float32; tables (N, columns) float64 with NaN where a value is missing.
    y: labels as the source writes them: integers or texts.
    groups: for each row the number of its group; rows of one group stay on one side. None when the source has no groups.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: NDArray[Any]) -> "Rows":
        """The rows at `index` (numbers or a mask)."""
        return Rows(self.x[index], self.y[index], None if self.groups is None else self.groups[index])


@dataclass(frozen=True, slots=True)
class Raw:
    """All that one source holds."""

    kind: str
    """`image` or `table`."""
    rows: Rows
    test: Rows | None = None
    """The source's own test part, if it has one."""
    columns: tuple[Column, ...] = ()
    value_max: float = 255.0
    """The largest value that a pixel can have."""
    where: str = ""
    """Named in problems: the file or folder that was read."""
    notes: dict[str, Any] = field(default_factory=dict)
    """Goes into the card as it is: licence, citation, what was skipped."""
