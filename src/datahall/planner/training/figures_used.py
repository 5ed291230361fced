"""The figures of energy, emissions and money."""

from datahall.planner.figures import Figure
from datahall.planner.shares import OF_USE
from datahall.planner.training.draw import COMPUTING, COMPUTING_SOURCE, EXCHANGING, EXCHANGING_SOURCE
from datahall.planner.training.figures import Sheet
from datahall.planner.training.outcome import embodied_kgco2e
from datahall.planner.training.used import Used

DRAW = "Σ shares of a step × draw of the phase: a share of the peak while computing and exchanging, idle while waiting"
IT = "(servers × draw, idle while saving and restarting, + the other IT's draw × share of accelerators) × days × 24 h"


def add_energy(sheet: Sheet, count: Figure, days: Figure) -> Figure | None:
    """kWh, PUE and water; None where nothing says what a server draws."""
    used, draw = sheet.outcome.used, sheet.outcome.draw
    if used is None or draw is None:
        return None
    step = sheet.ledger.figures["train_step_s"]
    working = sheet.computed(
        "server_w", draw.working_w, "W", DRAW, *_levels(sheet), step, about="of one server while steps run"
    )
    source = "switches, storage and management of the hall, at its own utilisation"
    others = sheet.given("other_it_w", sheet.setting.home.others_w, "W", source=source)
    it = sheet.computed("it_energy_kwh", used.it_kwh, "kWh", IT, working, others, count, days, sheet.hall("accelerators"))
    return _at_meter(sheet, used, it)


def _levels(sheet: Sheet) -> list[Figure]:
    server = sheet.setting.home.server
    if server is None:
        return []
    return [
        sheet.given("computing_ratio", COMPUTING, "1", source=COMPUTING_SOURCE, assumed=True),
        sheet.given("exchanging_ratio", EXCHANGING, "1", source=EXCHANGING_SOURCE, assumed=True),
        sheet.given("server_peak_w", server.peak_w, "W", source=f"{server.name} at full load, caps applied"),
        sheet.given(
            "server_idle_w", server.idle_w, "W", source=f"{server.name} with nothing to do, or a stated share of its peak"
        ),
    ]


def _at_meter(sheet: Sheet, used: Used, it: Figure) -> Figure:
    start, cooled = sheet.setting.request.start_h, sheet.setting.meter.has_cooling
    window = "all hours of the year, as no start is given" if start is None else f"the run's hours from hour {start} on"
    formula = f"IT energy × mean of facility over IT power in {window}; the hall as busy as the run makes it"
    about = "at the meter" if cooled else "at the meter, without cooling: the hall does not say how it is cooled"
    found = sheet.computed("energy_kwh", used.facility_kwh, "kWh", formula, it, about=about)
    if cooled and used.it_kwh:
        sheet.computed(
            "pue", used.facility_kwh / used.it_kwh, "1", "facility / IT energy", found, it, about="of the run's hours"
        )
    if used.water_m3 is not None:
        formula = "IT energy × the cooling's water for one kWh of IT in each hour"
        sheet.computed("water_m3", used.water_m3, "m3", formula, it, about="evaporated and bled")
    return found


def add_carbon(sheet: Sheet, count: Figure, days: Figure, energy: Figure | None) -> None:
    """Emissions of operation and the run's share of making the equipment."""
    used = sheet.outcome.used
    if energy is None or used is None:
        return
    for kind, value in (("location", used.location_kgco2e), ("market", used.market_kgco2e)):
        if value is not None:
            grid, formula = sheet.hall(f"grid_{kind}_kgco2e_per_kwh"), "Σ hours energy × grid intensity"
            sheet.computed(f"carbon_{kind}_kgco2e", value, "kgCO2e", formula, energy, grid, about=f"operation, {kind}-based")
    share = embodied_kgco2e(sheet.setting, sheet.outcome)
    if share is not None:
        formula = "making of the hall's equipment, a year of its life × days / 365 × share of accelerators"
        whole = sheet.hall("embodied_kgco2e")
        sheet.computed("embodied_kgco2e", share, "kgCO2e", formula, whole, days, count, sheet.hall("accelerators"))


def add_cost(sheet: Sheet, count: Figure, days: Figure, energy: Figure | None) -> None:
    """The run's bill, line by line."""
    outcome, currency = sheet.outcome, sheet.setting.home.plan.cost.currency
    if outcome.cost is None:
        return
    lines = [_line(sheet, name, value, [count, days], energy) for name, value in outcome.lines.items()]
    total = sheet.computed("cost", outcome.cost, currency, "Σ lines", *lines, about="the run, all included")
    tokens = sheet.ledger.figures["train_tokens"]
    each = outcome.cost / (sheet.setting.request.tokens / 1e6)
    sheet.computed("cost_per_million_tokens", each, currency, "cost / tokens × 1,000,000", total, tokens)


def _line(sheet: Sheet, name: str, value: float, share: list[Figure], energy: Figure | None) -> Figure:
    whole, currency = sheet.hall(f"cost_{name}_per_year"), sheet.setting.home.plan.cost.currency
    if name in OF_USE:
        formula = "what the run takes from the meter × the hall's price in each hour"
        return sheet.computed(f"cost_{name}", value, currency, formula, energy, whole, about=name)
    formula = "a year of the hall × days of the run / days of the year × share of accelerators"
    return sheet.computed(f"cost_{name}", value, currency, formula, whole, *share, sheet.hall("accelerators"), about=name)
