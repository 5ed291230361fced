"""What is read first of serving: the times reached beside those asked for."""

from datahall.foundation.readable import significant
from datahall.interfaces.forecast_text import seconds_said
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Lines, Section, Table
from datahall.interfaces.plan_parts.forecast import not_computed
from datahall.interfaces.serve_text import kept, shortfall
from datahall.planner.serving.result import Percentiles, ServeForecast


def tiles(forecast: ServeForecast, anchors: Anchors) -> list[tuple[str, str, str, str]]:
    """The answer itself; each leads to the section that has more of it."""
    served = forecast.chosen
    rows = [
        ("Requests", f"{significant(served.hall_requests_per_s)} /s", "answer"),
        ("Output tokens", f"{significant(served.hall_tokens_per_s)} /s", "answer"),
        ("Accelerators", f"{served.accelerators:,}", "ways"),
        ("Output tokens of one", f"{significant(served.tokens_per_s_per_accelerator)} /s", "ways"),
        ("First token, 95 of 100", seconds_said(served.ttft.p95), "load"),
        ("Each further token, 95 of 100", seconds_said(served.tpot.p95), "load"),
        ("Level", forecast.verdict.removeprefix("level is "), "answer"),
        ("Of the most it carries", f"{served.utilisation_ratio:.0%}", "load"),
    ]
    return [(label, value, anchors.section(place), label) for label, value, place in rows]


def answer_section(forecast: ServeForecast, anchors: Anchors) -> Section:
    """Percentiles, the level, and what is to be known beside them."""
    blocks: list[Block] = [_times(forecast)]
    if forecast.shortfall:
        blocks.append(Lines(tuple(shortfall(forecast)), title=f"The {forecast.verdict}", warning=True))
    blocks += not_computed(forecast.missing)
    if found := forecast.tokens_per_s_interval:
        text = (
            f"80 % between {significant(found.low)} and {significant(found.high)} output tokens/s: how far forecasts were off"
        )
        blocks.append(Lines((text,), title="How sure it is"))
    if forecast.limits:
        blocks.append(Lines(forecast.limits, title="What limits it"))
    if forecast.what_ifs:
        blocks.append(_what_ifs(forecast))
    if forecast.notes:
        blocks.append(Lines(forecast.notes, title="To be known"))
    request = forecast.request
    lead = (
        f"Prompts of {request.input_tokens:,.0f} tokens and answers of {request.output_tokens:,.0f}, by {forecast.engine}; "
        f"{forecast.simulated_requests:,} requests were simulated with each of {request.trials} seeds."
    )
    return Section(anchors.section("answer"), "The answer", tuple(blocks), lead)


def _times(forecast: ServeForecast) -> Table:
    limits = forecast.request.limits()

    def row(label: str, name: str, found: Percentiles, spread: str) -> tuple[str, ...]:
        asked = [f"{seconds_said(limit)} for {p}" for p in ("p95", "p99") if (limit := limits.get(f"{name}_{p}_s")) is not None]
        return (label, *(seconds_said(value) for value in (found.p50, found.p95, found.p99)), spread, ", ".join(asked) or "–")

    served, ttft, tpot = forecast.chosen, forecast.ttft_p95_interval, forecast.tpot_p95_interval
    rows = (
        row("to the first token", "ttft", served.ttft, f"{seconds_said(ttft.low)} to {seconds_said(ttft.high)}"),
        row("each further token", "tpot", served.tpot, f"{seconds_said(tpot.low)} to {seconds_said(tpot.high)}"),
    )
    heads = ("Time", "Half of requests", "95 of 100", "99 of 100", "p95 over the seeds", "Asked")
    return Table(
        heads,
        rows,
        numbers=frozenset({1, 2, 3, 4}),
        note=f"The spread over seeds is that of chance arrivals alone{kept(forecast)}.",
    )


def _what_ifs(forecast: ServeForecast) -> Table:
    rows = tuple(
        (
            one.what,
            "–" if one.accelerators is None else f"{one.accelerators:,}",
            significant(one.hall_requests_per_s) if one.hall_requests_per_s else "–",
            significant(one.tokens_per_s_per_accelerator),
            seconds_said(one.ttft_p95_s),
            seconds_said(one.tpot_p95_s),
            one.sentence.removeprefix(f"{one.what}: "),
        )
        for one in forecast.what_ifs
    )
    heads = ("Change", "Accelerators", "Requests/s", "Tokens/s of one", "TTFT p95", "TPOT p95", "In words")
    return Table(heads, rows, title="What the next money should buy", numbers=frozenset(range(1, 6)))
