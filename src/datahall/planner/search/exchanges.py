"""Collectives of many sizes at once, over groups whose laws are worked out once."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from datahall.models.parallel.communication import Axis, Exchange
from datahall.network.collectives import Cost, Group, algorithms, cost
from datahall.network.collectives.timing import NOT_AUTOMATIC


@dataclass(frozen=True)
class Exchanges(Exchange):
    """As `Exchange`, for a size or an array of sizes."""

    def s(self, axis: Axis, collective: str, size_bytes: Any) -> Any:
        group = self.groups[axis]
        if group.ranks == 1:
            return size_bytes * 0.0
        times: Any = functools.reduce(np.minimum, [law.time_s(size_bytes) for law in _laws(collective, group)])
        if np.ndim(size_bytes) == 0:
            return float(times) * (size_bytes > 0)
        return times if np.all(size_bytes) else np.where(size_bytes > 0, times, 0.0)


@functools.lru_cache(maxsize=65_536)
def _laws(collective: str, group: Group) -> tuple[Cost, ...]:
    """Those that the library chooses from."""
    return tuple(cost(collective, group, algorithm=name) for name in algorithms(collective, group) if name not in NOT_AUTOMATIC)
