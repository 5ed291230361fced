"""Serving in pictures: times over load, throughput against the time of a token, steps and memory by part, ways."""

from collections.abc import Sequence

import numpy as np

from datahall.foundation.readable import significant
from datahall.interfaces.forecast_text import GIB, bytes_said, gib, gib_said, seconds_said
from datahall.interfaces.pictures.bars import Part as Bar
from datahall.interfaces.pictures.bars import stacks
from datahall.interfaces.pictures.rising import Rising, rising
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Picture, Section, Table
from datahall.interfaces.plan_parts.forecast import ordered, parts_table
from datahall.interfaces.serve_text import part_words
from datahall.planner.serving.result import LoadPoint, Part, ServeForecast


def load_section(forecast: ServeForecast, anchors: Anchors) -> Section | None:
    """Times over the rate of requests; None where only one rate was tried."""
    if len(forecast.curve) < 2:
        return None
    pictures = [_over_load(forecast, name) for name in ("ttft", "tpot")]
    lead = "One replica of the chosen way, under one rate after the other; the upright line is the rate of the answer."
    return Section(anchors.section("load"), "Times over load", (*pictures, _curve_table(forecast)), lead)


def _over_load(forecast: ServeForecast, name: str) -> Picture:
    words = {"ttft": "time to first token", "tpot": "time of each further token"}[name]
    xs = np.array([point.requests_per_s for point in forecast.curve])
    curves = [_percentile(forecast.curve, xs, name, p, kind) for p, kind in (("p50", "c3"), ("p95", "c1"), ("p99", "c2"))]
    limit_s = forecast.request.limits().get(f"{name}_p95_s")
    drawn = rising(
        curves,
        x_name="requests/s of one replica",
        y_name=words,
        x_said=significant,
        y_said=lambda value: seconds_said(value) if value else "0",
        title=f"{words} over the rate of requests: half of requests, 95 and 99 of 100",
        limit=(limit_s, f"asked for p95: {seconds_said(limit_s)}") if limit_s is not None else None,
        mark=(forecast.chosen.requests_per_s, "the answer"),
    )
    return Picture(drawn, words[0].upper() + words[1:])


def _percentile(
    curve: Sequence[LoadPoint], xs: "np.ndarray[tuple[int], np.dtype[np.float64]]", name: str, p: str, kind: str
) -> Rising:
    values = [float(getattr(getattr(point, name), p)) for point in curve]
    about = tuple(
        f"{point.requests_per_s:.3g} requests/s: {p} {seconds_said(y)}" for point, y in zip(curve, values, strict=True)
    )
    return Rising(p, kind, xs, np.array(values), about)


def _curve_table(forecast: ServeForecast) -> Table:
    rows = tuple(
        (
            significant(point.requests_per_s),
            significant(point.tokens_per_s),
            *(seconds_said(value) for value in (point.ttft.p50, point.ttft.p95, point.tpot.p50, point.tpot.p95)),
            "met" if point.meets else "missed",
        )
        for point in forecast.curve
    )
    heads = ("Requests/s", "Output tokens/s", "TTFT p50", "TTFT p95", "TPOT p50", "TPOT p95", "Level")
    return Table(heads, rows, numbers=frozenset(range(6)), folded=f"All {len(rows)} rates")


def pareto_section(forecast: ServeForecast, anchors: Anchors) -> Section | None:
    """Throughput against the time of a token; None with fewer than two ways."""
    if len(forecast.pareto) < 2:
        return None
    points = sorted(forecast.pareto, key=lambda point: point.tpot_s)
    about = tuple(
        f"{point.way.words()}, {point.concurrency:,} at once: {significant(point.tokens_per_s_per_accelerator)} tokens/s of "
        f"one, {seconds_said(point.tpot_s)} a token"
        for point in points
    )
    xs, ys = np.array([p.tpot_s for p in points]), np.array([p.tokens_per_s_per_accelerator for p in points])
    limit_s = forecast.request.tpot_p95_s
    drawn = rising(
        [Rising("ways that no other beats", "c1", xs, ys, about)],
        x_name="time of each further token, in steady state",
        y_name="output tokens/s of one accelerator",
        x_said=lambda value: seconds_said(value) if value else "0",
        y_said=significant,
        title="Output tokens per second of one accelerator against the time of each token",
        mark=(limit_s, "asked for p95") if limit_s is not None else None,
    )
    rows = tuple(
        (seconds_said(p.tpot_s), significant(p.tokens_per_s_per_accelerator), f"{p.concurrency:,}", p.way.words())
        for p in points
    )
    table = Table(
        ("A token", "Tokens/s of one", "At once", "Way"), rows, numbers=frozenset({0, 1, 2}), folded=f"All {len(rows)}"
    )
    lead = "Quick answers or many answers: up the curve an accelerator writes more, and each answer more slowly."
    return Section(anchors.section("pareto"), "Throughput against the time of a token", (Picture(drawn), table), lead)


def steps_section(forecast: ServeForecast, anchors: Anchors) -> Section:
    """What a decode step, a prompt and an accelerator's memory are made of."""
    decode, prefill = _bars(forecast.decode_step), _bars(forecast.prefill)
    memory, room = ordered(gib(part_words(forecast.memory))), forecast.memory_bytes / GIB
    blocks: list[Block] = [
        Picture(stacks([("step", decode)], said=seconds_said, title="Seconds of a decode step", each=" a step"), _at(forecast)),
        parts_table(decode, ("Part", "In one step"), said=seconds_said, whole=_sum(decode)),
        Picture(stacks([("prompt", prefill)], said=seconds_said, title="Seconds of a prompt", each=""), "One prompt alone"),
        parts_table(prefill, ("Part", "In one prompt"), said=seconds_said, whole=_sum(prefill)),
        Picture(
            stacks([("memory", memory)], said=gib_said, title="Memory of one accelerator by what holds it", each="",
                   limit=(room, f"{bytes_said(forecast.memory_bytes)} on the device")),
            "Memory of one accelerator",
        ),
        parts_table(memory, ("Held by", "Of one accelerator"), said=gib_said, whole=room),
    ]  # fmt: skip
    lead = f"There is room for keys and values of {forecast.kv_capacity_tokens:,} tokens in one replica."
    return Section(anchors.section("steps"), "Where time and memory go", tuple(blocks), lead)


def _at(forecast: ServeForecast) -> str:
    return f"A decode step with {significant(forecast.chosen.batch_mean)} answers at once"


def _bars(parts: Sequence[Part]) -> list[Bar]:
    return ordered(part_words(parts))


def _sum(parts: Sequence[Bar]) -> float:
    return sum(part.value for part in parts) or 1.0


def ways_section(forecast: ServeForecast, anchors: Anchors) -> Section:
    """The chosen way and the next best."""
    rows = tuple(
        (
            "chosen" if n == 0 else f"{n}",
            f"{one.accelerators:,}",
            f"{one.replicas:,}",
            significant(one.hall_requests_per_s),
            significant(one.tokens_per_s_per_accelerator),
            seconds_said(one.ttft.p95),
            seconds_said(one.tpot.p95),
            one.way.words(),
        )
        for n, one in enumerate((forecast.chosen, *forecast.others))
    )
    heads = ("", "Accelerators", "Replicas", "Requests/s", "Tokens/s of one", "TTFT p95", "TPOT p95", "Way of a replica")
    lead = (
        f"{forecast.evaluated:,} ways were looked at, {forecast.fitting:,} fit into memory, {forecast.simulated:,} were "
        "simulated request by request. `--pin` fixes a field."
    )
    return Section(
        anchors.section("ways"), "Ways to run a replica", (Table(heads, rows, numbers=frozenset(range(1, 7))),), lead
    )
