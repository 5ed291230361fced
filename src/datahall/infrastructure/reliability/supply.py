"""Who feeds whom, reduced to what an outage asks: parents, limits, batteries, and the loads at the ends."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

LoadKind = Literal["rack", "mechanical"]
DEAD, STANDBY, GRID = 0, 1, 2
"""Levels of supply: none, through generators alone, from a utility."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One power element. A unit without parents is a source: it is alive until it is lost."""

    name: str
    kind: str
    rating_w: float
    """Continuous output, W; alike for the share that it takes beside others."""
    parents: tuple[int, ...] = ()
    takes_first: bool = False
    """All from the first parent of the best level, as a transfer switch does; else shared among those by rating."""
    breaker_w: float | None = None
    loss_ratios: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """No-load, linear and square loss over the rating."""
    battery_wh: float | None = None
    start_s: float | None = None
    failures_per_year: float | None = None
    repair_h: float | None = None
    fail_to_start_ratio: float | None = None

    @property
    def limit_w(self) -> float:
        """Output above which it trips, W: the lower of rating and breaker."""
        return self.rating_w if self.breaker_w is None else min(self.rating_w, self.breaker_w)

    @property
    def source_level(self) -> int:
        """A generator alone is standby; every other source counts as the grid."""
        return STANDBY if self.kind == "generator" else GRID

    def input_w(self, out_w: float, level: int) -> float:
        """What it draws to give `out_w`, W: P + R (a + b x + c x2), x = P/R; what stands still on standby draws nothing."""
        if level == DEAD or (level == STANDBY and out_w <= 1e-9 * self.rating_w):
            return 0.0
        no_load, linear, square = self.loss_ratios
        ratio = out_w / self.rating_w
        return out_w + self.rating_w * (no_load + ratio * (linear + ratio * square))


@dataclass(frozen=True, slots=True)
class Load:
    """A rack, or the mechanical plant: it draws equally from its living feeds."""

    name: str
    peak_w: float
    feeds: tuple[int, ...]
    kind: LoadKind = "rack"
    accelerators: int = 0
    sides_needed: int = 1
    """Living feeds below which it is lost."""


@dataclass(frozen=True)
class Supply:
    """All units, parents before children, and all loads. Raises ValueError when a parent stands after its child."""

    units: tuple[Unit, ...]
    loads: tuple[Load, ...]

    def __post_init__(self) -> None:
        for i, unit in enumerate(self.units):
            if any(not 0 <= parent < i for parent in unit.parents):
                raise ValueError(f"Supply: a parent of `{unit.name}` stands after it, but units are in topological order")

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Units that each unit feeds."""
        return _turned((unit.parents for unit in self.units), len(self.units))

    @cached_property
    def fed_loads(self) -> tuple[tuple[int, ...], ...]:
        """Loads that hang on each unit directly."""
        return _turned((load.feeds for load in self.loads), len(self.units))

    @cached_property
    def racks(self) -> tuple[int, ...]:
        return tuple(i for i, load in enumerate(self.loads) if load.kind == "rack")

    @cached_property
    def index(self) -> dict[str, int]:
        """Units by name."""
        return {unit.name: i for i, unit in enumerate(self.units)}

    def upstream_of(self, load: int) -> tuple[int, ...]:
        """Every unit through which power can reach the load, in topological order."""
        seen: set[int] = set()
        todo = list(self.loads[load].feeds)
        while todo:
            if (unit := todo.pop()) not in seen:
                seen.add(unit)
                todo.extend(self.units[unit].parents)
        return tuple(sorted(seen))

    def taken(self, unit: int, level: Callable[[int], int]) -> tuple[tuple[int, float], ...]:
        """Parents that a living unit draws from, each with its share; grid before generators."""
        parents = self.units[unit].parents
        if len(parents) == 1:
            return ((parents[0], 1.0),) if level(parents[0]) else ()
        levels = {parent: level(parent) for parent in parents}
        best = max(levels.values(), default=DEAD)
        usable = [parent for parent, its in levels.items() if best and its == best]
        if self.units[unit].takes_first:
            usable = usable[:1]
        total_w = sum(self.units[parent].rating_w for parent in usable)
        return tuple((parent, self.units[parent].rating_w / total_w) for parent in usable)


def _turned(ups: Iterable[tuple[int, ...]], count: int) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in range(count)]
    for i, parents in enumerate(ups):
        for parent in dict.fromkeys(parents):
            found[parent].append(i)
    return tuple(map(tuple, found))
