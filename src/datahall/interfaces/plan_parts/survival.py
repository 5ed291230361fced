"""What fails together, how often the racks are without power or cooling, and what that rests on."""

from collections.abc import Iterator, Sequence

from datahall.foundation.nines import availability_text
from datahall.foundation.readable import with_unit
from datahall.infrastructure.reliability import AvailabilityReport, Contribution, Removal, ServiceAvailability, SweepResult
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Lines, Section, Table, few, words_of
from datahall.planner.plan import Plan

SHOWN = 12
"""Rows that are open; the rest is folded."""
CHAIN = 8
"""Links of a witness that are told."""


def together_section(plan: Plan, anchors: Anchors) -> Section | None:
    """Every single removal, the most harmful first; None without power elements."""
    if plan.survival is None:
        return None
    found = plan.survival.sweep
    felt = [removal for removal in found.removals if removal.takes_down or removal.tripped]
    calm = [removal for removal in found.removals if not (removal.takes_down or removal.tripped)]
    blocks: list[Block] = [Lines(tuple(_verdict(found)))]
    if found.overloaded:
        blocks.append(Lines(tuple(_overloaded(found)), title="Carries too much while all is intact", warning=True))
    blocks += _removals(felt, found.racks)
    if calm:
        quiet = tuple((few(r.names), words_of(r.kind), f"{len(r.names):,}") for r in calm)
        words = f"{sum(len(r.names) for r in calm):,} elements whose loss no rack feels"
        blocks.append(Table(("Lost", "Kind", "Count"), quiet, numbers=frozenset({2}), folded=words))
    lead = (
        f"Each of {found.elements:,} power elements is taken away by itself, at full load. What must then carry more than its "
        "limit trips as well. Elements that no wire and no figure tells apart share a row."
    )
    return Section(anchors.section("together"), "What fails together", tuple(blocks), lead)


def availability_section(plan: Plan, anchors: Anchors) -> Section | None:
    """Availability, its largest reasons and its assumptions; None without power elements."""
    if plan.survival is None:
        return None
    report = plan.survival.availability
    blocks: list[Block] = []
    if "availability" in plan.figures:
        blocks.append(_counted(report))
    else:
        blocks.append(Lines(report.unknown, title="No availability is stated, since these would be left out", warning=True))
    blocks += _reasons(report.contributions)
    blocks.append(Lines(report.assumptions, title="What these figures rest on"))
    lead = "Availability means nothing without what is counted in it."
    if "availability" in plan.figures:
        lead = f"{lead[:-1]}: each column counts more than the one before."
    return Section(anchors.section("availability"), "Availability", tuple(blocks), lead)


def _verdict(found: SweepResult) -> Iterator[str]:
    points = sum(len(removal.names) for removal in found.single_points)
    if points:
        yield f"single points of failure: {points:,} of {found.elements:,} elements"
    else:
        yield "no single loss takes down a rack or the plant"
    if found.concurrently_maintainable:
        yield "concurrently maintainable: every element can be taken out for work without a rack or the plant going down"
    else:
        yield f"not concurrently maintainable: {' → '.join(found.witness[:CHAIN])}"
    yield "fault tolerant: no single loss is felt, not even for seconds" if found.fault_tolerant else "not fault tolerant"


def _overloaded(found: SweepResult) -> Iterator[str]:
    for trip in found.overloaded[:SHOWN]:
        yield f"{trip.name}: {with_unit(trip.asked_w, 'W')} of {with_unit(trip.limit_w, 'W')}"
    if len(found.overloaded) > SHOWN:
        yield f"and {len(found.overloaded) - SHOWN:,} more"


def _removals(felt: Sequence[Removal], racks: int) -> Iterator[Table]:
    heads = ("Lost", "Kind", "Count", "Racks down", "For seconds", "Accelerators", "IT load", "Plant", "How")
    rows = [_row(removal, racks) for removal in felt]
    numbers = frozenset({2, 3, 4, 5, 6})
    if rows[:SHOWN]:
        yield Table(heads, tuple(rows[:SHOWN]), numbers=numbers)
    if rows[SHOWN:]:
        yield Table(heads, tuple(rows[SHOWN:]), numbers=numbers, folded=f"{len(rows) - SHOWN} more, less harmful")


def _row(removal: Removal, racks: int) -> tuple[str, ...]:
    chain = removal.witness[:CHAIN] + (("…",) if len(removal.witness) > CHAIN else ())
    tripped = f"trips {few([trip.name for trip in removal.tripped])}" if removal.tripped else ""
    lost = f"{len(removal.lost_racks):,}" + (" (all)" if removal.lost_racks and len(removal.lost_racks) == racks else "")
    return (
        few(removal.names),
        words_of(removal.kind),
        f"{len(removal.names):,}",
        lost,
        f"{len(removal.interrupted_racks):,}",
        f"{removal.accelerators:,}",
        with_unit(removal.load_w, "W"),
        ", ".join(removal.lost_mechanical) or "–",
        " → ".join(chain) or tripped or "–",
    )


def _counted(report: AvailabilityReport) -> Table:
    hall = ("average W of the hall", *_figures(report.independent, report.with_common_cause, report.with_planned_work))
    rows = [(*hall, availability_text(report.availability), f"{report.downtime_h_per_year:.2f} h")]
    services: list[ServiceAvailability] = [*report.power_and_cooling]
    if len(services) < 2 and report.power:
        services = [*services, *report.power]
    if report.cooling:
        services.append(report.cooling)
    for row in services[:SHOWN]:
        figures = _figures(row.independent, row.with_common_cause, row.with_planned_work, row.availability)
        rows.append((row.name, *figures, f"{row.downtime_h_per_year:.2f} h"))
    heads = ("Service", "Failures alone: naive", "and common cause", "and planned work", "and people", "Down a year")
    return Table(heads, tuple(rows), numbers=frozenset({1, 2, 3, 4, 5}))


def _figures(*values: float) -> tuple[str, ...]:
    return tuple(map(availability_text, values))


def _reasons(contributions: Sequence[Contribution]) -> Iterator[Table]:
    rows = tuple(
        (c.what, c.source, f"{c.order}", f"{c.count:g}", f"{c.chance:.2e}", f"{c.downtime_h_per_year:.3g} h")
        for c in contributions
    )
    if rows:
        heads = ("Cut set", "By", "Down at once", "Alike", "Chance of one", "Down a year")
        title = "Minimal cut sets that cost most, for the worst racks"
        yield Table(heads, rows, title=title, numbers=frozenset({2, 3, 4, 5}))
