"""One step: its schedule drawn, where its time goes, what the accelerators hold."""

from datahall.interfaces.forecast_text import GIB, bytes_said, gib, gib_said, plan_words, seconds_said
from datahall.interfaces.pictures.bars import Part, stacks
from datahall.interfaces.pictures.pipeline import MOST, pipeline
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Picture, Section, Table, counted
from datahall.interfaces.plan_parts.forecast import ordered, parts_table
from datahall.interfaces.train_text import fullest_said, memory_words, part_words
from datahall.models.parallel.timeline import Timeline, timeline_of
from datahall.planner.training.result import TrainForecast

OUTSIDE = ("bubble", "send", "data", "optimiser", "straggler", "host")
"""Parts of a step that no micro-batch brings."""
NAMES = {"1f1b": "1F1B", "dualpipe": "DualPipe"}
BESIDE = 4
"""Other plans whose memory is drawn."""


def timeline_section(forecast: TrainForecast, anchors: Anchors) -> Section | None:
    """The schedule of the chosen plan; None without a pipeline, where there is nothing to be seen."""
    plan = forecast.best.plan
    if plan.pipeline == 1:
        return None
    forward_s, backward_s = _micro_batch_s(forecast)
    found = timeline_of(plan, forward_s=forward_s, backward_s=backward_s, most=16)
    bubble = forecast.breakdown.get("bubble", 0.0) / sum(forecast.breakdown.values())
    name = NAMES.get(plan.schedule, plan.schedule.replace("_", "-")) + (
        f", {plan.chunks} chunks a stage" if plan.chunks > 1 else ""
    )
    drawn = pipeline(found, title=f"Schedule {name}: forward and backward blocks of each pipeline stage through time")
    lead = (
        f"{counted(plan.pipeline, 'stage', 'stages')}, schedule {name}; {seconds_said(forward_s)} forward and "
        f"{seconds_said(backward_s)} backward for a micro-batch on the slowest stage, exchange included."
    )
    return Section(anchors.section("schedule"), "Schedule of a step", (Picture(drawn, note=_cut(found, bubble)),), lead)


def _micro_batch_s(forecast: TrainForecast) -> tuple[float, float]:
    """Forward and backward of one micro-batch: what is neither is split as computing is."""
    parts = forecast.breakdown
    inside = sum(value for name, value in parts.items() if name not in OUTSIDE) / forecast.best.plan.micro_batches
    ahead = parts.get("forward", 0.0)
    computed = ahead + parts.get("backward", 0.0) + parts.get("again", 0.0)
    return inside * ahead / computed, inside * (1 - ahead / computed)


def _cut(found: Timeline, bubble: float) -> str:
    cut = found.played < found.micro_batches
    some = f"{found.played} of {found.micro_batches:,} micro-batches, played as if there were no more: the middle repeats."
    rows = f" {MOST} of {found.stages} stages are drawn." if found.stages > MOST else ""
    idle = f" Of the time drawn, stages wait {found.idle_ratio:.1%}; of the whole step, filling and draining take {bubble:.1%}."
    return (some if cut else f"All {found.micro_batches:,} micro-batches.") + rows + idle


def step_section(forecast: TrainForecast, anchors: Anchors) -> Section:
    """Seconds by what takes them."""
    parts = ordered(part_words(forecast.breakdown))
    total = sum(part.value for part in parts)
    drawn = stacks([("step", parts)], said=seconds_said, title="Seconds of one step by what takes them", each=" a step")
    table = parts_table(parts, ("Part", "In one step"), said=seconds_said, whole=total)
    run = forecast.run
    lead = (
        f"{seconds_said(run.step_s)}; 80 % between {seconds_said(run.step_low_s)} and {seconds_said(run.step_high_s)}. "
        "What runs behind computing is counted once, with the computing."
    )
    return Section(anchors.section("step"), "Where a step's time goes", (Picture(drawn), table), lead)


def memory_section(forecast: TrainForecast, anchors: Anchors) -> Section:
    """Bytes on the fullest accelerator, beside other plans and what the device has."""
    rows = [("this plan", ordered(gib(memory_words(forecast.memory))))]
    rows += [
        (f"other plan {n}", _memory(gib(memory_words(other.memory.parts())), rows[0][1]))
        for n, other in enumerate(forecast.others[:BESIDE], 1)
    ]
    limit = (forecast.memory_bytes / GIB, f"{bytes_said(forecast.memory_bytes)} on the device")
    drawn = stacks(
        rows, said=gib_said, title="Memory of one accelerator by what holds it, against what it has", each="", limit=limit
    )
    table = parts_table(rows[0][1], ("Held by", "Of one accelerator"), said=gib_said, whole=forecast.memory_bytes / GIB)
    held = sum(part.value for part in rows[0][1])
    lead = f"{gib_said(held)} of {bytes_said(forecast.memory_bytes)} on the fullest accelerator{fullest_said(forecast)}."
    return Section(anchors.section("memory"), "Memory", (Picture(drawn), table), lead)


def _memory(parts: dict[str, float], first: list[Part]) -> list[Part]:
    """In the order of the first bar, so that the colours stand in one order."""
    names = [part.name for part in first] + [name for name in parts if name not in {part.name for part in first}]
    return [Part(name, parts[name]) for name in names if parts.get(name, 0.0) > 0]


def plans_section(forecast: TrainForecast, anchors: Anchors) -> Section:
    """The chosen plan and the next best."""
    best = forecast.best.step.seconds
    rows = tuple(
        (
            "this plan" if n == 0 else f"other plan {n}",
            seconds_said(one.step.seconds),
            f"{one.step.seconds / best - 1:+.1%}",
            bytes_said(one.memory.needed),
            plan_words(one.plan),
        )
        for n, one in enumerate((forecast.best, *forecast.others))
    )
    table = Table(("", "Step", "Slower by", "Memory needed", "Plan"), rows, numbers=frozenset({1, 2, 3}))
    blocks: tuple[Block, ...] = (table, *_placement(forecast))
    lead = (
        f"{forecast.possible:,} plans can be run; bounds decided all but {forecast.evaluated:,}, of which {forecast.fitting:,} "
        f"fit into memory. `--pin` fixes a field; `--launch` writes the plan for a trainer."
    )
    return Section(anchors.section("plans"), "Plans", blocks, lead)


def _placement(forecast: TrainForecast) -> tuple[Table, ...]:
    rows = tuple(
        (one.axis.replace("_", " "), f"{one.ranks:,}", one.level, f"{one.oversubscription:g}", f"{one.hops}")
        for one in forecast.placement
    )
    heads = ("Group", "Ranks", "Held within", "Oversubscription", "Switches on the way")
    return (Table(heads, rows, title="Where its groups sit", numbers=frozenset({1, 3, 4})),) if rows else ()
