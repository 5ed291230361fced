"""Money and carbon: what a year costs, what drives it, what is emitted."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from markupsafe import Markup

from datahall.foundation.readable import with_unit
from datahall.infrastructure.carbon import CarbonYear
from datahall.infrastructure.cost import CostReport, Tornado
from datahall.interfaces.pictures.bars import Part, Reach, colour_of, stacks, tornado
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Cell, Lines, Picture, Section, Table
from datahall.planner.plan import Plan


def cost_section(plan: Plan, anchors: Anchors) -> Section | None:
    """A year's bill as a bar and as a table, what is missing in it, and its drivers; None where nothing is priced."""
    report = plan.cost
    if not report.lines:
        return None
    blocks: list[Block] = []
    if report.missing:
        blocks.append(Lines(tuple(_gaps(report)), title="Not in the bill, so all sums are lower bounds", warning=True))
    drawn = stacks([(plan.name, parts_of(report))], said=money(report.currency), title="Cost of a year by line")
    blocks += [Picture(drawn, "A year, line by line"), _bill(report)]
    if plan.tornado.swings:
        blocks.append(_drivers(plan.tornado, report.currency))
    return Section(anchors.section("cost"), "Cost", tuple(blocks))


def parts_of(report: CostReport) -> list[Part]:
    """The largest first."""
    lines = sorted(report.lines, key=lambda line: -line.per_year)
    return [Part(line.name.replace("_", " "), line.per_year) for line in lines if line.per_year]


def money(currency: str) -> Callable[[float], str]:
    """Amounts of this currency in words."""
    return partial(with_unit, unit=currency)


def carbon_section(plan: Plan, anchors: Anchors) -> Section | None:
    """Where emissions come from; None where nothing is known of them."""
    carbon = plan.carbon
    rows = tuple(_emissions(carbon))
    if not rows:
        return None
    blocks: list[Block] = [Table(("Emissions", "A year", "Source"), rows, numbers=frozenset({1}))]
    if carbon.embodied.lines:
        blocks.append(_embodied(carbon))
    if carbon.embodied.missing:
        blocks.append(Lines((f"making of {', '.join(carbon.embodied.missing)} is not known",), warning=True))
    return Section(anchors.section("carbon"), "Carbon", tuple(blocks))


def _gaps(report: CostReport) -> Iterator[str]:
    """What to declare, line by line of the bill."""
    for name in dict.fromkeys(gap.line for gap in report.missing):
        wanted = dict.fromkeys(gap.declare for gap in report.missing if gap.line == name)
        yield f"{name.replace('_', ' ')}: declare {', '.join(wanted)}"


def _bill(report: CostReport) -> Table:
    """With the colours of the bar."""
    said, total = money(report.currency), report.per_year
    names = [part.name for part in parts_of(report)]
    rows: list[tuple[Cell, ...]] = []
    for line in sorted(report.lines, key=lambda line: -line.per_year):
        once = said(line.capital) if line.capital else "–"
        words = _swatched(line.name.replace("_", " "), names)
        rows.append((words, said(line.per_year), _share(line.per_year, total), once, line.formula))
    rows.append(("all", said(total), "100.0%" if total else "–", said(report.capital), "sum of the lines"))
    heads = ("Line", "A year", "Share", "Up front", "Formula")
    return Table(heads, tuple(rows), numbers=frozenset({1, 2, 3}))


def _swatched(name: str, names: Sequence[str]) -> Markup:
    swatch = Markup('<i class="swatch {}"></i>').format(colour_of(name, names)) if name in names else Markup("")
    return swatch + Markup("{}").format(name)


def _share(value: float, total: float) -> str:
    return f"{value / total:.1%}" if total else "–"


def _drivers(found: Tornado, currency: str) -> Picture:
    reaches = [
        Reach(s.driver.replace("_", " "), s.cost_at_low, s.cost_at_high, _at(s.low, s.unit), _at(s.high, s.unit))
        for s in found.swings
    ]
    drawn = tornado(reaches, base=found.cost, said=money(currency), title="What moves the cost, the strongest driver first")
    words = found.unit.replace("/a", " a year").replace("/", " per ")
    note = f"{words}, one driver moved at a time: blue at its low end, orange at its high end; their values stand beside."
    return Picture(drawn, "What drives it", note)


def _at(value: float, unit: str) -> str:
    """A driver's value in words; units such as `USD/kWh` stay as they are."""
    if unit in {"", "1"}:
        return f"{value:.3g}"
    return with_unit(value, unit) if value >= 1000 or "/" not in unit else f"{value:.3g} {unit}"


def _emissions(carbon: CarbonYear) -> Iterator[tuple[str, str, str]]:
    for name, total, grid in (
        ("operation, location-based", carbon.location_total_kgco2e, carbon.location),
        ("operation, market-based", carbon.market_total_kgco2e, carbon.market),
    ):
        if total is not None and grid is not None:
            yield name, with_unit(total, "kgCO2e"), grid.source + (" (assumed)" if grid.assumed else "")
    if carbon.embodied.lines:
        made = with_unit(carbon.embodied.kgco2e_per_year, "kgCO2e")
        yield "making of the equipment, a year of its life", made, "table below"


def _embodied(carbon: CarbonYear) -> Table:
    rows = tuple(
        (line.name, f"{line.count:,}", with_unit(line.kgco2e_each, "kgCO2e"), f"{line.life_years:g} a",
         with_unit(line.kgco2e_per_year, "kgCO2e"), line.source)
        for line in carbon.embodied.lines
    )  # fmt: skip
    heads = ("Device", "Count", "Making of one", "Life", "A year", "Source")
    return Table(heads, rows, numbers=frozenset({1, 2, 3, 4}), folded="Making of the equipment, part by part")
