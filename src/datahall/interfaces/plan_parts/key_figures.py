"""What is read first: a handful of tiles, then the figures of each subject."""

from collections.abc import Iterator

from datahall.interfaces.figure_text import about, bounded, is_money
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Card, Cards, Lines, Section
from datahall.planner.plan import Plan
from datahall.planner.screen import GROUPS

TILES = (
    ("IT at full load", "it_peak_w"),
    ("PUE", "pue"),
    ("WUE", "wue_l_per_kwh"),
    ("At the meter, a year", "facility_energy_kwh"),
    ("Emissions, location-based", "carbon_location_kgco2e"),
    ("To build", "capital"),
    ("A useful accelerator-hour", "cost_per_useful_hour"),
    ("Down a year", "downtime_h_per_year"),
)


def tiles(plan: Plan, anchors: Anchors) -> list[tuple[str, str, str, str]]:
    """Name, value, anchor and explanation of each tile whose figure the plan has."""
    found = ((label, plan.figures.by_name.get(name)) for label, name in TILES)
    shown = [(label, f) for label, f in found if f and (f.value or not is_money(f))]
    return [(label, bounded(plan, f), anchors.of(f.name), about(f)) for label, f in shown]


def key_figures(plan: Plan, anchors: Anchors) -> Section:
    """Figures by subject, with what the plan could not compute beside them."""
    blocks: list[Block] = [Cards(tuple(_cards(plan, anchors)))]
    if plan.loaded.hall.scope_note:
        blocks.append(Lines((plan.loaded.hall.scope_note,), title="Left out, in the words of the hall file"))
    if plan.missing:
        lines = tuple(f"{gap.what} (declare {gap.where})" for gap in plan.missing)
        blocks.append(Lines(lines, title="Not computed", warning=True))
    lead = "Every figure leads to its formula, its inputs and its source."
    return Section(anchors.section("key"), "Key figures", tuple(blocks), lead)


def _cards(plan: Plan, anchors: Anchors) -> Iterator[Card]:
    for title, lines in GROUPS:
        labels = [label for line in lines for label in line]
        found = [(label, plan.figures.by_name.get(name)) for label, name in labels]
        rows = tuple((label, bounded(plan, f), anchors.of(f.name), about(f)) for label, f in found if f)
        if rows:
            yield Card(title, rows)
