"""A plan in the terminal: one screen, a comparison, and the way back from a figure to its sources."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from datahall.foundation.readable import significant
from datahall.interfaces.figure_text import bounded, is_money, said
from datahall.planner.figures import Figure, Figures
from datahall.planner.plan import Plan
from datahall.planner.screen import GROUPS
from datahall.planner.validation.rows import ValidationRow
from datahall.planner.validation.summaries import LEAST_ROWS, OF_TABLES, Overall, overall, summary

MAX_DEPTH = 6
FEW = 5
MAX_EXACT = 2**53
"""Whole numbers above it are not told apart by a float64."""


def screen(plan: Plan) -> Iterator[RenderableType]:
    """The plan of one hall: figures by subject, what fails together, what drives the cost, what was assumed."""
    yield f"[bold]{escape(plan.headline)}[/]"
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    before = ""
    for title, text in subject_lines(plan):
        table.add_row("" if title == before else f"[bold cyan]{title}[/]", escape(text))
        before = title
    yield table
    yield from _gaps(plan)


def plain_screen(plan: Plan) -> Iterator[str]:
    """The same for pipes: subject, tab, line."""
    yield f"Hall\t{plan.headline}"
    yield from (f"{title}\t{text}" for title, text in subject_lines(plan))
    yield from (f"Not computed\t{gap.what} (declare {gap.where})" for gap in plan.missing)
    yield f"Assumed\t{len(plan.assumptions)} choices; --json and the report list them"


def subject_lines(plan: Plan) -> Iterator[tuple[str, str]]:
    """Subject and line, in the order of the screen."""
    for title, labels in GROUPS:
        yield from ((title, text) for text in _group(plan, labels))
    for title, lines in plan.notes:
        yield from ((title, line) for line in lines[:FEW])


def _group(plan: Plan, labels: Sequence[Sequence[tuple[str, str]]]) -> Iterator[str]:
    """One line for each group of labels of which any has a figure; money of which nothing is known is left out."""
    for line in labels:
        found = [(label, f) for label, name in line if (f := plan.figures.by_name.get(name)) and (f.value or not is_money(f))]
        if found:
            yield " · ".join(f"{label} {bounded(plan, figure)}" for label, figure in found)


def _gaps(plan: Plan) -> Iterator[str]:
    for gap in plan.missing:
        yield f"[yellow]not computed:[/] {escape(gap.what)} (declare {escape(gap.where)})"
    count = len(plan.assumptions)
    if count:
        yield f"[dim]{count} choices were assumed; --json and the report list them, with every figure's formula and source[/]"


def comparison(plans: Sequence[Plan]) -> Iterator[RenderableType]:
    """Halls side by side, a figure a row; the last column is the second over the first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    (_, *names), *rows = _compared(plans)
    table.add_column("")
    for name in names:
        table.add_column(escape(name), justify="right")
    for row in rows:
        table.add_row(*map(escape, row))
    yield table


def plain_comparison(plans: Sequence[Plan]) -> Iterator[str]:
    """The same for pipes: the head, then a figure a line, with tabs between."""
    return ("\t".join(row) for row in _compared(plans))


def _compared(plans: Sequence[Plan]) -> Iterator[list[str]]:
    yield ["figure", *(plan.name for plan in plans), *(["second / first"] if len(plans) == 2 else [])]
    for label, name in _all_labels():
        found = [plan.figures.by_name.get(name) for plan in plans]
        if any(found):
            yield [label, *(bounded(plan, f) if f else "–" for plan, f in zip(plans, found, strict=True)), *_ratio(found)]


def _all_labels() -> Iterator[tuple[str, str]]:
    for title, lines in GROUPS:
        for line in lines:
            yield from ((f"{title}: {label}", name) for label, name in line)


def _ratio(found: Sequence[Figure | None]) -> list[str]:
    if len(found) != 2:
        return []
    first, second = found
    if first is None or second is None or first.value == 0 or first.unit != second.unit:
        return ["–"]
    return [significant(second.value / first.value)]


def explained(figure: Figure) -> Iterator[str]:
    """The figure, its formula, and below it every input, down to lines of the hall file and sources."""
    opened = set[str]()
    for depth, part in figure.walk():
        if depth > MAX_DEPTH:
            continue
        again = part.name in opened and bool(part.inputs)
        opened.add(part.name)
        yield from _explained_lines(part, "  " * depth, again=again)


def _explained_lines(figure: Figure, indent: str, *, again: bool) -> Iterator[str]:
    about = f"  ({figure.about})" if figure.about else ""
    yield f"{indent}{figure.name} = {said(figure)}{about}"
    if again:
        return
    if figure.formula:
        yield f"{indent}  = {figure.formula}"
    if figure.source:
        yield f"{indent}  from {figure.source}" + (" [assumed]" if figure.assumed and "assumed" not in figure.source else "")


def figure_rows(figures: Figures) -> list[dict[str, str]]:
    """Every figure of a plan as a row."""
    return [{"name": f.name, "value": said(f), "unit": f.unit, "about": f.about} for f in figures.by_name.values()]


def validation_rows(rows: Sequence[ValidationRow]) -> list[dict[str, Any]]:
    """Rows for a table in the terminal."""
    return [
        {
            "table": row.table,
            "row": row.row,
            "quantity": row.quantity,
            "published": _whole_or_short(row.published),
            "ours": _whole_or_short(row.ours),
            "error": _percent(row.error_ratio),
            "verdict": "–" if row.hit is None else "hit" if row.hit else "miss",
            "baseline": _whole_or_short(row.baseline),
            "baseline_error": _percent(row.baseline_error_ratio),
            "note": row.note,
        }
        for row in rows
    ]


def _whole_or_short(value: float | None) -> str:
    """Counts with all their digits, as they hit or miss by one; measurements with three."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) < MAX_EXACT and value == int(value) else significant(value)


def validation_summary(rows: Sequence[ValidationRow]) -> Iterator[str]:
    """One line for each table, then one for each kind of table."""
    lines = summary(rows)
    for line in lines:
        name = f"{line.table}, {line.quantity}" if line.quantity else line.table
        text = f"{name}: {line.computed} of {line.rows} rows computed, {line.hits} of {line.judged} hit"
        text += f" ({line.tolerance})" if line.tolerance else ""
        if line.mean_error_ratio is not None and line.median_error_ratio is not None:
            text += f", mean error {line.mean_error_ratio:.1%}, median {line.median_error_ratio:.1%}"
            text += f", bias {line.bias_ratio:+.1%}" if line.bias_ratio is not None and line.table in OF_TABLES else ""
        text += _constant("a constant", line.baseline_mean_error_ratio, line.baseline_median_error_ratio, line.baseline_hits)
        peers = line.peer_baseline_mean_error_ratio, line.peer_baseline_median_error_ratio, line.peer_baseline_hits
        text += _constant("a constant of the provider", *peers)
        yield text + (f"; {line.others}" if line.others else "")
    yield from map(_overall, overall(lines))


def _overall(whole: Overall) -> str:
    """All published tables of a kind in one line."""
    ours = f"mean error {whole.mean_error_ratio:.1%}, median {whole.median_error_ratio:.1%}"
    if whole.baseline_mean_error_ratio is not None:
        ours += f"; a constant {whole.baseline_mean_error_ratio:.1%}, beaten on {whole.beaten}"
    inside = f"{whole.covered_ratio:.0%} of rows within their interval"
    return f"{whole.table}, over {whole.tables} tables with {LEAST_ROWS} rows or more: {ours}; {inside}; constants {whole.note}"


def _constant(name: str, mean_ratio: float | None, median_ratio: float | None, hits: int | None) -> str:
    if mean_ratio is None or median_ratio is None:
        return ""
    return f"; {name}:{'' if hits is None else f' {hits} hit,'} mean {mean_ratio:.1%}, median {median_ratio:.1%}"


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:+.1%}"
