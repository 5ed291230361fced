"""The availability of one service, added up from what takes it down."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from datahall.infrastructure.reliability.chances import NEVER_OUR_WORK, Chances
from datahall.infrastructure.reliability.closed_forms import HOURS_PER_YEAR, any_of_many, hours_per_year
from datahall.infrastructure.reliability.common_cause import Fails, SharedCause, shared_causes
from datahall.infrastructure.reliability.cut_sets import CutSet, CutSets
from datahall.infrastructure.reliability.spare_groups import SpareGroup
from datahall.infrastructure.spec import Reliability

Source = Literal["failures", "common cause", "planned work", "people"]
TOP = 10


@dataclass(frozen=True, slots=True)
class Contribution:
    """One reason for downtime, with all alike ones together."""

    what: str
    source: Source
    count: float
    """Alike sets that take down one and the same rack."""
    chance: float
    """Of one of them, 0..1."""
    order: int
    """Things that must be down at once."""

    @property
    def chance_of_any(self) -> float:
        return any_of_many(self.chance, self.count)

    @property
    def downtime_h_per_year(self) -> float:
        return hours_per_year(self.chance_of_any)


@dataclass(frozen=True, slots=True)
class ServiceAvailability:
    """One service. The four figures differ in what is counted; none means anything without that."""

    name: str
    racks: tuple[str, ...]
    """Racks that share these figures; empty for the cooling plant."""
    independent: float
    """Failures alone, each by itself: the naive figure, which nobody should print."""
    with_common_cause: float
    with_planned_work: float
    """Failures, common cause and planned work."""
    availability: float
    """All of it, errors of people too."""
    contributions: tuple[Contribution, ...]
    """The ten largest."""

    @property
    def downtime_h_per_year(self) -> float:
        return hours_per_year(1 - self.availability)


@dataclass(frozen=True)
class Asked:
    """What a service is: how many cut sets of a kind hit it, when it is down, and what stands upstream of it."""

    name: str
    racks: tuple[str, ...]
    hits: Callable[[CutSet], float]
    fails: Fails
    upstream: tuple[int, ...]
    cooling: tuple[SpareGroup, ...] = ()


def service_of(asked: Asked, cuts: CutSets, reliability: Reliability) -> ServiceAvailability:
    """Adds up: all cut sets are taken as independent of each other, an upper bound of the downtime.

    Source: Esary and Proschan, Technometrics 5(2), 1963, the minimal cut lower bound of reliability.
    """
    beta = reliability.beta_ratio
    causes = shared_causes(cuts.supply, asked.upstream, asked.fails)
    shared = {cuts.class_of_unit[unit] for cause in causes for unit in cause.units}
    naive = Chances(cuts.supply, reliability.maintenance_h_per_year)
    real = Chances(cuts.supply, reliability.maintenance_h_per_year, beta, lambda unit: cuts.class_of_unit[unit] in shared)
    hit = [(cut, round(count, 9)) for cut in cuts.all if (count := asked.hits(cut)) > 0]
    rows = [*_failures(hit, real, cuts), *_cooling_failures(asked.cooling, beta)]
    rows += [*_common(causes, real, cuts), *_cooling_common(asked.cooling, beta)]
    rows += [*_work(hit, real, cuts), *_cooling_work(asked.cooling, real, beta), *_people(asked, hit, cuts, reliability)]
    first = [*_failures(hit, naive, cuts), *_cooling_failures(asked.cooling, 0.0)]
    top = sorted((row for row in rows if row.chance > 0), key=lambda row: -row.chance_of_any)[:TOP]
    return ServiceAvailability(
        asked.name,
        asked.racks,
        independent=_up(first),
        with_common_cause=_up(rows, "failures", "common cause"),
        with_planned_work=_up(rows, "failures", "common cause", "planned work"),
        availability=_up(rows),
        contributions=tuple(top),
    )


def _up(rows: Iterable[Contribution], *sources: Source) -> float:
    up = 1.0
    for row in rows:
        if not sources or row.source in sources:
            up *= 1 - row.chance_of_any
    return up


def _failures(hit: Sequence[tuple[CutSet, float]], chances: Chances, cuts: CutSets) -> Iterator[Contribution]:
    for cut, count in hit:
        yield Contribution(_told(cut, cuts, "fails", "fail together"), "failures", count, chances.by_failure(cut), cut.order)


def _work(hit: Sequence[tuple[CutSet, float]], chances: Chances, cuts: CutSets) -> Iterator[Contribution]:
    for cut, count in hit:
        what = _told(cut, cuts, "is out for planned work", ": one is out for planned work while the rest fails")
        yield Contribution(what, "planned work", count, chances.in_maintenance(cut), cut.order)


def _common(causes: Iterable[SharedCause], chances: Chances, cuts: CutSets) -> Iterator[Contribution]:
    for cause in causes:
        beside = f", while {_some(cause.beside, cuts)} down" if cause.beside else ""
        what = f"one cause takes all of {_few(cause.units, cuts)}{beside}"
        yield Contribution(what, "common cause", 1, chances.by_common_cause(cause), 1 + bool(cause.beside))


def _people(
    asked: Asked, hit: Sequence[tuple[CutSet, float]], cuts: CutSets, reliability: Reliability
) -> Iterator[Contribution]:
    """One piece of work a year on each element; an error takes down one more, which matters where that one was needed."""
    needed = {cuts.class_of_unit[unit] for cut, _ in hit if cut.order <= 2 for unit in (*cut.units, *cut.group)}
    at_risk = [unit for unit in asked.upstream if cuts.class_of_unit[unit] in needed]
    works = sum(cuts.supply.units[unit].kind not in NEVER_OUR_WORK for unit in at_risk)
    works += sum(group.count for group in asked.cooling if group.count - group.needed < 2)
    chance = reliability.human_error_per_maintenance * reliability.human_error_repair_h / HOURS_PER_YEAR
    if works and reliability.maintenance_h_per_year:
        what = "an error during planned work takes down the one element that could not be spared meanwhile"
        yield Contribution(what, "people", works, chance, 1)


def _cooling_failures(groups: Iterable[SpareGroup], beta: float) -> Iterator[Contribution]:
    for group in groups:
        out = group.count - group.needed + 1
        yield Contribution(f"{out} of {group.count} {group.name} fail together", "failures", 1, group.by_failure(beta), out)


def _cooling_common(groups: Iterable[SpareGroup], beta: float) -> Iterator[Contribution]:
    for group in groups:
        yield Contribution(f"one cause takes all {group.count} {group.name}", "common cause", 1, group.by_common_cause(beta), 1)


def _cooling_work(groups: Iterable[SpareGroup], chances: Chances, beta: float) -> Iterator[Contribution]:
    for group in groups:
        out = group.count - group.needed + 1
        chance = group.in_maintenance(chances.maintenance_h_per_year / HOURS_PER_YEAR, beta)
        what = f"{out} of {group.count} {group.name} out, one of them for planned work"
        yield Contribution(what, "planned work", 1, chance, out)


def _told(cut: CutSet, cuts: CutSets, one: str, many: str) -> str:
    names = [cuts.supply.units[unit].name for unit in cut.units]
    if cut.group:
        names.append(f"{cut.down} of {_few(cut.group, cuts)}")
    end = one if cut.order == 1 else many
    return f"{' and '.join(names)}{'' if end.startswith(':') else ' '}{end}"


def _some(units: tuple[int, ...], cuts: CutSets) -> str:
    return f"{cuts.supply.units[units[0]].name} is" if len(units) == 1 else f"all of {_few(units, cuts)} are"


def _few(units: tuple[int, ...], cuts: CutSets) -> str:
    names = [cuts.supply.units[unit].name for unit in units]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]} ({len(names)})"
