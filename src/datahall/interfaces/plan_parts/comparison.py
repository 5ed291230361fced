"""Two or more halls side by side."""

from collections.abc import Iterator, Sequence

from datahall.foundation.readable import significant
from datahall.interfaces.figure_text import bounded
from datahall.interfaces.pictures.bars import stacks
from datahall.interfaces.pictures.hourly import Named, duration_curve
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Cell, Picture, Section, Table
from datahall.interfaces.plan_parts.hours import hourly_pue
from datahall.interfaces.plan_parts.money import money, parts_of
from datahall.planner.figures import Figure
from datahall.planner.plan import Plan
from datahall.planner.screen import GROUPS

COLOURS = 6
COUNTS = (
    ("racks", "racks"),
    ("servers", "servers"),
    ("accelerators", "accelerators"),
    ("peak, dense bf16", "bf16_peak_flop_per_s"),
)
SURVIVAL = (("available", "availability"), ("down a year", "downtime_h_per_year"), ("single points", "single_points"))


def comparison_section(plans: Sequence[Plan], anchors: Sequence[Anchors]) -> Section:
    """A figure a row, a hall a column; with two halls, the second over the first. Money and PUE as pictures too."""
    rows = tuple(row for label, name in _labels() if (row := _row(label, name, plans, anchors)))
    heads = ("", *(plan.name for plan in plans), *(("second / first",) if len(plans) == 2 else ()))
    blocks: list[Block] = [Table(heads, rows, numbers=frozenset(range(1, len(heads))))]
    blocks += [*_pue(plans), *_cost(plans)]
    return Section("comparison", "Side by side", tuple(blocks))


def _labels() -> Iterator[tuple[str, str]]:
    yield from ((f"Hall: {label}", name) for label, name in COUNTS)
    for title, lines in GROUPS:
        yield from ((f"{title}: {label}", name) for line in lines for label, name in line)
    yield from ((f"Survival: {label}", name) for label, name in SURVIVAL)


def _row(label: str, name: str, plans: Sequence[Plan], anchors: Sequence[Anchors]) -> tuple[Cell, ...] | None:
    found = [plan.figures.by_name.get(name) for plan in plans]
    if not any(found):
        return None
    values = [
        anchor.link(figure, bounded(plan, figure)) if figure else "–"
        for plan, anchor, figure in zip(plans, anchors, found, strict=True)
    ]
    return (label, *values, *((_ratio(found),) if len(plans) == 2 else ()))


def _ratio(found: Sequence[Figure | None]) -> str:
    first, second = found
    if first is None or second is None or first.value == 0 or first.unit != second.unit:
        return "–"
    return significant(second.value / first.value)


def _pue(plans: Sequence[Plan]) -> Iterator[Block]:
    found = [(plan.name, hourly_pue(plan.year)) for plan in plans]
    series = [Named(name, f"c{i % COLOURS + 1}", pue) for i, (name, pue) in enumerate(found) if pue is not None]
    if len(series) > 1:
        yield Picture(duration_curve(series, title="PUE of every hour, sorted, hall by hall", y_name="PUE"), "PUE, sorted")


def _cost(plans: Sequence[Plan]) -> Iterator[Block]:
    """One scale for all, so only where all speak one currency."""
    priced = [plan for plan in plans if plan.cost.lines]
    currencies = {plan.cost.currency for plan in priced}
    if len(priced) > 1 and len(currencies) == 1:
        rows = [(plan.name, parts_of(plan.cost)) for plan in priced]
        yield Picture(
            stacks(rows, said=money(currencies.pop()), title="Cost of a year by line, hall by hall"), "Cost of a year"
        )
