"""Money and carbon: what a year costs, what drives it, what is emitted."""

from collections.abc import Iterator

from datahall.foundation.readable import significant, with_unit
from datahall.infrastructure.carbon import CarbonYear
from datahall.infrastructure.cost import CostReport, Tornado
from datahall.interfaces.pictures.bars import Part, Reach, stacks, tornado
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Lines, Picture, Section, Table
from datahall.planner.plan import Plan


def cost_section(plan: Plan, anchors: Anchors) -> Section | None:
    """A year's bill as a bar and as a table, what is missing in it, and its drivers; None where nothing is priced."""
    report = plan.cost
    if not report.lines:
        return None
    blocks: list[Block] = []
    if report.missing:
        lines = tuple(f"{gap.line}: declare {gap.declare}" for gap in report.missing)
        blocks.append(Lines(lines, title="Not in the bill, so all sums are lower bounds", warning=True))
    drawn = stacks([(plan.name, parts_of(report))], said=money(report.currency), title="Cost of a year by line")
    blocks += [Picture(drawn, "A year, line by line"), _bill(report)]
    if plan.tornado.swings:
        blocks.append(_drivers(plan.tornado, report.currency))
    return Section(anchors.section("cost"), "Cost", tuple(blocks))


def parts_of(report: CostReport) -> list[Part]:
    return [Part(line.name.replace("_", " "), line.per_year) for line in report.lines if line.per_year]


class money:  # noqa: N801 - read as a function: money("USD")(1e6) -> "1.00 M USD"
    """Amounts of one currency in words."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    def __call__(self, value: float) -> str:
        return with_unit(value, self.currency)


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


def _bill(report: CostReport) -> Table:
    said, total = money(report.currency), report.per_year
    rows = [
        (
            line.name.replace("_", " "),
            said(line.per_year),
            _share(line.per_year, total),
            _once(line.capital, said),
            line.formula,
        )
        for line in sorted(report.lines, key=lambda line: -abs(line.per_year))
    ]
    rows.append(("all", said(total), "100.0%" if total else "–", said(report.capital), "sum of the lines"))
    heads = ("Line", "A year", "Share", "Up front", "Formula")
    return Table(heads, tuple(rows), numbers=frozenset({1, 2, 3}))


def _share(value: float, total: float) -> str:
    return f"{value / total:.1%}" if total else "–"


def _once(value: float, said: money) -> str:
    return said(value) if value else "–"


def _drivers(found: Tornado, currency: str) -> Picture:
    reaches = [
        Reach(s.driver.replace("_", " "), s.cost_at_low, s.cost_at_high, f"{significant(s.low)}", f"{significant(s.high)}")
        for s in found.swings
    ]
    drawn = tornado(reaches, base=found.cost, said=money(currency), title="What moves the cost, the strongest driver first")
    words = found.unit.replace("/a", " a year").replace("/", " per ")
    note = f"{words}, one driver moved at a time: blue at its low end, orange at its high end; their values stand beside."
    return Picture(drawn, "What drives it", note)


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
