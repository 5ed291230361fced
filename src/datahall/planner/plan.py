"""A whole plan of a hall: every floor asked, every figure traced, what was assumed and what is missing."""

import re
from dataclasses import dataclass
from typing import Any

from datahall.foundation.readable import with_unit
from datahall.infrastructure.carbon import CarbonYear
from datahall.infrastructure.cooling import RideThroughResult
from datahall.infrastructure.cost import CostReport, Tornado
from datahall.infrastructure.siting import siting_notes
from datahall.infrastructure.storage import StorageReport
from datahall.planner.assumptions import Assumption, assumed_choices
from datahall.planner.facility import FacilityYear, facility_year
from datahall.planner.figures import Figures
from datahall.planner.ledger import Ledger
from datahall.planner.load import Loaded
from datahall.planner.sections.capacity import add_capacity
from datahall.planner.sections.carbon import add_carbon
from datahall.planner.sections.cooling import add_ride_through
from datahall.planner.sections.energy import add_energy
from datahall.planner.sections.jobs import add_jobs
from datahall.planner.sections.lossless import say_what_loses_nothing
from datahall.planner.sections.messages import add_messages
from datahall.planner.sections.money import add_cost, driver_lines
from datahall.planner.sections.network import Network, add_network
from datahall.planner.sections.storing import add_storage, storage_lines
from datahall.planner.sections.survival import Survival, add_survival

Note = tuple[str, tuple[str, ...]]
"""A subject and its lines, in words."""


@dataclass(frozen=True)
class Plan:
    """All that is known of a hall before it is built."""

    loaded: Loaded
    year: FacilityYear
    figures: Figures
    network: Network
    storage: StorageReport
    survival: Survival | None
    ride_through: RideThroughResult | None
    cost: CostReport
    tornado: Tornado
    carbon: CarbonYear
    notes: tuple[Note, ...]
    assumptions: tuple[Assumption, ...]
    missing: tuple[Assumption, ...]

    @property
    def name(self) -> str:
        return self.loaded.hall.name

    def gap_of(self, figure: str) -> Assumption | None:
        """What keeps a figure of this name from being computed; None where no gap speaks of it."""
        word = figure.lower().partition("_")[0]
        return next((gap for gap in self.missing if re.search(rf"\b{re.escape(word)}\b", gap.what.lower())), None)

    @property
    def headline(self) -> str:
        """The hall in one line."""
        f = self.figures
        counts = ((f[name].value, name) for name in ("racks", "servers", "accelerators"))
        parts = [f"{count:,.0f} {name if count != 1 else name.removesuffix('s')}" for count, name in counts]
        if peak := f.by_name.get("bf16_peak_flop_per_s"):
            parts.append(f"{with_unit(peak.value, peak.unit)} dense bf16 at most")
        site = self.loaded.hall.site
        return f"{self.name}: {', '.join(parts)}" + (f" · {site.place}" if site and site.place else "")

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: every figure with its formula, inputs and source."""
        return {
            "hall": self.name,
            "file": self.loaded.document.source,
            "figures": {name: figure.as_dict() for name, figure in self.figures.by_name.items()},
            "notes": {title: list(lines) for title, lines in self.notes},
            "cost_drivers": [
                {
                    "driver": s.driver,
                    "unit": s.unit,
                    "low": s.low,
                    "high": s.high,
                    "cost_at_low": s.cost_at_low,
                    "cost_at_high": s.cost_at_high,
                }
                for s in self.tornado.swings
            ],
            "assumptions": [assumption.as_dict() for assumption in self.assumptions],
            "missing": [gap.as_dict() for gap in self.missing],
        }


def plan_of(loaded: Loaded) -> Plan:
    """Plan a hall that was loaded and checked. Raises Refused when a file that it names cannot be used."""
    ledger = Ledger(loaded)
    network = add_network(ledger)
    add_capacity(ledger)
    year = facility_year(loaded.hall, loaded.estate, loaded.catalogue, loaded.folder, more_it_w=network.not_placed_w)
    _say_what_was_taken_for_granted(ledger, year)
    say_what_loses_nothing(ledger, year)
    add_energy(ledger, year)
    ride_through = add_ride_through(ledger, year)
    carbon = add_carbon(ledger, year)
    storage = add_storage(ledger)
    messages, jobs = add_messages(ledger, network.builds), add_jobs(ledger, storage)
    cost, tornado = add_cost(ledger, year, network.purchases)
    survival = add_survival(ledger, year)
    notes = (
        ("Warning", survival.warnings if survival else ()),
        ("Network", network.lines),
        ("Messages", messages),
        ("Storage", storage_lines(storage)),
        ("Jobs", jobs),
        ("Availability", survival.lines if survival else ()),
        ("Fails together", survival.harm if survival else ()),
        ("Cost drivers", tuple(driver_lines(tornado))),
    )
    return Plan(
        loaded,
        year,
        ledger.figures,
        network,
        storage,
        survival,
        ride_through,
        cost,
        tornado,
        carbon,
        notes,
        assumptions=(*ledger.assumptions, *assumed_choices(loaded.hall)),
        missing=tuple(ledger.missing),
    )


def _say_what_was_taken_for_granted(ledger: Ledger, year: FacilityYear) -> None:
    """What the weather file, the site's surroundings and the wiring left open."""
    site = ledger.loaded.hall.site
    for note in (*(year.weather.notes if year.weather else ()), *(siting_notes(site) if site else ())):
        ledger.assume("site", note)
    if (unfed := year.graph.unfed_racks) and year.graph.elements:
        ledger.assume("racks[].feeds", f"{len(unfed)} racks such as {unfed[0]} draw straight from the site, without losses")
