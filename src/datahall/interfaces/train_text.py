"""A training forecast in the terminal: the answer, where a step's time and memory go, what limits, what to buy, what else."""

from collections.abc import Callable, Iterator, Sequence

from datahall.foundation.readable import significant, with_unit
from datahall.interfaces.forecast_text import (
    Line,
    bytes_said,
    days_said,
    ending,
    plan_words,
    seconds_said,
    shares,
    span_said,
)
from datahall.planner.training.result import DAY_S, Run, TrainForecast

MORE = 5
"""Plans beside the best that are told."""
DRAWN = ("Limits", "What if")
"""Subjects of notes that stand above already."""
PARTS = {
    "forward": "forward", "backward": "backward", "again": "recomputation", "vocabulary": "embedding, logits, loss",
    "tensor": "tensor exchange", "context": "context exchange", "expert": "expert exchange", "gather": "weights gathered",
    "bubble": "pipeline bubble", "send": "sends between stages", "data": "gradients reduced", "optimiser": "optimiser",
    "straggler": "waiting for the slowest",
}  # fmt: skip
"""Parts of a step in words; one that is not here is called by its name."""


HELD = {"context": "driver and libraries", "working": "while a layer goes back", "gathered": "weights gathered"}
"""The same of what accelerators hold."""


def part_words(parts: dict[str, float]) -> dict[str, float]:
    return {PARTS.get(name, name.replace("_", " ")): value for name, value in parts.items()}


def memory_words(parts: dict[str, float]) -> dict[str, float]:
    return {HELD.get(name, name.replace("_", " ")): value for name, value in parts.items()}


def headline(forecast: TrainForecast) -> str:
    """Days with their interval, money, energy."""
    run = forecast.run
    least = "" if run.goodput_ratio is not None else "≥ "
    found = [f"{least}{span_said(run.days, run.days_low, run.days_high)}"]
    if forecast.cost:
        found.append(_least(forecast) + with_unit(forecast.cost.total, forecast.cost.currency))
    if forecast.energy:
        found.append(with_unit(forecast.energy.facility_kwh, "kWh"))
    what = f"{forecast.architecture.name}, {count_said(run.tokens)} tokens on {forecast.hall}"
    return f"{what}: {', '.join(found)}"


def _least(forecast: TrainForecast) -> str:
    return "≥ " if forecast.cost and forecast.cost.missing else ""


def count_said(value: float) -> str:
    """`3e11` -> `300B`."""
    step = next((pair for pair in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")) if value >= pair[0]), (1.0, ""))
    return f"{significant(value / step[0])}{step[1]}"


def lines(forecast: TrainForecast, *, bars: bool) -> Iterator[Line]:
    """Subject and line, in the order of the screen."""
    best = forecast.best
    yield "Plan", f"{forecast.run.accelerators:,} {forecast.ports.accelerator}: {plan_words(best.plan)}"
    yield from (("Run", line) for line in _run(forecast.run))
    yield from (("Step", line) for line in shares(part_words(forecast.breakdown), said=seconds_said, bars=bars))
    yield from (("Memory", line) for line in _memory(forecast, bars=bars))
    yield from (("Limits", f"{limit.name}: {limit.text}") for limit in forecast.limits)
    yield from (("Next money", f"{what_if.name}: {what_if.text}") for what_if in forecast.advice)
    yield from (("Other plans", line) for line in _others(forecast))
    yield from (("Fewer or more", line) for line in _points(forecast))
    yield from _totals(forecast)
    yield from ((title, line) for title, found in forecast.notes if title not in DRAWN for line in found)
    yield "Search", _search(forecast)
    yield from ending(forecast.assumptions, forecast.missing)


def _search(forecast: TrainForecast) -> str:
    counts = f"{forecast.possible:,} plans; bounds decided all but {forecast.evaluated:,}, of which {forecast.fitting:,} fit"
    return f"{counts}; {seconds_said(forecast.search_s)}"


def fullest_said(forecast: TrainForecast) -> str:
    """Of which stage it is, counted from one; nothing where there is but one."""
    stages = forecast.best.plan.pipeline
    return f", of pipeline stage {forecast.best.memory.stage + 1} of {stages}" if stages > 1 else ""


def _run(run: Run) -> Iterator[str]:
    tokens = run.global_batch * run.sequence
    step = span_said(*(seconds / DAY_S for seconds in (run.step_s, run.step_low_s, run.step_high_s)))
    yield f"{run.steps:,} steps of {run.global_batch:,} x {run.sequence:,} = {count_said(tokens)} tokens ({run.batch_why})"
    rate = f"{with_unit(run.tokens_per_s, '1')} tokens/s, MFU {run.mfu_ratio:.1%}"
    yield f"a step takes {step}, {rate}"
    saving = "not told by the hall" if run.save_s is None else seconds_said(run.save_s)
    every = "" if run.checkpoint_every_s is None else f" each {seconds_said(run.checkpoint_every_s)}"
    kept = "no goodput told: no storage is declared" if run.goodput_ratio is None else f"goodput {run.goodput_ratio:.1%}"
    yield f"{kept}, {significant(run.interruptions)} interruptions, a checkpoint{every} takes {saving}"


def _memory(forecast: TrainForecast, *, bars: bool) -> Iterator[str]:
    held = sum(forecast.memory.values())
    yield from shares(memory_words(forecast.memory), said=bytes_said, whole=forecast.memory_bytes, bars=bars)
    yield f"{bytes_said(held)} of {bytes_said(forecast.memory_bytes)} on the fullest accelerator{fullest_said(forecast)}"


def _others(forecast: TrainForecast) -> Iterator[str]:
    for other in forecast.others[:MORE]:
        slower = other.step.seconds / forecast.best.step.seconds - 1
        yield f"{seconds_said(other.step.seconds)} ({slower:+.1%}), {bytes_said(other.memory.needed)}: {plan_words(other.plan)}"


def _points(forecast: TrainForecast) -> Iterator[str]:
    """The front of time, money, energy and risk, where there is more than one point."""
    front = [point for point in forecast.points if point.is_best or point.chosen]
    for point in front if len(front) > 1 else []:
        cost = "" if point.cost is None or not forecast.cost else f", {with_unit(point.cost, forecast.cost.currency)}"
        energy = "" if point.energy_kwh is None else f", {with_unit(point.energy_kwh, 'kWh')}"
        yield f"{point.accelerators:,}: {days_said(point.days)}{cost}{energy}{' (this one)' if point.chosen else ''}"


def _totals(forecast: TrainForecast) -> Iterator[Line]:
    energy, cost, carbon = forecast.energy, forecast.cost, forecast.carbon
    if energy:
        pue = "" if energy.pue is None else f", PUE {energy.pue:.2f}"
        water = "" if energy.water_m3 is None else f", water {significant(energy.water_m3)} m³"
        between = f"{with_unit(energy.facility_low_kwh, 'kWh')} to {with_unit(energy.facility_high_kwh, 'kWh')}"
        yield "Energy", f"{with_unit(energy.facility_kwh, 'kWh')} at the meter ({between}){pue}{water}"
    if cost:
        each = f"{with_unit(cost.per_million_tokens, cost.currency)} a million tokens"
        between = f"{with_unit(cost.low, cost.currency)} to {with_unit(cost.high, cost.currency)}"
        yield "Money", f"{_least(forecast)}{with_unit(cost.total, cost.currency)} ({between}), {each}"
        largest = sorted(cost.lines.items(), key=lambda line: -line[1])[:MORE]
        yield "Money", ", ".join(f"{name.replace('_', ' ')} {with_unit(value, cost.currency)}" for name, value in largest)
    if carbon.operation_kgco2e is not None:
        made = (
            "" if carbon.embodied_kgco2e is None else f", making of the equipment {with_unit(carbon.embodied_kgco2e, 'kgCO2e')}"
        )
        yield "Carbon", f"operation {with_unit(carbon.operation_kgco2e, 'kgCO2e')}{made}"


def compared(forecasts: Sequence[TrainForecast]) -> Iterator[list[str]]:
    """Halls side by side, a figure a row: the head first."""
    yield ["figure", *(forecast.hall for forecast in forecasts)]
    for label, of in COMPARED:
        yield [label, *(of(forecast) for forecast in forecasts)]


COMPARED: tuple[tuple[str, Callable[[TrainForecast], str]], ...] = (
    ("time", lambda f: span_said(f.run.days, f.run.days_low, f.run.days_high)),
    ("money", lambda f: _least(f) + with_unit(f.cost.total, f.cost.currency) if f.cost else "–"),
    ("energy at the meter", lambda f: with_unit(f.energy.facility_kwh, "kWh") if f.energy else "–"),
    ("operation, location-based", lambda f: _kg(f.carbon.operation_kgco2e)),
    ("accelerators", lambda f: f"{f.run.accelerators:,} {f.ports.accelerator}"),
    ("step", lambda f: seconds_said(f.run.step_s)),
    ("tokens/s", lambda f: with_unit(f.run.tokens_per_s, "1")),
    ("MFU", lambda f: f"{f.run.mfu_ratio:.1%}"),
    ("goodput", lambda f: "–" if f.run.goodput_ratio is None else f"{f.run.goodput_ratio:.1%}"),
    ("interruptions", lambda f: significant(f.run.interruptions)),
    ("memory", lambda f: f"{bytes_said(f.best.memory.needed)} of {bytes_said(f.memory_bytes)}"),
    ("plan", lambda f: plan_words(f.best.plan)),
    ("limited by", lambda f: f.limits[0].name if f.limits else "–"),
)


def _kg(value: float | None) -> str:
    return "–" if value is None else with_unit(value, "kgCO2e")
