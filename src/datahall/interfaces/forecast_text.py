"""What forecasts of training and of serving say alike: shares as bars, plans in a line, what is assumed and missing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from datahall.foundation.readable import significant, with_unit
from datahall.models.parallel.spec import TrainPlan
from datahall.planner.assumptions import Assumption

Line = tuple[str, str]
"""A subject and what is said of it."""
GIB = 2**30
BAR = 28
"""Characters of the longest bar."""
EIGHTHS = " ▏▎▍▌▋▊▉"
RANKS = ("tensor", "pipeline", "context", "expert", "data")


def shares(parts: Mapping[str, float], *, said: Any, whole: float | None = None, bars: bool = True) -> Iterator[str]:
    """Each part with its share, the largest first, and a bar of it; nothings are left out.

    said: a value in words. whole: what shares are of; without it, the sum.
    """
    total = whole or sum(parts.values()) or 1.0
    shown = sorted(((name, value) for name, value in parts.items() if value > 0), key=lambda part: -part[1])
    widest = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        text = f"{name:<{widest}} {value / total:>6.1%}  {said(value)}"
        yield f"{name:<{widest}} {bar(value / total):<{BAR}} {value / total:>6.1%}  {said(value)}" if bars else text


def bar(ratio: float) -> str:
    """A bar of blocks, to an eighth of a character; what is there is never shown as nothing."""
    eighths = min(8 * BAR, max(1, round(8 * BAR * ratio)))
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def plan_words(plan: TrainPlan) -> str:
    """`tensor 8, pipeline 8 (interleaved, 4 chunks), data 8, ZeRO 1, 192 micro-batches of 1, selective recomputation, bf16`."""
    ranks = [f"{name} {value}" + _more(plan, name) for name in RANKS if (value := getattr(plan, name)) > 1]
    sharded = [] if plan.zero == 0 else [f"ZeRO {plan.zero}" + (f" over {plan.shard}" if plan.shard else "")]
    count = plan.micro_batches
    batch = f"{count:,} micro-batch{'es' if count != 1 else ''} of {plan.micro_batch}"
    again = [] if plan.recompute == "none" else [f"{plan.recompute} recomputation"]
    return ", ".join([*(ranks or ["one rank"]), *sharded, batch, *again, plan.precision])


def _more(plan: TrainPlan, name: str) -> str:
    if name == "pipeline" and plan.schedule != "1f1b":
        return f" ({plan.schedule.replace('_', '-')}" + (f", {plan.chunks} chunks)" if plan.chunks > 1 else ")")
    if name == "expert" and plan.expert_tensor:
        return f" (each over {plan.expert_tensor})"
    return ""


def bytes_said(value: float) -> str:
    return gib_said(value / GIB)


def gib(parts: Mapping[str, float]) -> dict[str, float]:
    """Bytes as GiB, so that the numbers along an axis are round."""
    return {name: value / GIB for name, value in parts.items()}


def gib_said(value: float) -> str:
    return f"{significant(value)} GiB"


def seconds_said(value: float) -> str:
    return with_unit(value, "s")


def days_said(days: float) -> str:
    return f"{significant(days)} days" if days >= 1 else with_unit(86400 * days, "s")


def span_said(days: float, low: float, high: float) -> str:
    """A time with its 80 % interval, all three in one unit."""
    unit, name = next((pair for pair in ((1.0, "days"), (24.0, "h"), (1440.0, "min")) if days * pair[0] >= 1), (86400.0, "s"))
    said = [significant(unit * value) for value in (days, low, high)]
    return f"{said[0]} {name} (80 % between {said[1]} and {said[2]})"


def changed(value: float | None, said: Any) -> str:
    """With its sign; – where it is not known."""
    if value == 0:
        return "none"
    return "–" if value is None else f"{'+' if value >= 0 else '−'}{said(abs(value))}"


def ending(assumptions: Sequence[Assumption], missing: Sequence[Assumption]) -> Iterator[Line]:
    """What could not be computed, and how much was taken for granted."""
    for gap in missing:
        yield "Not computed", f"{gap.what} (declare {gap.where})"
    if assumptions:
        count = f"{len(assumptions)} choice{'s' if len(assumptions) > 1 else ''}"
        yield "Assumed", f"{count}; --json and the report list them, with every figure's formula and source"


def screen(headline: str, lines: Iterable[Line]) -> Iterator[RenderableType]:
    """For a terminal: the headline, then subjects with their lines."""
    yield f"[bold]{escape(headline)}[/]"
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    before = ""
    for title, text in lines:
        colour = "yellow" if title == "Not computed" else "bold cyan"
        table.add_row("" if title == before else f"[{colour}]{escape(title)}[/]", escape(text))
        before = title
    yield table


def plain(headline: str, lines: Iterable[Line]) -> Iterator[str]:
    """For pipes: subject, tab, line."""
    yield f"Forecast\t{headline}"
    yield from (f"{title}\t{' '.join(text.split())}" for title, text in lines)
