"""Nodes as the pool of free places keeps them: what each has, what of it nobody holds, and whether it may be given out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from datahall.foundation.errors import Problem, Refused
from datahall.platform.resources import Resources


@dataclass(frozen=True, slots=True)
class PoolNode:
    """A machine as the pool is told of it."""

    name: str
    capacity: Resources
    accelerators: tuple[int, ...] = ()
    """Ids of its accelerators, as placements name them."""
    kind: str = ""
    """Model of its accelerators; `fit(kind=…)` keeps to it."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """What it stands in: `{"rack": "r07", "leaf": "l2", "pod": "p1"}`. Names are unique in the hall within a level."""

    def problems(self) -> Iterator[Problem]:
        """POOL-001: as many different ids as accelerators."""
        ids, count = self.accelerators, self.capacity.accelerators
        if len(set(ids)) != len(ids) or len(ids) != count:
            what = f"has {count} accelerators, but {len(set(ids))} different ids {list(ids)}"
            yield Problem("POOL-001", f"node {self.name}", what, "name each accelerator once")


class Devices:
    """Accelerator ids of alike nodes as bits: bit j stands for the j-th id. Both ways are kept."""

    __slots__ = ("_masks", "_picks", "all", "ids")

    def __init__(self, ids: tuple[int, ...]) -> None:
        self.ids = ids
        self.all = (1 << len(ids)) - 1
        self._masks: dict[tuple[int, ...], int] = {}
        self._picks: dict[int, tuple[int, ...]] = {}

    def mask(self, ids: tuple[int, ...]) -> int | None:
        """The bits of these ids; None when one of them is unknown or named twice."""
        mask = self._masks.get(ids)
        if mask is None and len(set(ids)) == len(ids) and set(ids) <= set(self.ids):
            mask = self._masks[ids] = sum(1 << self.ids.index(i) for i in ids)
        return mask

    def pick(self, usable: int, count: int) -> tuple[int, ...]:
        """The first `count` ids of the bits in `usable`."""
        key = usable << 16 | count
        chosen = self._picks.get(key)
        if chosen is None:
            chosen = self._picks[key] = tuple(self.ids[j] for j in bits(usable))[:count]
        return chosen


Saved = tuple[int, int, int, int, bool, bool]
"""What may change of a row: free, blocked, CPU, memory, cordoned, down."""


class Row:
    """One node's line in the index. `level` is how many accelerators it can give now."""

    __slots__ = (
        "at",
        "bit",
        "blocked",
        "cordoned",
        "cpu_milli",
        "devices",
        "down",
        "free",
        "level",
        "listed",
        "memory_bytes",
        "node",
    )

    def __init__(self, at: int, node: PoolNode, devices: Devices) -> None:
        for problem in node.problems():
            raise Refused(problem)
        self.at = at
        self.bit = 1 << at
        self.node = node
        self.devices = devices
        self.free = devices.all
        """Bits of accelerators that nobody holds."""
        self.blocked = 0
        """Bits of accelerators that are cordoned, held or not."""
        self.cpu_milli = node.capacity.cpu_milli
        self.memory_bytes = node.capacity.memory_bytes
        self.cordoned = False
        self.down = False
        self.level = len(devices.ids)
        self.listed = True
        """Whether the index has it in the set of its level: it is open."""

    @property
    def is_open(self) -> bool:
        return not (self.cordoned or self.down)

    @property
    def usable(self) -> int:
        """Bits of accelerators that could be given out, if the node is open."""
        return self.free & ~self.blocked

    @property
    def unheld(self) -> Resources:
        """What nobody holds, whether or not it may be given out."""
        return Resources(self.cpu_milli, self.memory_bytes, self.free.bit_count())

    def times(self, need: Resources) -> int:
        """How many workers of this size it can take now, closed or not."""
        return need.times_into(Resources(self.cpu_milli, self.memory_bytes, self.level))

    def saved(self) -> Saved:
        return (self.free, self.blocked, self.cpu_milli, self.memory_bytes, self.cordoned, self.down)

    def restore(self, saved: Saved) -> None:
        self.free, self.blocked, self.cpu_milli, self.memory_bytes, self.cordoned, self.down = saved


def bits(mask: int) -> Iterator[int]:
    """Positions of the set bits, lowest first. Through text, which finds the next one in one quick call at any width."""
    text = bin(mask)[:1:-1]
    at = text.find("1")
    while at >= 0:
        yield at
        at = text.find("1", at + 1)
