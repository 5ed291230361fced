"""What is lost when units are taken away: power down the paths, load up the paths, trips until nothing trips.

Only what an outage touches is worked out again, so that thousands of them cost little more than one.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from datahall.infrastructure.reliability.supply import DEAD, GRID, STANDBY, Load, Supply

TRIP_TOLERANCE = 1e-9
"""Relative excess over a limit that is rounding, not overload."""
UNKNOWN_START_S = 1.0
"""Gap behind a generator whose start time is unknown: longer than none, and bridged by any battery."""


@dataclass(frozen=True, slots=True)
class Outage:
    """The stable state after a removal. Units and loads by their index in the supply."""

    removed: frozenset[int]
    tripped: tuple[tuple[int, float], ...]
    """Units that then had to carry more than their limit, in order, each with that load in W; they are lost too."""
    dead: frozenset[int]
    """Units without power, those removed and tripped among them."""
    lost_loads: frozenset[int]
    """Loads with fewer living feeds than they need."""
    interrupted_loads: frozenset[int]
    """Loads that come back on generators after a gap that no battery bridges."""

    @property
    def dark_loads(self) -> frozenset[int]:
        """Loads that go down, for seconds or for long."""
        return self.lost_loads | self.interrupted_loads


class Outages:
    """Outages of one supply at its peak load. Raises nothing: a supply that is dead when intact loses its loads each time."""

    def __init__(self, supply: Supply) -> None:
        self.supply = supply
        self.level = self._levels()
        self._taken = [supply.taken(i, self.level.__getitem__) for i in range(len(supply.units))]
        self._feeds = [_living(load, self.level.__getitem__) for load in supply.loads]
        self.out_w = self._outputs()
        self.input_w = [unit.input_w(self.out_w[i], self.level[i]) for i, unit in enumerate(supply.units)]
        self._limit_w = [
            max(unit.limit_w, out) * (1 + TRIP_TOLERANCE) for unit, out in zip(supply.units, self.out_w, strict=True)
        ]
        self._running = frozenset(i for i, u in enumerate(supply.units) if u.kind == "generator" and self.out_w[i] > 0)

    def overloaded(self) -> tuple[int, ...]:
        """Units above their limit while all is intact. In an outage they trip only when they get more than that."""
        limits = ((i, unit.limit_w * (1 + TRIP_TOLERANCE)) for i, unit in enumerate(self.supply.units))
        return tuple(i for i, limit_w in limits if self.out_w[i] > limit_w)

    def after(self, removed: Iterable[int]) -> Outage:
        """What follows from taking these units away, all at once."""
        removed = frozenset(removed)
        lost, tripped = set(removed), list[tuple[int, float]]()
        while True:
            step = _Step(self, lost)
            over = [(i, out_w) for i, out_w in step.outputs() if out_w > self._limit_w[i]]
            if not over:
                break
            tripped += sorted(over)
            lost.update(i for i, _ in over)
        dead = frozenset(i for i, level in step.level.items() if level == DEAD)
        dark = frozenset(i for i in step.loads if len(step.feeds(i)) < self.supply.loads[i].sides_needed)
        gaps = frozenset(step.interrupted()) - dark
        return Outage(removed, tuple(tripped), dead, dark, gaps)

    def _levels(self) -> list[int]:
        found: list[int] = []
        for unit in self.supply.units:
            found.append(max((found[p] for p in unit.parents), default=DEAD) if unit.parents else unit.source_level)
        return found

    def _outputs(self) -> list[float]:
        out_w = [0.0] * len(self.supply.units)
        for load, feeds in zip(self.supply.loads, self._feeds, strict=True):
            for feed in feeds:
                out_w[feed] += load.peak_w / len(feeds)
        for i in range(len(out_w) - 1, -1, -1):
            if self._taken[i]:
                input_w = self.supply.units[i].input_w(out_w[i], self.level[i])
                for parent, share in self._taken[i]:
                    out_w[parent] += share * input_w
        return out_w


def _living(load: Load, level: Callable[[int], int]) -> tuple[int, ...]:
    return tuple(feed for feed in load.feeds if level(feed))


class _Step:
    """One set of lost units worked through: only what differs from the intact state is kept."""

    def __init__(self, intact: Outages, lost: Collection[int]) -> None:
        self.intact, self.supply = intact, intact.supply
        self.level: dict[int, int] = {}
        self.rerouted: set[int] = set()
        self.loads: set[int] = set()
        self._down(lost)

    def level_of(self, unit: int) -> int:
        found = self.level.get(unit)
        return self.intact.level[unit] if found is None else found

    def feeds(self, load: int) -> tuple[int, ...]:
        return _living(self.supply.loads[load], self.level_of)

    def _down(self, lost: Collection[int]) -> None:
        """Levels of all below the lost, parents before children."""
        todo = sorted(lost)
        queued = set(todo)
        while todo:
            unit = heapq.heappop(todo)
            parents = self.supply.units[unit].parents
            level = DEAD if unit in lost else max(map(self.level_of, parents), default=DEAD)
            if level == DEAD or len(parents) > 1 or not self.intact.out_w[unit]:
                self.rerouted.add(unit)  # one with a single living parent draws from it as before
            if level == self.intact.level[unit]:
                continue
            self.level[unit] = level
            if level == DEAD:
                self.loads.update(self.supply.fed_loads[unit])
            for child in self.supply.children[unit]:
                if child not in queued:
                    queued.add(child)
                    heapq.heappush(todo, child)

    def outputs(self) -> Iterator[tuple[int, float]]:
        """Each living unit whose output changed, with the new one in W; the far ends first."""
        extra_w: dict[int, float] = {}
        for load in self.loads:
            self._move(extra_w, load)
        todo = [-unit for unit in {*extra_w, *self.rerouted}]
        heapq.heapify(todo)
        queued = set(todo)
        while todo:
            unit = -heapq.heappop(todo)
            level, out_w = self.level_of(unit), self.intact.out_w[unit] + extra_w.get(unit, 0.0)
            if level:
                yield unit, out_w
            for parent, more_w in self._passed_up(unit, out_w, level):
                extra_w[parent] = extra_w.get(parent, 0.0) + more_w
                if -parent not in queued:
                    queued.add(-parent)
                    heapq.heappush(todo, -parent)

    def _move(self, extra_w: dict[int, float], load: int) -> None:
        peak_w, before, after = self.supply.loads[load].peak_w, self.intact._feeds[load], self.feeds(load)
        for feed in before:
            extra_w[feed] = extra_w.get(feed, 0.0) - peak_w / len(before)
        for feed in after:
            extra_w[feed] = extra_w.get(feed, 0.0) + peak_w / len(after)

    def _passed_up(self, unit: int, out_w: float, level: int) -> Iterator[tuple[int, float]]:
        """What each parent gets more, W; negative when less."""
        before, after = self.intact._taken[unit], self.intact._taken[unit]
        if unit in self.rerouted:
            after = self.supply.taken(unit, self.level_of) if level else ()
        input_w = self.supply.units[unit].input_w(out_w, level)
        for parent, share in before:
            yield parent, -share * self.intact.input_w[unit]
        for parent, share in after:
            yield parent, share * input_w

    def interrupted(self) -> Iterator[int]:
        """Loads whose supply fell back to generators with nothing to bridge their start."""
        gap_s: dict[int, float] = {}
        for unit in sorted(unit for unit, level in self.level.items() if level == STANDBY):
            gap_s[unit] = self._gap_s(unit, gap_s)
        for load in {load for unit, gap in gap_s.items() if gap > 0 for load in self.supply.fed_loads[unit]}:
            living = self.feeds(load)
            if living and min(gap_s.get(feed, 0.0) for feed in living) > 0:
                yield load

    def _gap_s(self, unit: int, known: dict[int, float]) -> float:
        """Seconds without power until the generators give it; a UPS whose battery lasts that long has none."""
        ways = self.supply.taken(unit, self.level_of)
        gap_s = min((known[p] if p in known else self._start_s(p) for p, _ in ways), default=0.0)
        return 0.0 if self._bridges(unit, gap_s) else gap_s

    def _start_s(self, unit: int) -> float:
        """Of a branch that hangs on generators also when all is intact: the time of the quickest of them; 0 if one runs."""
        one = self.supply.units[unit]
        if one.kind == "generator":
            return 0.0 if unit in self.intact._running else (UNKNOWN_START_S if one.start_s is None else one.start_s)
        return (
            0.0
            if self.level_of(unit) == GRID
            else min((self._start_s(p) for p in one.parents if self.level_of(p)), default=0.0)
        )

    def _bridges(self, unit: int, gap_s: float) -> bool:
        """A UPS of unknown battery is taken to bridge; the report says so."""
        one = self.supply.units[unit]
        if one.battery_wh is None:
            return one.kind == "ups"
        return one.battery_wh * 3600 >= gap_s * self.intact.out_w[unit]
