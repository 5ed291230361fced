"""How much of the year the racks have power and cooling, and why not all of it."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from datahall.infrastructure.estate import Estate
from datahall.infrastructure.power import PowerGraph
from datahall.infrastructure.reliability.chances import failing
from datahall.infrastructure.reliability.closed_forms import hours_per_year
from datahall.infrastructure.reliability.cut_sets import CutSets
from datahall.infrastructure.reliability.from_graph import supply_of
from datahall.infrastructure.reliability.services import Asked, Contribution, ServiceAvailability, service_of
from datahall.infrastructure.reliability.spare_groups import SpareGroup
from datahall.infrastructure.reliability.supply import Supply
from datahall.infrastructure.spec import Reliability

MOST_PAIRS = 100_000
"""Pairs of classes of elements that are tried: some ten seconds. A regular hall of 100,000 accelerators has 1,500."""
MOST_ROWS = 64
"""Classes of racks that are worked out one by one."""


@dataclass(frozen=True, slots=True)
class AvailabilityReport:
    """Never a figure without `assumptions`: `str()` of the report gives both."""

    power: tuple[ServiceAvailability, ...]
    """Racks have power; one row for each class of racks."""
    power_and_cooling: tuple[ServiceAvailability, ...]
    """Racks have power, and the hall has cooling; same classes."""
    cooling: ServiceAvailability | None
    """The hall has cooling, with its power; None when neither its feeds nor its units are declared."""
    rack_w: tuple[float, ...]
    """Load of all racks of each class, W: the weights of the hall's figures."""
    assumptions: tuple[str, ...]
    unknown: tuple[str, ...]
    """What could not be counted, since no figure says how often it fails."""
    elements: int
    """Power elements and groups of cooling units that racks could miss."""
    uncounted: int
    """Those of them without a failure rate or a repair time."""

    @property
    def says_something(self) -> bool:
        """False where no rack hangs on a graph, or no element of it has a record of failures: 1.0 then means nothing."""
        return bool(self.power) and self.uncounted < self.elements

    @property
    def complete(self) -> bool:
        """Whether every element has a record; else the figures are upper bounds."""
        return self.says_something and self.uncounted == 0

    @property
    def independent(self) -> float:
        """Of the average W of IT load: failures alone, each by itself."""
        return self._mean([row.independent for row in self.power_and_cooling])

    @property
    def with_common_cause(self) -> float:
        return self._mean([row.with_common_cause for row in self.power_and_cooling])

    @property
    def with_planned_work(self) -> float:
        return self._mean([row.with_planned_work for row in self.power_and_cooling])

    @property
    def availability(self) -> float:
        """Of the average W of IT load, all counted: failures, common cause, planned work and people."""
        return self._mean([row.availability for row in self.power_and_cooling])

    @property
    def downtime_h_per_year(self) -> float:
        return hours_per_year(1 - self.availability)

    @property
    def worst(self) -> ServiceAvailability | None:
        return min(self.power_and_cooling, key=lambda row: row.availability, default=None)

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """What costs most in the worst class of racks."""
        return self.worst.contributions if self.worst else ()

    def _mean(self, figures: Sequence[float]) -> float:
        total_w = math.fsum(self.rack_w)
        return 1 - math.fsum(w * (1 - up) for w, up in zip(self.rack_w, figures, strict=True)) / total_w if total_w else 1.0

    def __str__(self) -> str:
        if not self.says_something:
            return "\n".join(("no availability can be told:", *(f"- {line}" for line in self.unknown)))
        most, least = ("", "") if self.complete else ("at most ", "at least ")
        head = f"available {most}{self.availability:.6f}, {least}{self.downtime_h_per_year:.2f} h down a year"
        return "\n".join((f"{head}, if:", *(f"- {line}" for line in (*self.assumptions, *self.unknown))))


def availability_of(
    graph: PowerGraph,
    *,
    reliability: Reliability,
    cooling_units: Sequence[SpareGroup] = (),
    estate: Estate | None = None,
    it_ratio: float = 1.0,
    mechanical_w: float = 0.0,
    critical_mechanical_w: float = 0.0,
) -> AvailabilityReport:
    """Availability of power, of cooling, and of both, for each class of racks and for the hall.

    cooling_units: from spare_groups. it_ratio, mechanical_w, critical_mechanical_w: the load for which spares are counted.
    """
    loads = {"it_ratio": it_ratio, "mechanical_w": mechanical_w, "critical_mechanical_w": critical_mechanical_w}
    supply = supply_of(graph, estate=estate, **loads)
    report = availability_of_supply(supply, reliability=reliability, cooling_units=cooling_units)
    if not graph.unfed_racks:
        return report
    line = f"{_listed(graph.unfed_racks)}: fed by no element, so nothing is said of them"
    return replace(report, unknown=(*report.unknown, line))


def availability_of_supply(
    supply: Supply,
    *,
    reliability: Reliability,
    cooling_units: Sequence[SpareGroup] = (),
    most_pairs: int = MOST_PAIRS,
    most_rows: int = MOST_ROWS,
) -> AvailabilityReport:
    """The same for a supply that is at hand. most_pairs, most_rows: beyond them, the report says what it left out."""
    cuts = CutSets(supply, most_pairs=most_pairs)
    numbers = _heaviest(cuts, most_rows)
    groups = tuple(cooling_units)
    power = tuple(service_of(_power(cuts, n), cuts, reliability) for n in numbers)
    both = tuple(service_of(_both(cuts, n, groups), cuts, reliability) for n in numbers)
    plant = any(load.kind == "mechanical" for load in supply.loads)
    return AvailabilityReport(
        power,
        both,
        service_of(_cooling(cuts, groups), cuts, reliability) if plant or groups else None,
        rack_w=tuple(_load_w(cuts, n) for n in numbers),
        assumptions=(*_assumptions(supply, reliability, plant=plant), *_left_out(cuts, numbers)),
        unknown=tuple(_unknown(supply, groups)),
        elements=len(supply.units) + len(groups),
        uncounted=sum(failing(unit) is None for unit in supply.units) + sum(group.chance is None for group in groups),
    )


def _load_w(cuts: CutSets, number: int) -> float:
    return math.fsum(cuts.supply.loads[rack].peak_w for rack in cuts.rack_classes[number])


def _heaviest(cuts: CutSets, most: int) -> list[int]:
    """Classes of racks with the most load, in their own order."""
    return sorted(sorted(range(len(cuts.rack_classes)), key=lambda number: -_load_w(cuts, number))[:most])


def _left_out(cuts: CutSets, numbers: Sequence[int]) -> Iterator[str]:
    """What a very irregular hall makes us skip."""
    if len(numbers) < len(cuts.rack_classes):
        yield f"racks of {len(cuts.rack_classes):,} kinds: the {len(numbers)} with the most load stand for all"
    if not cuts.tries_pairs:
        kinds = f"{len(cuts.alike.units):,} kinds of elements"
        yield f"{kinds}: pairs were not tried, so two failures at once count only by common cause"


def _power(cuts: CutSets, number: int) -> Asked:
    racks = cuts.rack_classes[number]
    return Asked(
        name=f"power of {_names(cuts, number)}",
        racks=tuple(cuts.supply.loads[rack].name for rack in racks),
        hits=lambda cut: cut.racks.get(number, 0.0),
        fails=lambda units, given=(): racks[0] in cuts.down(units, given=given).racks,
        upstream=cuts.supply.upstream_of(racks[0]),
    )


def _both(cuts: CutSets, number: int, groups: tuple[SpareGroup, ...]) -> Asked:
    racks = cuts.rack_classes[number]

    def fails(units: Iterable[int], *, given: Iterable[int] = ()) -> bool:
        down = cuts.down(units, given=given)
        return down.plant or racks[0] in down.racks

    upstream = {*cuts.supply.upstream_of(racks[0]), *_upstream_of_plant(cuts.supply)}
    return Asked(
        name=f"power and cooling of {_names(cuts, number)}",
        racks=tuple(cuts.supply.loads[rack].name for rack in racks),
        hits=lambda cut: cut.served.get(number, 0.0),
        fails=fails,
        upstream=tuple(sorted(upstream)),
        cooling=groups,
    )


def _cooling(cuts: CutSets, groups: tuple[SpareGroup, ...]) -> Asked:
    return Asked(
        name="cooling of the hall",
        racks=(),
        hits=lambda cut: cut.plant,
        fails=lambda units, given=(): cuts.down(units, given=given).plant,
        upstream=tuple(_upstream_of_plant(cuts.supply)),
        cooling=groups,
    )


def _upstream_of_plant(supply: Supply) -> list[int]:
    loads = [i for i, load in enumerate(supply.loads) if load.kind == "mechanical"]
    return sorted({unit for load in loads for unit in supply.upstream_of(load)})


def _names(cuts: CutSets, number: int) -> str:
    racks = [cuts.supply.loads[rack].name for rack in cuts.rack_classes[number]]
    return racks[0] if len(racks) == 1 else f"{racks[0]} … {racks[-1]} ({len(racks)} racks)"


def _assumptions(supply: Supply, reliability: Reliability, *, plant: bool) -> Iterator[str]:
    yield "steady state: each element fails at a constant rate and is repaired by its own crew, whatever else is down"
    yield (
        f"common cause: {reliability.beta_ratio:.1%} of the failures of a redundant group take all of it; "
        "alike are elements of one kind with the same failure record, and the group is down for one repair time"
    )
    yield (
        f"planned work: {reliability.maintenance_h_per_year:g} h a year on each element but the utility, never on two at once; "
        "it counts where nothing else carries the load, or where something fails meanwhile"
    )
    yield (
        f"people: one piece of work a year on each element; {reliability.human_error_per_maintenance:.2%} of them take down "
        f"one more, for {reliability.human_error_repair_h:g} h, which counts where neither can be spared beside the other"
    )
    yield "an element that must carry more than its rating trips at once; loads are at their peak when it happens"
    yield "cut sets of one and two elements, and of m of n in parallel with at most one more; larger ones are left out"
    yield "racks that come back on generators count as down for as long as the utility's repair takes"
    if any(unit.kind == "ups" and unit.battery_wh is None for unit in supply.units):
        yield "a UPS without battery_wh bridges the start of the generators"
    if plant:
        yield "the cooling plant runs while one of its feeds is alive; a gap until generators start does not count against it"


def _unknown(supply: Supply, groups: Sequence[SpareGroup]) -> Iterator[str]:
    if not supply.racks:
        yield "no rack hangs on a power element"
    silent: dict[str, list[str]] = defaultdict(list)
    starts = []
    for unit in supply.units:
        if failing(unit) is None:
            silent[unit.kind].append(unit.name)
        if unit.kind == "generator" and (unit.fail_to_start_ratio is None or unit.start_s is None):
            starts.append(unit.name)
    for kind, names in silent.items():
        yield f"{_listed(names)}: no failures_per_year or no repair_h, so no {kind} of these counts as failing"
    if starts:
        yield f"{_listed(starts)}: no start_s or no fail_to_start_ratio, so they are taken to start, and in time"
    for group in groups:
        if group.chance is None:
            yield f"{group.name}: no failures_per_year or no repair_h, so they do not count as failing"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{names[0]} … {names[-1]} ({len(names)})"
