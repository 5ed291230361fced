"""What limits a run, what the next money should buy, and what fewer or more accelerators would do."""

import re
from collections.abc import Callable, Iterator

from datahall.foundation.readable import significant, with_unit
from datahall.interfaces.forecast_text import changed, days_said, plan_words, seconds_said
from datahall.interfaces.pictures.bars import Part, stacks
from datahall.interfaces.pictures.scatter import Spot, scatter
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Lines, Picture, Section, Table, counted
from datahall.interfaces.plan_parts.forecast import ordered, parts_table
from datahall.models.parallel.spec import TrainPlan
from datahall.planner.training.result import Point, TrainForecast, WhatIf

SHARE = re.compile(r"^[0-9.]+% of the time: ")
"""What stands in a column of its own."""


def limits_section(forecast: TrainForecast, anchors: Anchors) -> Section | None:
    """None where nothing was found to limit it."""
    blocks: list[Block] = []
    if forecast.limits:
        rows = tuple(
            (limit.name, f"{limit.share:.1%}" if limit.share else "–", SHARE.sub("", limit.text)) for limit in forecast.limits
        )
        blocks.append(Table(("Limit", "Of the time", "What it is"), rows, title="What limits it", numbers=frozenset({1})))
    if forecast.advice:
        blocks.append(_advice(forecast))
    if not blocks:
        return None
    lead = "One change at a time, the rest of the hall as it is; what the change itself costs is not in the money here."
    return Section(anchors.section("limits"), "What limits it, and what the next money should buy", tuple(blocks), lead)


def _advice(forecast: TrainForecast) -> Table:
    currency = forecast.cost.currency if forecast.cost else ""

    def money(value: float) -> str:
        return with_unit(value, currency)

    def row(one: WhatIf) -> tuple[str, ...]:
        days = changed(one.days_delta, days_said)
        energy = changed(one.energy_kwh_delta, lambda value: with_unit(value, "kWh"))
        return one.name, days, changed(one.cost_delta, money), energy, one.text.removeprefix(f"{one.name}: ")

    heads = ("Change", "Time", "Money of the run", "Energy", "In words")
    rows = tuple(row(one) for one in forecast.advice)
    return Table(heads, rows, title="What the next money should buy", numbers=frozenset({1, 2, 3}))


def points_section(forecast: TrainForecast, anchors: Anchors) -> Section | None:
    """Time against money, or against energy where the hall has no prices; None with a single point."""
    if len(forecast.points) < 2:
        return None
    name, unit, of = _against(forecast)
    chosen = {point.accelerators for point in forecast.points if point.chosen}

    def alone(point: Point) -> bool:
        return point.chosen or point.accelerators not in chosen

    drawn = scatter(
        [_spot(point, of(point), unit, alone=alone(point)) for point in forecast.points],
        x_name=name,
        y_name="days",
        x_said=lambda value: with_unit(value, unit),
        y_said=significant,
        title=f"Days of the run against {name}, for several numbers of accelerators",
        from_zero=False,
    )
    note = (
        "Each point is a number of accelerators with its best plan; the line joins those that no other beats in time, money, "
        "energy and risk."
    )
    lead = "Fewer accelerators take longer and waste less; the chosen one is orange."
    return Section(
        anchors.section("points"), "Fewer or more accelerators", (Picture(drawn, note=note), _points(forecast)), lead
    )


def _against(forecast: TrainForecast) -> tuple[str, str, Callable[[Point], float]]:
    """What time is held against: money, else energy, else the accelerators themselves. With its unit, and how to read it."""
    if forecast.cost and all(point.cost is not None for point in forecast.points):
        return "money of the run", forecast.cost.currency, lambda point: point.cost or 0.0
    if all(point.energy_kwh is not None for point in forecast.points):
        return "energy at the meter", "kWh", lambda point: point.energy_kwh or 0.0
    return "accelerators", "1", lambda point: float(point.accelerators)


def _spot(point: Point, x: float, unit: str, *, alone: bool) -> Spot:
    """alone: whether no other spot of as many accelerators bears the label."""
    about = f"{point.accelerators:,} accelerators: {days_said(point.days)}, {with_unit(x, unit)}"
    label = f"{point.accelerators:,}" if alone else ""
    return Spot(x, point.days, point.accelerators, label, about, point.is_best, point.chosen)


def _points(forecast: TrainForecast) -> Table:
    currency = forecast.cost.currency if forecast.cost else ""
    rows = tuple(
        (
            f"{point.accelerators:,}" + (" (chosen)" if point.chosen else ""),
            significant(point.days),
            seconds_said(point.step_s),
            "–" if point.cost is None else with_unit(point.cost, currency),
            "–" if point.energy_kwh is None else with_unit(point.energy_kwh, "kWh"),
            "–" if point.interrupted_ratio is None else f"{point.interrupted_ratio:.1%}",
            f"{point.memory_ratio:.0%}",
            plan_words(TrainPlan(**point.plan)),
        )
        for point in forecast.points
    )
    heads = ("Accelerators", "Days", "Step", "Money", "Energy", "Lost to failures", "Memory", "Plan")
    return Table(heads, rows, numbers=frozenset(range(1, 7)))


def goodput_section(forecast: TrainForecast, anchors: Anchors) -> Section | None:
    """What of the time is kept, and what takes the rest; None where storage is not declared."""
    run = forecast.run
    if run.goodput_ratio is None:
        return None
    parts = [Part("kept", run.goodput_ratio), *ordered(run.lost)]
    drawn = stacks([("time", parts)], said=lambda value: f"{value:.1%}", title="Shares of the run's time", each=" of the time")
    table = parts_table(parts, ("Time", "Share of the run"), said=lambda value: days_said(value * run.days), whole=1.0)
    lead = (
        f"{run.goodput_ratio:.1%} of the time ends in kept work, with {significant(run.interruptions)} interruptions expected: "
        f"one in {with_unit(run.mtti_h * 3600, 's')} of this job."
    )
    return Section(
        anchors.section("goodput"), "Failures and goodput", (Picture(drawn), table, Lines(tuple(_saving(forecast)))), lead
    )


def _saving(forecast: TrainForecast) -> Iterator[str]:
    run = forecast.run
    size = f"a checkpoint is {significant(run.checkpoint_bytes / 1e12)} TB"
    if run.save_s is None:
        yield f"{size}; how long writing it takes the hall does not say"
    else:
        yield f"{size}, and keeps the run from computing for {seconds_said(run.save_s)}"
    if run.checkpoint_every_s is not None:
        yield f"one is written after each {seconds_said(run.checkpoint_every_s)} of work"
    if run.restart_s is not None:
        yield f"after a failure it takes {seconds_said(run.restart_s)} until it computes again"


def money_section(forecast: TrainForecast, anchors: Anchors) -> Section | None:
    """None where the hall has no prices."""
    cost = forecast.cost
    if cost is None or not cost.lines:
        return None

    def money(value: float) -> str:
        return with_unit(value, cost.currency)

    parts = ordered({name.replace("_", " "): value for name, value in cost.lines.items()})
    blocks: list[Block] = []
    if cost.missing:
        names = ", ".join(name.replace("_", " ") for name in cost.missing)
        count = counted(len(cost.missing), "line has", "lines have")
        blocks.append(Lines((names,), title=f"{count} no price, so all sums are lower bounds", warning=True))
    blocks.append(Picture(stacks([("run", parts)], said=money, title="Money of the run by line of the bill", each="")))
    blocks.append(parts_table(parts, ("Line", "Of the run"), said=money, whole=sum(part.value for part in parts)))
    each = f"{money(cost.per_million_tokens)} a million tokens, {money(cost.per_accelerator_hour)} an accelerator-hour"
    lead = f"{money(cost.total)}, 80 % between {money(cost.low)} and {money(cost.high)}; {each}."
    return Section(anchors.section("money"), "Money", tuple(blocks), lead)
