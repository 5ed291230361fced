"""A serving forecast in the terminal: the answer, times against the level asked for, where a step and memory go, what else."""

from collections.abc import Callable, Iterator, Sequence

from datahall.foundation.readable import significant
from datahall.interfaces.forecast_text import Line, bytes_said, ending, seconds_said, shares
from datahall.planner.serving.result import Part, Percentiles, Served, ServeForecast
from datahall.planner.serving.words import level_words, nearest_words

MORE = 5
PARTS = {
    "products": "matrix products", "experts": "products of experts", "small": "norms and activations",
    "vocabulary": "logits and sampling", "tensor": "tensor exchange", "exchange": "expert exchange",
    "pipeline": "sends between stages", "draft": "the draft", "kv": "keys and values", "context": "driver and libraries",
}  # fmt: skip
"""Parts of a step and of memory in words; one that is not here is called by its name."""


def headline(forecast: ServeForecast) -> str:
    return forecast.headline


def lines(forecast: ServeForecast, *, bars: bool) -> Iterator[Line]:
    """Subject and line, in the order of the screen."""
    yield from (("Answers", line) for line in _answers(forecast))
    if forecast.shortfall:
        yield from (("Not met", line) for line in shortfall(forecast))
    yield from (("Decode step", line) for line in shares(part_words(forecast.decode_step), said=seconds_said, bars=bars))
    yield from (("One prompt", line) for line in shares(part_words(forecast.prefill), said=seconds_said, bars=bars))
    yield from (("Memory", line) for line in _memory(forecast, bars=bars))
    yield from (("Load", line) for line in _load(forecast))
    yield from (("Limits", limit) for limit in forecast.limits)
    yield from (("Next money", what_if.sentence) for what_if in forecast.what_ifs)
    yield from (("Other ways", _other(other)) for other in forecast.others[:MORE])
    yield from (("Notes", note) for note in forecast.notes)
    yield "Search", _search(forecast)
    yield from ending(forecast.assumptions, forecast.missing)


def _search(forecast: ServeForecast) -> str:
    counts = f"{forecast.evaluated:,} ways, {forecast.fitting:,} fit, {forecast.simulated:,} simulated"
    return f"{counts}, in {seconds_said(forecast.seconds)}"


def _answers(forecast: ServeForecast) -> Iterator[str]:
    served, request = forecast.chosen, forecast.request
    each = f"{significant(served.tokens_per_s_per_accelerator)} of one accelerator"
    rate = f"{significant(served.hall_tokens_per_s)} output tokens/s{_interval(forecast)}"
    yield f"{rate}, {each}; load {served.utilisation_ratio:.0%} of the most"
    yield f"time to first token {times(served.ttft)}{_asked(request.ttft_p95_s)}"
    yield f"each further token {times(served.tpot)}{_asked(request.tpot_p95_s)}"
    low, high = forecast.ttft_p95_interval.low, forecast.ttft_p95_interval.high
    seeds = f"over {request.trials} seeds of {forecast.simulated_requests:,} requests"
    yield f"{seeds}: TTFT p95 {_between(low, high)}{kept(forecast)}"
    yield f"prompts of {request.input_tokens:,.0f} tokens, answers of {request.output_tokens:,.0f}, by {forecast.engine}"


def _interval(forecast: ServeForecast) -> str:
    found = forecast.tokens_per_s_interval
    return "" if found is None else f" (80 % between {significant(found.low)} and {significant(found.high)})"


def times(found: Percentiles) -> str:
    return f"p50 {seconds_said(found.p50)}, p95 {seconds_said(found.p95)}, p99 {seconds_said(found.p99)}"


def kept(forecast: ServeForecast) -> str:
    """`; 4 of 5 seeds keep the level`, and how many must; empty where no time is asked for or the level is not met."""
    found, of = forecast.seeds_keeping, forecast.request.trials
    if found is None or not forecast.request.has_level or forecast.shortfall:
        return ""
    return f"; {found} of {of} seeds keep the level, {forecast.seeds_needed} must"


def _asked(limit_s: float | None) -> str:
    return "" if limit_s is None else f" (asked: {seconds_said(limit_s)} for p95)"


def _between(low: float, high: float) -> str:
    return f"{seconds_said(low)} to {seconds_said(high)}"


def shortfall(forecast: ServeForecast) -> Iterator[str]:
    if forecast.shortfall is None:
        return
    yield from (level_words(*missed) for missed in forecast.shortfall.by)
    yield f"what can be met: {', '.join(nearest_words(*level) for level in forecast.shortfall.nearest)}"
    yield from forecast.shortfall.remedies


def part_words(parts: Sequence[Part]) -> dict[str, float]:
    return {PARTS.get(part.name, part.name): part.value for part in parts}


def _memory(forecast: ServeForecast, *, bars: bool) -> Iterator[str]:
    yield from shares(part_words(forecast.memory), said=bytes_said, whole=forecast.memory_bytes, bars=bars)
    yield f"room for keys and values of {forecast.kv_capacity_tokens:,} tokens in one replica"


def _load(forecast: ServeForecast) -> Iterator[str]:
    for point in forecast.curve:
        mark = "" if point.meets else ", misses the level"
        rate = f"{significant(point.requests_per_s)} requests/s of one replica"
        yield f"{rate}: TTFT p95 {seconds_said(point.ttft.p95)}, TPOT p95 {seconds_said(point.tpot.p95)}{mark}"


def _other(other: Served) -> str:
    each = f"{significant(other.tokens_per_s_per_accelerator)} tokens/s of one accelerator"
    return f"{other.accelerators:,} accelerators, {each}: {other.replicas:,} x ({other.way.words()})"


def compared(forecasts: Sequence[ServeForecast]) -> Iterator[list[str]]:
    """Halls side by side, a figure a row: the head first."""
    yield ["figure", *(forecast.hall for forecast in forecasts)]
    for label, of in COMPARED:
        yield [label, *(of(forecast) for forecast in forecasts)]


COMPARED: tuple[tuple[str, Callable[[ServeForecast], str]], ...] = (
    ("requests/s", lambda f: significant(f.chosen.hall_requests_per_s)),
    ("accelerators", lambda f: f"{f.chosen.accelerators:,} {f.accelerator}"),
    ("output tokens/s of one", lambda f: significant(f.chosen.tokens_per_s_per_accelerator)),
    ("TTFT p95", lambda f: seconds_said(f.chosen.ttft.p95)),
    ("TPOT p95", lambda f: seconds_said(f.chosen.tpot.p95)),
    ("level", lambda f: f.verdict),
    ("way", lambda f: f.chosen.way.words()),
    ("limited by", lambda f: f.limits[0] if f.limits else "–"),
)
