"""A value over time that changes in steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused

Times = NDArray[np.int64]
Values = NDArray[Any]


@dataclass(frozen=True)
class Steps:
    """`values[i]` holds from `at_ms[i]` until the next; before the first it is 0. Times rise strictly; (n,) each."""

    at_ms: Times
    values: Values

    def __post_init__(self) -> None:
        if len(self.at_ms) != len(self.values) or (np.diff(self.at_ms) <= 0).any():
            what = f"{len(self.at_ms)} times and {len(self.values)} values, or times that do not rise"
            raise Refused(Problem("TWIN-070", "steps", what, "give one value a time, and times that rise strictly"))
        self.at_ms.setflags(write=False)
        self.values.setflags(write=False)

    @classmethod
    def constant(cls, value: float) -> "Steps":
        """From the first moment on, which is long before any trace."""
        return cls(np.array([-(2**60)], np.int64), np.array([value]))

    @classmethod
    def of_changes(cls, at_ms: Sequence[NDArray[np.integer[Any]]], changes: Sequence[Values]) -> "Steps":
        """Sums of changes up to each moment; what changes at one moment is one step. Parts are put end to end."""
        times, amounts = np.concatenate(at_ms), np.concatenate(changes)
        order = np.argsort(times, kind="stable")
        times, sums = times[order], np.cumsum(amounts[order])
        last = np.flatnonzero(np.append(np.diff(times) > 0, np.ones(min(len(times), 1), np.bool_)))
        return cls(times[last].astype(np.int64), sums[last])

    def at(self, at_ms: Times) -> Values:
        """Values that hold at the moments, whatever changes at one included."""
        place = np.searchsorted(self.at_ms, at_ms, side="right")
        return np.concatenate([np.zeros(1, self.values.dtype), self.values])[place]

    def within(self, from_ms: int, to_ms: int) -> tuple[Times, Values]:
        """Lengths in ms of the pieces of [from, to), and the value of each."""
        inside = self.at_ms[(self.at_ms > from_ms) & (self.at_ms < to_ms)]
        edges = np.concatenate([[from_ms], inside, [max(from_ms, to_ms)]]).astype(np.int64)
        return np.diff(edges), self.at(edges[:-1])

    def integral(self, from_ms: int, to_ms: int) -> float:
        """Value times ms over [from, to)."""
        lengths, values = self.within(from_ms, to_ms)
        return float(np.dot(lengths.astype(np.float64), values.astype(np.float64)))

    def mean(self, from_ms: int, to_ms: int) -> float:
        """Over time; 0 of no time."""
        return self.integral(from_ms, to_ms) / (to_ms - from_ms) if to_ms > from_ms else 0.0

    def max(self, from_ms: int, to_ms: int) -> float:
        lengths, values = self.within(from_ms, to_ms)
        return float(values[lengths > 0].max(initial=0))

    def percentile(self, percent: float, from_ms: int, to_ms: int) -> float:
        """The smallest value that is not exceeded during `percent` of the time; 0 of no time."""
        lengths, values = self.within(from_ms, to_ms)
        order = np.argsort(values, kind="stable")
        spent = np.cumsum(lengths[order])
        if not spent[-1]:
            return 0.0
        return float(values[order][np.searchsorted(spent, percent / 100 * spent[-1])])
