"""What fails together, and how much of the year the racks have power and cooling."""

from dataclasses import dataclass

import numpy as np

from datahall.foundation.nines import availability_text
from datahall.infrastructure.power.backup import Backup, Batteries, Generators, backup_of
from datahall.infrastructure.power.overload import MARGIN
from datahall.infrastructure.reliability import AvailabilityReport, SweepResult, availability_of, spare_groups, sweep
from datahall.infrastructure.reliability.together import fails_together
from datahall.infrastructure.works import DesignHour
from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger
from datahall.planner.sections.power_facts import (
    battery_facts,
    common_cause_facts,
    failure_facts,
    people_facts,
    tank_facts,
)
from datahall.planner.sections.warnings import warnings_of


@dataclass(frozen=True)
class Survival:
    """Single removals, and availability with its assumptions."""

    sweep: SweepResult
    availability: AvailabilityReport
    lines: tuple[str, ...]
    harm: tuple[str, ...]
    """What fails together, in sentences, the most harmful first."""
    warnings: tuple[str, ...]
    """What power cannot carry once cooling is counted, in sentences; empty for a hall that is sized for it."""


def add_survival(ledger: Ledger, year: FacilityYear) -> Survival | None:
    """At full load in the worst weather. None where the hall declares no power elements."""
    if not year.graph.elements:
        ledger.lacks("power.elements", "what fails together, and availability")
        return None
    estate, hall, load = ledger.loaded.estate, ledger.loaded.hall, year.design.load
    found = sweep(year.graph, estate=estate, **load)
    heat_w = _heat_w(ledger, year.design)
    units = spare_groups(hall.cooling, ledger.loaded.catalogue, heat_w=heat_w) if hall.cooling else ()
    report = availability_of(
        year.graph,
        reliability=hall.reliability,
        cooling_units=units,
        estate=estate,
        **load,
    )
    backup = backup_of(year.graph, **load)
    _add_elements(ledger, year)
    _add_backup(ledger, year, backup)
    if not report.complete:
        ledger.lacks("power.elements[].failures_per_year and repair_h", f"availability as a whole: {'; '.join(report.unknown)}")
    _add_figures(ledger, year, found, report)
    warnings = warnings_of(year, hall.power.elements if hall.power else (), backup)
    return Survival(found, report, tuple(_lines(found, report)), tuple(_harm(found)), warnings)


def _heat_w(ledger: Ledger, design: DesignHour) -> dict[str, float]:
    """Heat at full load on each group of cooling units, W."""
    cooling = ledger.loaded.hall.cooling
    chilled_w = 0.0
    if cooling and cooling.air and "chilled_water" in (cooling.air.kind, cooling.air.trim):
        chilled_w += design.air_heat_w
    if cooling and cooling.liquid and "chilled_water" in (cooling.liquid.rejection, cooling.liquid.trim):
        chilled_w += design.liquid_heat_w
    return {"air": design.air_heat_w, "liquid": design.liquid_heat_w, "chillers": chilled_w}


def _add_elements(ledger: Ledger, year: FacilityYear) -> None:
    load_ratio = year.design.flow.peak_load_ratio
    worst = int(np.argmax(load_ratio))
    element = year.graph.elements[worst]
    rating = ledger.given("hottest_element_rating_w", element.rating_w, "W", source=f"power element {element.name}")
    ledger.computed(
        "hottest_element_ratio",
        float(load_ratio[worst]),
        "1",
        formula="largest output / rating, over all elements",
        inputs=[rating],
        about=f"load of the hottest element at full load, {element.name}",
    )


def _add_backup(ledger: Ledger, year: FacilityYear, backup: Backup) -> None:
    """How long the shortest battery lasts, and the emptiest tank, with the grid gone at full load."""
    if lasting := [b for b in backup.batteries if np.isfinite(b.holds_s)]:
        _add_batteries(ledger, year, lasting)
    if tanks := [g for g in backup.generators if g.fuel_h is not None and np.isfinite(g.fuel_h)]:
        _add_tanks(ledger, year, tanks)


def _add_batteries(ledger: Ledger, year: FacilityYear, batteries: list[Batteries]) -> None:
    rating_w = {element.spec_index: element.rating_w for element in year.graph.elements}
    if any(b.load_w > rating_w[b.spec_index] * MARGIN for b in batteries):
        ledger.lacks("power.elements[].rating_w", "how long batteries last: a UPS would have to give more than its rating")
        return
    shortest = min(batteries, key=lambda b: b.holds_s)
    ledger.computed(
        "battery_s",
        shortest.holds_s,
        "s",
        formula="usable Wh × 3600 / (output + loss)",
        inputs=battery_facts(ledger, year, shortest.spec_index, shortest.load_w),
        about="the shortest battery at full load",
    )


def _add_tanks(ledger: Ledger, year: FacilityYear, generators: list[Generators]) -> None:
    busiest = max(generators, key=lambda g: g.load_ratio)
    # Where one cannot carry its load, nothing runs for as long as any tank would last.
    worst = busiest if busiest.load_ratio > MARGIN else min(generators, key=lambda g: g.fuel_h or 0.0)
    load = ledger.given("generator_load_ratio", worst.load_ratio, "1", source="the generator with the most load, grid lost")
    if worst.load_ratio > MARGIN:
        what = f"hours of fuel: a generator would have to give {worst.load_ratio:.0%} of its rating"
        ledger.lacks("power.elements[].rating_w", what)
        return
    ledger.computed(
        "generator_fuel_h",
        worst.fuel_h or 0.0,
        "h",
        formula="hours at rating / load ratio",
        inputs=[*tank_facts(ledger, year, worst.spec_index), load],
        about="from the tanks on site, at full load",
    )


def _add_figures(ledger: Ledger, year: FacilityYear, found: SweepResult, report: AvailabilityReport) -> None:
    facts, about = failure_facts(ledger, year), "on the single-line diagram"
    elements = ledger.given("power_elements", found.elements, "1", source="power.elements", about=about)
    ledger.computed(
        "single_points",
        sum(len(r.names) for r in found.single_points),
        "1",
        formula="removals that take down a rack or the plant",
        inputs=[elements, ledger.figures["racks"]],
        about=f"of {found.elements:,} power elements",
    )
    # A figure that leaves some elements' failures out would be a boast.
    if report.complete:
        _add_availability(ledger, report, facts)


def _add_availability(ledger: Ledger, report: AvailabilityReport, facts: list[Figure]) -> None:
    told: list[Figure] = []
    common = common_cause_facts(ledger)
    for name, value, about, more in (
        ("availability_independent", report.independent, "failures alone, each by itself: naive", facts),
        ("availability_with_common_cause", report.with_common_cause, "and what takes a redundant group at once", common),
        ("availability", report.availability, "and planned work, and people", people_facts(ledger)),
    ):
        told.append(
            ledger.computed(
                name,
                value,
                "1",
                formula="1 − Σ minimal cut sets, weighted by load",
                inputs=(*told[-1:], *more),
                about=about,
                source="; ".join((*report.assumptions, *report.unknown)),
            )
        )
    ledger.computed(
        "downtime_h_per_year",
        report.downtime_h_per_year,
        "h",
        formula="(1 − availability) × 8,760 h",
        inputs=told[-1:],
        about="of the average W of IT load",
    )


def _lines(found: SweepResult, report: AvailabilityReport) -> list[str]:
    maintained = "yes" if found.concurrently_maintainable else f"no: {' → '.join(found.witness[:6])}"
    tolerant = "yes" if found.fault_tolerant else "no"
    structure = f"concurrently maintainable: {maintained}; any one fault of power tolerated: {tolerant}"
    if not report.complete:
        return [structure]
    up, beside = availability_text(report.availability), availability_text(report.with_common_cause)
    whole = f"{up} with common cause, planned work and people ({report.downtime_h_per_year:.2f} h down a year)"
    return [f"{whole}, {beside} without the latter two, {len(report.assumptions)} assumptions", structure]


def _harm(found: SweepResult) -> list[str]:
    """One sentence for each class of elements whose loss is felt."""
    felt = [row.sentence for row in fails_together(found) if row.racks or row.trips]
    return felt or [f"no single one of {found.elements:,} power elements takes down a rack, or trips another"]
