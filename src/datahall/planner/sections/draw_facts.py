"""What the draw of the IT equipment follows from beside its peak and mean load: idle power, profiles, the year."""

from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger


def draw_facts(ledger: Ledger, year: FacilityYear) -> list[Figure]:
    """Idle draw of all equipment, the factors of hours and days, the cap, and how many hours there are."""
    idle, operation = _idle(ledger), ledger.loaded.hall.operation
    profiles = (("daily_profile", operation.daily_profile), ("weekly_profile", operation.weekly_profile))
    shape = [
        ledger.declared(f"{name}_{n}", ("operation", name, n), factor, "1")
        for name, factors in profiles
        for n, factor in enumerate(factors)
    ]
    known = [ledger.figures["it_cap_w"]] if "it_cap_w" in ledger.figures else []
    hours = ledger.given("year_h", year.hours, "h", source="hours of the year that is planned")
    return [idle, *shape, *known, hours]


def _idle(ledger: Ledger) -> Figure:
    """Parts in racks, machines outside of them, and what no rack has."""
    estate, figures = ledger.loaded.estate, ledger.figures
    parts = [figures[f"idle_power_of_{part}_w"] for part in estate.devices]
    nodes_w = estate.idle_w - sum(figure.value for figure in parts)
    if estate.nodes:
        source = "a share of their design power that stands in for what nobody measured"
        parts.append(ledger.given("idle_power_of_machines_w", nodes_w, "W", source=source, assumed=True))
    loose = [figures[name] for name in ("network_power_not_placed_w",) if name in figures]
    total_w = sum(figure.value for figure in (*parts, *loose))
    return ledger.computed(
        "it_idle_w", total_w, "W", formula="Σ parts + network that is placed nowhere", inputs=[*parts, *loose], about="all IT"
    )
