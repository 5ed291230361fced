"""Collectives of many sizes at once, over groups whose laws are worked out once."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from datahall.models.parallel.communication import Axis, Exchange, apart, passing
from datahall.models.parallel.dispatch import dispatch_s
from datahall.network.collectives import Cost, Group, algorithms, cost
from datahall.network.collectives.timing import NOT_AUTOMATIC


@dataclass(frozen=True)
class Exchanges(Exchange):
    """As `Exchange`, for a size or an array of sizes."""

    known: dict[tuple[Axis, str], tuple[Cost, ...]] = field(default_factory=dict, compare=False)
    """Laws, once worked out: to hash a group takes as long as its time."""

    def s(self, axis: Axis, collective: str, size_bytes: Any) -> Any:
        group = self.groups[axis]
        if group.ranks == 1:
            return size_bytes * 0.0
        times: Any = functools.reduce(np.minimum, [law.time_s(size_bytes) for law in self._of(axis, collective)])
        if np.ndim(size_bytes) == 0:
            return float(times) * (size_bytes > 0)
        return times if np.all(size_bytes) else np.where(size_bytes > 0, times, 0.0)

    def _of(self, axis: Axis, collective: str) -> tuple[Cost, ...]:
        if (axis, collective) not in self.known:
            self.known[axis, collective] = _laws(collective, self.groups[axis])
        return self.known[axis, collective]


@dataclass(frozen=True, slots=True)
class Laws(Cost):
    """The law of several groups at once: arrays."""

    @property
    def s_per_byte(self) -> Any:
        return np.maximum(self.link_s_per_byte, self.network_s_per_byte)


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Several groups in place of one; they have its count of ranks as a column."""

    each: tuple[Group, ...]
    ranks: Any


def _laws_of(collective: str, groups: tuple[Group, ...]) -> Laws:
    """By law, group and size. Where a group has fewer laws, its last stands for those that it lacks."""
    chosen = [_laws(collective, group) if group.ranks > 1 else (Cost(0.0, 0.0),) for group in groups]
    most = max(map(len, chosen))
    full = [(*laws, *(laws[-1:] * (most - len(laws)))) for laws in chosen]
    found = np.array([[(law.latency_s, law.s_per_byte) for law in laws] for laws in full]).transpose(2, 1, 0)
    latency_s, per_byte = found[..., None]
    return Laws(latency_s, per_byte, np.zeros_like(per_byte))


@dataclass(frozen=True)
class ManyExchanges(Exchange):
    """Exchanges of the same plan with several shards: each axis has as many groups, a size of each or of all."""

    known: dict[tuple[Axis, str], Laws] = field(default_factory=dict, compare=False)

    def s(self, axis: Axis, collective: str, size_bytes: Any) -> Any:
        groups: Any = self.groups[axis]
        if (axis, collective) not in self.known:
            self.known[axis, collective] = _laws_of(collective, groups.each)
        times = np.min(self.known[axis, collective].time_s(size_bytes), axis=0)
        return np.where((groups.ranks > 1) & (size_bytes > 0), times, 0.0)

    def bytes_per_s(self, axis: Axis) -> Any:
        """By group, a column."""
        groups: Any = self.groups[axis]
        return np.array([[passing(group)] for group in groups.each])

    def apart(self, inside: Axis, outside: Axis) -> Any:
        """By group, a column."""
        inner, outer = (cast("Any", self.groups[axis]).each for axis in (inside, outside))
        return np.array([[apart(*pair)] for pair in zip(inner, outer, strict=True)])


@dataclass(frozen=True)
class ExpertExchanges(Exchanges):
    """Exchanges of the same plan with several counts of expert ranks."""

    experts: ManyExchanges = field(default_factory=lambda: ManyExchanges({}), compare=False)
    """Of each count, on the axis `expert`."""

    def dispatch_s(self, tokens: Any, **sent: Any) -> Any:
        """By expert ranks and size."""
        if not sent["fused"]:
            return self.experts.s("expert", "all_to_all", tokens * sent["active"] * sent["row_bytes"])
        groups: Any = self.experts.groups["expert"]
        return np.array([dispatch_s(group, tokens, **sent) for group in groups.each])


def many(exchanges: Sequence[Exchange]) -> ManyExchanges:
    """Of several plans, one beside the other."""
    axes = exchanges[0].groups
    found: dict[Any, Any] = {}
    for axis in axes:
        found[axis] = groups_of(tuple(exchange.groups[axis] for exchange in exchanges))
    return ManyExchanges(found)


def groups_of(each: tuple[Group, ...]) -> Any:
    """Groups in place of one."""
    return Groups(each, np.array([group.ranks for group in each], np.float64)[:, None])


@functools.lru_cache(maxsize=65_536)
def _laws(collective: str, group: Group) -> tuple[Cost, ...]:
    """Those that the library chooses from."""
    return tuple(cost(collective, group, algorithm=name) for name in algorithms(collective, group) if name not in NOT_AUTOMATIC)
