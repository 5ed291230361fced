"""What is lost when units are taken away: power down the paths, load up the paths, trips until nothing trips.

Only what an outage touches is worked out again, so that thousands of them cost little more than one.
"""

import copy
import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from datahall.infrastructure.reliability.supply import DEAD, STANDBY, Load, Supply

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
    """Outages of one supply at its peak load; or, from `without`, of what is left of it."""

    def __init__(self, supply: Supply) -> None:
        self.supply = supply
        self.level = self._levels()
        self.taken = [supply.taken(i, self.level.__getitem__) for i in range(len(supply.units))]
        self.feeds = [_living(load, self.level.__getitem__) for load in supply.loads]
        self.out_w = self._outputs()
        self.input_w = [unit.input_w(self.out_w[i], self.level[i]) for i, unit in enumerate(supply.units)]
        self.rest = Outage(frozenset(), (), frozenset(), frozenset(), frozenset())
        self._intact_w = self.out_w
        self.limit_w = [
            max(unit.limit_w, out) * (1 + TRIP_TOLERANCE) for unit, out in zip(supply.units, self.out_w, strict=True)
        ]
        self.gap_s: list[float] = []
        for i in range(len(supply.units)):
            self.gap_s.append(self.gap_of(i, self.level[i], self.taken[i], self.gap_s.__getitem__))

    def overloaded(self) -> tuple[int, ...]:
        """Units above their limit while all is intact. In an outage they trip only when they get more than that."""
        limits = ((i, unit.limit_w * (1 + TRIP_TOLERANCE)) for i, unit in enumerate(self.supply.units))
        return tuple(i for i, limit_w in limits if self.out_w[i] > limit_w)

    def after(self, removed: Iterable[int]) -> Outage:
        """What follows from taking these units away, all at once."""
        removed = frozenset(removed)
        lost, tripped = set(removed), list[tuple[int, float]]()
        while True:
            step = Step(self, lost)
            over = [(i, out_w) for i, out_w in step.out_w.items() if out_w > self.limit_w[i]]
            if not over:
                return step.outage(self.rest.removed | removed, tuple(tripped))
            tripped += sorted(over)
            lost.update(i for i, _ in over)

    def without(self, removed: Collection[int]) -> "Outages | None":
        """The same questions, once these are gone already; None where their loss trips others, so that order would matter."""
        step = Step(self, removed)
        if any(out_w > self.limit_w[i] for i, out_w in step.out_w.items()):
            return None
        left = copy.copy(self)
        left.rest = step.outage(self.rest.removed | frozenset(removed), ())
        left.level, left.out_w, left.input_w = list(self.level), list(self.out_w), list(self.input_w)
        left.taken, left.feeds, left.gap_s = list(self.taken), list(self.feeds), list(self.gap_s)
        for unit, level in step.level.items():
            left.level[unit] = level
        for unit in {*step.level, *step.out_w, *step.rerouted}:
            left.out_w[unit] = step.out_w.get(unit, self.out_w[unit]) if left.level[unit] else 0.0
            left.input_w[unit] = self.supply.units[unit].input_w(left.out_w[unit], left.level[unit])
            left.taken[unit] = self.supply.taken(unit, left.level.__getitem__) if left.level[unit] else ()
        for load in step.loads:
            left.feeds[load] = step.feeds(load)
        for unit, gap_s in step.gap_s.items():
            left.gap_s[unit] = gap_s
        return left

    def gap_of(self, unit: int, level: int, ways: tuple[tuple[int, float], ...], known: Callable[[int], float]) -> float:
        """Seconds without power until a unit has it again, after a change from the intact supply; 0 on the grid.

        Generators that run when all is intact need no start. A UPS bridges what its battery lasts at the load that it had.
        """
        if level != STANDBY:
            return 0.0
        one = self.supply.units[unit]
        if one.kind == "generator":
            return 0.0 if self._intact_w[unit] > 0 else UNKNOWN_START_S if one.start_s is None else one.start_s
        gap_s = min((known(parent) for parent, _ in ways), default=0.0)
        if one.battery_wh is None:
            return 0.0 if one.kind == "ups" else gap_s  # an unknown battery is taken to bridge; the report says so
        return 0.0 if one.battery_wh * 3600 >= gap_s * self._intact_w[unit] else gap_s

    def _levels(self) -> list[int]:
        found: list[int] = []
        for unit in self.supply.units:
            found.append(max((found[p] for p in unit.parents), default=DEAD) if unit.parents else unit.source_level)
        return found

    def _outputs(self) -> list[float]:
        out_w = [0.0] * len(self.supply.units)
        for load, feeds in zip(self.supply.loads, self.feeds, strict=True):
            for feed in feeds:
                out_w[feed] += load.peak_w / len(feeds)
        for i in range(len(out_w) - 1, -1, -1):
            if self.taken[i]:
                input_w = self.supply.units[i].input_w(out_w[i], self.level[i])
                for parent, share in self.taken[i]:
                    out_w[parent] += share * input_w
        return out_w


def _living(load: Load, level: Callable[[int], int]) -> tuple[int, ...]:
    return tuple(feed for feed in load.feeds if level(feed))


class Step:
    """One set of lost units worked through: only what differs from the state before is kept."""

    def __init__(self, before: Outages, lost: Collection[int]) -> None:
        self.before, self.supply = before, before.supply
        self.level: dict[int, int] = {}
        self.rerouted: set[int] = set()
        self.loads: set[int] = set()
        """Loads of which a feed died."""
        self._down(lost)
        self._ways = {unit: self.supply.taken(unit, self.level_of) if self.level_of(unit) else () for unit in self.rerouted}
        self.out_w = dict(self._outputs())
        """Each living unit whose output changed, with the new one, W."""
        self.gap_s: dict[int, float] = {}

    def level_of(self, unit: int) -> int:
        found = self.level.get(unit)
        return self.before.level[unit] if found is None else found

    def feeds(self, load: int) -> tuple[int, ...]:
        return _living(self.supply.loads[load], self.level_of)

    def outage(self, removed: frozenset[int], tripped: tuple[tuple[int, float], ...]) -> Outage:
        """The state after it, together with what was lost before."""
        rest = self.before.rest
        dead = frozenset(i for i, level in self.level.items() if level == DEAD)
        dark = frozenset(i for i in self.loads if len(self.feeds(i)) < self.supply.loads[i].sides_needed)
        lost = rest.lost_loads | dark
        looked_at, gaps = self._interrupted()
        return Outage(removed, tripped, rest.dead | dead, lost, ((rest.interrupted_loads - looked_at) | gaps) - lost)

    def _down(self, lost: Collection[int]) -> None:
        """Levels of all below the lost, parents before children."""
        todo = sorted(lost)
        queued, gone = set(todo), {*lost, *self.before.rest.removed}
        while todo:
            unit = heapq.heappop(todo)
            parents = self.supply.units[unit].parents
            level = DEAD if unit in gone else max(map(self.level_of, parents), default=DEAD)
            if level == DEAD or len(parents) > 1 or not self.before.out_w[unit]:
                self.rerouted.add(unit)  # one with a single living parent draws from it as before
            if level == self.before.level[unit]:
                continue
            self.level[unit] = level
            if level == DEAD:
                self.loads.update(self.supply.fed_loads[unit])
            for child in self.supply.children[unit]:
                if child not in queued:
                    queued.add(child)
                    heapq.heappush(todo, child)

    def _outputs(self) -> Iterator[tuple[int, float]]:
        """The far ends first."""
        extra_w: dict[int, float] = {}
        for load in self.loads:
            self._move(extra_w, load)
        todo = [-unit for unit in {*extra_w, *self.rerouted}]
        heapq.heapify(todo)
        queued = set(todo)
        while todo:
            unit = -heapq.heappop(todo)
            level, out_w = self.level_of(unit), self.before.out_w[unit] + extra_w.get(unit, 0.0)
            if level:
                yield unit, out_w
            for parent, more_w in self._passed_up(unit, out_w, level):
                extra_w[parent] = extra_w.get(parent, 0.0) + more_w
                if -parent not in queued:
                    queued.add(-parent)
                    heapq.heappush(todo, -parent)

    def _move(self, extra_w: dict[int, float], load: int) -> None:
        peak_w, before, after = self.supply.loads[load].peak_w, self.before.feeds[load], self.feeds(load)
        for feed in before:
            extra_w[feed] = extra_w.get(feed, 0.0) - peak_w / len(before)
        for feed in after:
            extra_w[feed] = extra_w.get(feed, 0.0) + peak_w / len(after)

    def _passed_up(self, unit: int, out_w: float, level: int) -> Iterator[tuple[int, float]]:
        """What each parent gets more, W; negative when less."""
        before = self.before.taken[unit]
        after = self._ways.get(unit, before)
        input_w, input_before_w = self.supply.units[unit].input_w(out_w, level), self.before.input_w[unit]
        if after is before:
            yield from ((parent, share * (input_w - input_before_w)) for parent, share in before)
            return
        yield from ((parent, -share * input_before_w) for parent, share in before)
        yield from ((parent, share * input_w) for parent, share in after)

    def _interrupted(self) -> tuple[set[int], set[int]]:
        """Loads whose supply fell back to generators or changed its gap; and those of them that nothing bridges."""
        todo = sorted({*self.level, *self.rerouted})
        queued, looked_at = set(todo), set[int]()
        while todo:
            unit = heapq.heappop(todo)
            level = self.level_of(unit)
            ways = self._ways.get(unit, self.before.taken[unit])
            gap_s = self.before.gap_of(unit, level, ways, self._gap_of)
            if gap_s == self.before.gap_s[unit] and level:
                continue
            self.gap_s[unit] = gap_s
            looked_at.update(self.supply.fed_loads[unit])
            for child in self.supply.children[unit]:
                if child not in queued and self.level_of(child) == STANDBY:
                    queued.add(child)
                    heapq.heappush(todo, child)
        return looked_at, {load for load in looked_at if min(map(self._gap_of, self.feeds(load)), default=0.0) > 0}

    def _gap_of(self, unit: int) -> float:
        found = self.gap_s.get(unit)
        return self.before.gap_s[unit] if found is None else found
