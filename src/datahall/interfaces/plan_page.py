"""One self-contained HTML page about one plan or several: it loads nothing, and no script runs in it."""

from collections.abc import Callable, Sequence

from datahall.interfaces.page_frame import Chapter, render
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Section
from datahall.interfaces.plan_parts.comparison import comparison_section
from datahall.interfaces.plan_parts.equipment import network_section, storage_section
from datahall.interfaces.plan_parts.hours import hours_section, ride_through_section
from datahall.interfaces.plan_parts.key_figures import key_figures, tiles
from datahall.interfaces.plan_parts.money import carbon_section, cost_section
from datahall.interfaces.plan_parts.power import power_section
from datahall.interfaces.plan_parts.racks import floor_section, racks_section
from datahall.interfaces.plan_parts.sources import assumptions_section, sources_section
from datahall.interfaces.plan_parts.survival import availability_section, together_section
from datahall.planner.plan import Plan

Part = Callable[[Plan, Anchors], Section | None]

PARTS: tuple[Part, ...] = (
    key_figures,
    racks_section,
    floor_section,
    power_section,
    network_section,
    hours_section,
    ride_through_section,
    together_section,
    availability_section,
    cost_section,
    carbon_section,
    storage_section,
    assumptions_section,
    sources_section,
)
"""In the order of the page. A part without anything to show gives None."""


def page(plans: Sequence[Plan]) -> str:
    """The page; with two plans or more it begins with a comparison. Every word from a hall file is escaped.

    Raises ValueError without plans.
    """
    if not plans:
        raise ValueError("page: no plan is given, but a page is about at least one")
    anchors = [Anchors(plan.figures, f"hall-{n}-" if len(plans) > 1 else "") for n, plan in enumerate(plans, 1)]
    chapters = [_chapter(plan, its) for plan, its in zip(plans, anchors, strict=True)]
    comparison = comparison_section(plans, anchors) if len(plans) > 1 else None
    return render(chapters, comparison, title=" · ".join(plan.name for plan in plans))


def _chapter(plan: Plan, anchors: Anchors) -> Chapter:
    sections = tuple(section for part in PARTS if (section := part(plan, anchors)))
    lead = plan.headline.removeprefix(f"{plan.name}: ")
    return Chapter(anchors.section("hall"), "plan of a hall", plan.name, plan.headline, lead, tiles(plan, anchors), sections)
