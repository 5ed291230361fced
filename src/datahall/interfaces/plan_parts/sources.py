"""Assumptions, and every figure with its formula, its inputs and its source."""

from collections.abc import Sequence

from markupsafe import Markup

from datahall.foundation.readable import significant
from datahall.interfaces.figure_text import said
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Cell, Section, Table
from datahall.planner.assumptions import Assumption
from datahall.planner.figures import Figure, Figures
from datahall.planner.plan import Plan


def assumptions_section(plan: Plan, anchors: Anchors) -> Section | None:
    """Everything taken for granted, and where to say otherwise."""
    return taken_for_granted(plan.assumptions, plan.figures, anchors)


def taken_for_granted(assumptions: Sequence[Assumption], figures: Figures, anchors: Anchors) -> Section | None:
    """Choices that nobody made; None where there are none."""
    if not assumptions:
        return None
    rows: tuple[tuple[Cell, ...], ...] = tuple((Markup("<code>{}</code>").format(a.where), a.what) for a in assumptions)
    table = Table(("Say otherwise at", "Taken for granted"), rows, folded=f"All {len(rows)} assumptions")
    guessed = [f for f in figures.by_name.values() if f.assumed]
    lead = f"{len(rows)} choices that were left open. {len(guessed)} figures rest on one, or on an unverified row."
    return Section(anchors.section("assumptions"), "Assumptions", (table,), lead)


def sources_section(plan: Plan, anchors: Anchors) -> Section:
    """Every figure of the plan."""
    lead = f"Hall file: {plan.loaded.document.source}. `datahall explain` walks back from a figure in the terminal."
    return traced(plan.figures, anchors, lead)


def traced(found: Figures, anchors: Anchors, lead: str) -> Section:
    """Every figure with what it follows from."""
    figures = list(found.by_name.values())
    heads = ("Figure", "Value", "Formula", "From", "Source")
    rows = tuple(_row(figure, anchors) for figure in figures)
    table = Table(
        heads,
        rows,
        numbers=frozenset({1}),
        folded=f"All {len(figures)} figures",
        anchors=tuple(anchors.of(f.name) for f in figures),
    )
    blocks: tuple[Block, ...] = (table,)
    return Section(anchors.section("sources"), "Sources", blocks, lead)


def _row(figure: Figure, anchors: Anchors) -> tuple[Cell, ...]:
    name = Markup("<code>{}</code>").format(figure.name)
    if figure.about:
        name += Markup("<small>{}</small>").format(figure.about)
    links = Markup(", ").join(anchors.link(part, part.name) for part in figure.inputs)
    source = Markup("{}").format(figure.source)
    if figure.assumed:
        source += Markup(' <span class="chip">assumed</span>')
    return name, _value(figure), figure.formula, links, source


def _value(figure: Figure) -> Markup:
    """As people read it, with the exact number under the pointer."""
    return Markup('<span title="{}">{}</span>').format(
        f"{figure.value!r} {figure.unit}", said(figure) or significant(figure.value)
    )
