"""Every element taken away, one after the other, at peak load: what goes down, and by which chain."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from datahall.infrastructure.estate import Estate
from datahall.infrastructure.power import PowerGraph
from datahall.infrastructure.reliability.alike import Likeness
from datahall.infrastructure.reliability.from_graph import supply_of
from datahall.infrastructure.reliability.outage import Outage, Outages
from datahall.infrastructure.reliability.supply import Supply

TOLD_TRIPS = 3
"""Trips that a witness names beside its own path; `tripped` has them all."""


@dataclass(frozen=True, slots=True)
class Trip:
    """An element that an outage asks for more than it may give; it is lost as well."""

    name: str
    asked_w: float
    limit_w: float


@dataclass(frozen=True, slots=True)
class Removal:
    """Elements that no figure and no wire tells apart, and what the loss of the first of them does; the others do alike."""

    names: tuple[str, ...]
    kind: str
    lost_racks: tuple[str, ...]
    """Racks left with fewer living feeds than they need."""
    interrupted_racks: tuple[str, ...]
    """Racks that come back on generators, after a gap that no battery bridges."""
    lost_mechanical: tuple[str, ...]
    accelerators: int
    """In racks that go down, for seconds or for long."""
    load_w: float
    """Of these racks at the load of the sweep, W."""
    tripped: tuple[Trip, ...]
    witness: tuple[str, ...]
    """From the element that was removed to the first rack or plant that goes down; empty when none does."""

    @property
    def dark_racks(self) -> tuple[str, ...]:
        return self.lost_racks + self.interrupted_racks

    @property
    def takes_down(self) -> bool:
        return bool(self.lost_racks or self.interrupted_racks or self.lost_mechanical)

    @property
    def maintainable(self) -> bool:
        """Planned work: generators run before it begins, so that a gap does not count; an overload does."""
        return not (self.lost_racks or self.lost_mechanical or self.tripped)


@dataclass(frozen=True)
class SweepResult:
    """One row for each class of alike elements, the most harmful first."""

    removals: tuple[Removal, ...]
    racks: int
    overloaded: tuple[Trip, ...]
    """Elements that carry too much already while all is intact; they trip only when an outage gives them more."""

    @property
    def elements(self) -> int:
        return sum(len(removal.names) for removal in self.removals)

    @property
    def concurrently_maintainable(self) -> bool:
        """Every element can be taken out for work without a rack or the plant going down."""
        return all(removal.maintainable for removal in self.removals)

    @property
    def fault_tolerant(self) -> bool:
        """No single loss takes down a rack or the plant, not even for seconds, and none trips another."""
        return all(removal.maintainable and not removal.takes_down for removal in self.removals)

    @property
    def single_points(self) -> tuple[Removal, ...]:
        return tuple(removal for removal in self.removals if removal.takes_down)

    @property
    def witness(self) -> tuple[str, ...]:
        """Why it is not concurrently maintainable; empty when it is."""
        bad = next((removal for removal in self.removals if not removal.maintainable), None)
        return () if bad is None else bad.witness or (bad.names[0], *(trip.name for trip in bad.tripped))

    @cached_property
    def by_name(self) -> dict[str, Removal]:
        """The row of each element."""
        return {name: removal for removal in self.removals for name in removal.names}


def sweep(
    graph: PowerGraph,
    *,
    it_ratio: float = 1.0,
    mechanical_w: float = 0.0,
    critical_mechanical_w: float = 0.0,
    estate: Estate | None = None,
) -> SweepResult:
    """What each single removal does. An element that then carries more than its limit trips, until nothing trips.

    it_ratio: draw of the racks over their peak; mechanical_w, critical_mechanical_w: what cooling draws then, W.
    estate: tells how many accelerators go down; without it, none are counted.
    """
    supply = supply_of(
        graph, it_ratio=it_ratio, mechanical_w=mechanical_w, critical_mechanical_w=critical_mechanical_w, estate=estate
    )
    return swept(supply)


def swept(supply: Supply) -> SweepResult:
    """The sweep of a supply that is at hand."""
    outages = Outages(supply)
    rows = [_removal(supply, units, outages.after(units[:1])) for units in Likeness(supply).classes().units]
    rows.sort(
        key=lambda row: (-row.accelerators, -row.load_w, -len(row.dark_racks), not row.lost_mechanical, -len(row.tripped))
    )
    overloaded = tuple(Trip(supply.units[i].name, outages.out_w[i], supply.units[i].limit_w) for i in outages.overloaded())
    return SweepResult(tuple(rows), len(supply.racks), overloaded)


def _removal(supply: Supply, units: tuple[int, ...], outage: Outage) -> Removal:
    dark = sorted(outage.dark_loads)
    racks = [i for i in dark if supply.loads[i].kind == "rack"]
    return Removal(
        names=tuple(supply.units[i].name for i in units),
        kind=supply.units[units[0]].kind,
        lost_racks=tuple(supply.loads[i].name for i in racks if i in outage.lost_loads),
        interrupted_racks=tuple(supply.loads[i].name for i in racks if i in outage.interrupted_loads),
        lost_mechanical=tuple(
            supply.loads[i].name for i in dark if supply.loads[i].kind == "mechanical" and i in outage.lost_loads
        ),
        accelerators=sum(supply.loads[i].accelerators for i in racks),
        load_w=sum(supply.loads[i].peak_w for i in racks),
        tripped=tuple(Trip(supply.units[i].name, asked_w, supply.units[i].limit_w) for i, asked_w in outage.tripped),
        witness=tuple(witness_of(supply, outage)),
    )


def witness_of(supply: Supply, outage: Outage) -> Iterator[str]:
    """Names from what was removed, past what tripped, down the dead path to the first load that is lost."""
    first = min(outage.lost_loads or outage.interrupted_loads, default=None)
    if first is None or (first in outage.interrupted_loads and supply.loads[first].kind == "mechanical"):
        return
    tripped = {unit for unit, _ in outage.tripped}

    def next_up(ways: tuple[int, ...]) -> list[int]:
        """A dead one among them: what tripped first, what was removed last, so that the chain tells the whole story."""
        dead = [way for way in ways if way in outage.dead]
        return sorted(dead, key=lambda way: (way not in tripped, way in outage.removed))[:1]

    path = next_up(supply.loads[first].feeds)
    while path and path[-1] not in outage.removed | tripped:
        path += next_up(supply.units[path[-1]].parents)
    if not path or path[-1] in tripped:
        yield from (supply.units[i].name for i in sorted(outage.removed))
        yield from [supply.units[i].name for i, _ in outage.tripped if i not in path][:TOLD_TRIPS]
    yield from (supply.units[i].name for i in reversed(path))
    yield supply.loads[first].name
