"""Counts and latencies of one endpoint's version, cheap enough for every request."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

FIRST_BOUND_S, BOUND_RATIO, BOUNDS = 50e-6, 2**0.5, 44
BOUNDS_S = tuple(FIRST_BOUND_S * BOUND_RATIO**step for step in range(BOUNDS))
"""Upper bounds of the latency classes, s: from 50 us to 149 s, each 1.41 times the one before."""


class Meter:
    """Requests by status, and how long they took."""

    __slots__ = ("classes", "codes", "sum_s")

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.classes = [0] * (BOUNDS + 1)
        self.sum_s = 0.0

    def observe(self, status: int, duration_s: float) -> None:
        self.codes[status] = self.codes.get(status, 0) + 1
        self.classes[bisect_left(BOUNDS_S, duration_s)] += 1
        self.sum_s += duration_s

    @property
    def count(self) -> int:
        return sum(self.classes)

    def quantile_s(self, share: float) -> float | None:
        """The latency that `share` (0..1) of the requests stayed within, s; None before the first. Within a class: linear."""
        return quantile_s(self.classes, share)


def quantile_s(classes: Sequence[int], share: float) -> float | None:
    """The quantile of a histogram over BOUNDS_S, s. Beyond the last bound it says that bound."""
    sums = list(accumulate(classes))
    if not sums or not sums[-1]:
        return None
    wanted = share * sums[-1]
    at = bisect_left(sums, wanted)
    while not classes[at]:  # share 0 may fall on an empty class
        at += 1
    if at >= BOUNDS:
        return BOUNDS_S[-1]
    below = sums[at] - classes[at]
    low_s = BOUNDS_S[at - 1] if at else 0.0
    return low_s + (BOUNDS_S[at] - low_s) * (wanted - below) / classes[at]
