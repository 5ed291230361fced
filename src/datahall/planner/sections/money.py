"""What the hall costs and emits, each line traced to its prices."""

from dataclasses import replace

from datahall.foundation.hourly import Series
from datahall.foundation.readable import with_unit
from datahall.infrastructure.cost import CostReport, Gap, Input, Line, Purchase, Tornado, bill_of, cost_of, tornado_of
from datahall.infrastructure.spec import HourlyFile
from datahall.infrastructure.weather import hourly_series
from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger


def add_cost(ledger: Ledger, year: FacilityYear, network: tuple[Purchase, ...]) -> tuple[CostReport, Tornado]:
    """The bill of the year, its lines as figures, and what drives it."""
    hall = ledger.loaded.hall
    bill = bill_of(
        hall,
        ledger.loaded.estate,
        ledger.loaded.catalogue,
        facility_w=year.flow.facility_w,
        critical_w=ledger.figures["it_design_w"].value,
        water_m3=(year.water_l or 0.0) / 1e3,
        network=network,
        energy_series=price_series(ledger, year),
    )
    report = _without_cooling(ledger, year, cost_of(bill, hall.economy, hall.operation))
    _add_lines(ledger, report)
    for line in dict.fromkeys(gap.line for gap in report.missing):
        wanted = dict.fromkeys(gap.declare for gap in report.missing if gap.line == line)
        ledger.lacks(", ".join(wanted), f"cost of {line} as a whole: the sums are lower bounds")
    return report, tornado_of(bill, hall.economy, hall.operation)


def _without_cooling(ledger: Ledger, year: FacilityYear, report: CostReport) -> CostReport:
    """A hall whose cooling was not computed pays for its energy too: then the bill is a lower bound, and says so."""
    if year.cooling is not None:
        return report
    declare = "site.weather" if ledger.loaded.hall.cooling else "cooling"
    return replace(report, missing=(*report.missing, Gap("energy", declare)))


def price_series(ledger: Ledger, year: FacilityYear) -> Series | None:
    """Hourly prices, where the tariff names a file."""
    site = ledger.loaded.hall.site
    price = site.tariff.energy_per_kwh if site and site.tariff else None
    return hourly(ledger, price, year) if isinstance(price, HourlyFile) else None


def hourly(ledger: Ledger, file: HourlyFile, year: FacilityYear) -> Series:
    """A file's series, over the hours of the year that is planned."""
    site = ledger.loaded.hall.site
    offset_h = year.weather.utc_offset_h if year.weather else (site.utc_offset_h if site else None) or 0.0
    return hourly_series(file, ledger.loaded.folder, hours=year.hours, utc_offset_h=offset_h)


def _add_lines(ledger: Ledger, report: CostReport) -> None:
    if not report.lines:
        return
    # Maintenance, support and insurance are shares of what is bought: that comes first.
    bought = [_capital(ledger, line, report.currency) for line in report.lines if line.capital]
    lines = [_line(ledger, line, report.currency) for line in report.lines]
    total = ledger.computed(
        "cost_per_year",
        report.per_year,
        report.currency,
        formula="Σ lines",
        about="a year, all included",
        inputs=lines,
    )
    if bought:
        about = "paid up front"
        ledger.computed("capital", report.capital, report.currency, formula="Σ what is bought", inputs=bought, about=about)
    _per_hour(ledger, report, total)


def _line(ledger: Ledger, line: Line, currency: str) -> Figure:
    inputs = [_input(ledger, line.name, given) for given in line.inputs]
    name = f"cost_{line.name}_per_year"
    return ledger.computed(name, line.per_year, currency, formula=line.formula, inputs=inputs, about=f"{line.name}, a year")


CAPITAL = {"building": "build_price × critical_power", "land": "land"}
"""What is paid up front for a line; all others are things that are counted."""
OVER_TIME = frozenset({"building_life_years", "server_life_years", "network_life_years", "storage_life_years"})


def _capital(ledger: Ledger, line: Line, currency: str) -> Figure:
    """What is paid up front: without the years and the interest by which it is spread."""
    once = [given for given in line.inputs if given.name not in {*OVER_TIME, "discount_rate_ratio"}]
    inputs = [_input(ledger, line.name, given) for given in once]
    formula = CAPITAL.get(line.name, "Σ count × price")
    return ledger.computed(f"capital_{line.name}", line.capital, currency, formula=formula, inputs=inputs, about=line.name)


def _input(ledger: Ledger, line: str, given: Input) -> Figure:
    """One number of a line, `cost.<line>.<what>` or `cost.<line>.<name as declared>.<count or price>`: none is told twice."""
    words, _, last = given.name.rpartition(" ")
    name, unit = f"cost.{line}." + (f"{words}.{last}" if last in {"count", "price"} else given.name), given.unit or "1"
    if given.path:
        return ledger.declared(name, given.path, given.value, unit, given.name, read_in=given.source)
    if known := _known(ledger, given):
        formula = " + ".join(figure.name for figure in known) + (", in kW" if given.unit == "kW" else "")
        return ledger.computed(name, given.value, unit, formula=formula, inputs=known, about=given.name)
    return ledger.given(name, given.value, unit, source=given.source or "counted by this plan", about=given.name)


FIGURES = {
    "critical_power": "it_design_w",
    "facility_energy": "facility_energy_kwh",
    "water": "water_m3",
    "servers": "capital_servers",
}
"""Numbers of the bill that other figures of the plan are."""


def _known(ledger: Ledger, given: Input) -> list[Figure]:
    of, _, lines = given.name.partition("capital of ")
    if of:
        names = [FIGURES.get(given.name, "")]
    else:
        wanted = None if lines == "all that was bought" else lines.split(", ")
        found = (name for name in ledger.figures.by_name if name.startswith("capital_"))
        names = [name for name in found if wanted is None or name.removeprefix("capital_") in wanted]
    return [ledger.figures[name] for name in names if name in ledger.figures]


def _per_hour(ledger: Ledger, report: CostReport, total: Figure) -> None:
    if report.per_installed_hour is None:
        return
    count, operation = ledger.figures["accelerators"], ledger.loaded.hall.operation
    hours = ledger.given("year_h", report.hours, "h", source="hours of the year that is planned")
    ledger.computed(
        "cost_per_installed_hour",
        report.per_installed_hour,
        report.currency,
        inputs=[total, count, hours],
        formula="a year / (accelerators × hours)",
        about="an accelerator-hour, used or not",
    )
    if report.per_useful_hour is None:
        return
    sold = ledger.declared(
        "sold_ratio", ("operation", "sold_ratio"), operation.sold_ratio, "1", "share of hours that jobs hold"
    )
    goodput = ledger.declared(
        "goodput_ratio", ("operation", "goodput_ratio"), operation.goodput_ratio, "1", "share that is kept work"
    )
    ledger.computed(
        "cost_per_useful_hour",
        report.per_useful_hour,
        report.currency,
        inputs=[total, count, hours, sold, goodput],
        formula="a year / (accelerators × hours × sold × goodput)",
        about="a useful accelerator-hour",
    )


def driver_lines(tornado: Tornado) -> list[str]:
    """The drivers in words, the strongest first."""
    return [
        f"{swing.driver}: {_moved(swing.base, swing.low, swing.high)} moves {with_unit(tornado.cost, tornado.unit[:3])} "
        f"to {with_unit(swing.cost_at_low, tornado.unit[:3])} … {with_unit(swing.cost_at_high, tornado.unit[:3])}"
        for swing in tornado.swings
    ]


def _moved(base: float, low: float, high: float) -> str:
    return f"{low / base - 1:+.0%} … {high / base - 1:+.0%}" if base else f"{low:g} … {high:g}"
