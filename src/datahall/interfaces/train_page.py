"""A training forecast as a chapter of a page."""

from collections.abc import Callable, Sequence

from datahall.interfaces.forecast_text import plan_words, seconds_said
from datahall.interfaces.page_frame import Chapter
from datahall.interfaces.pictures.bars import stacks
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Picture, Section, Table
from datahall.interfaces.plan_parts.forecast import ordered
from datahall.interfaces.plan_parts.sources import taken_for_granted, traced
from datahall.interfaces.train_parts.answer import answer_section, tiles
from datahall.interfaces.train_parts.choices import goodput_section, limits_section, money_section, points_section
from datahall.interfaces.train_parts.step import memory_section, plans_section, step_section, timeline_section
from datahall.interfaces.train_text import compared, count_said, headline, part_words
from datahall.planner.training.result import TrainForecast

Part = Callable[[TrainForecast, Anchors], Section | None]
PARTS: tuple[Part, ...] = (
    answer_section,
    step_section,
    timeline_section,
    memory_section,
    limits_section,
    points_section,
    goodput_section,
    money_section,
    plans_section,
)
"""In the order of the page. A part without anything to show gives None."""


def train_chapter(forecast: TrainForecast, anchors: Anchors) -> Chapter:
    sections = [section for part in PARTS if (section := part(forecast, anchors))]
    if found := taken_for_granted(forecast.assumptions, forecast.figures, anchors):
        sections.append(found)
    question = f"--train {forecast.architecture.name} --tokens {count_said(forecast.run.tokens)}"
    lead = f"`datahall explain HALL FIGURE {question}` walks back from a figure in the terminal."
    sections.append(traced(forecast.figures, anchors, lead))
    name = f"{forecast.architecture.name} on {forecast.hall}"
    run = forecast.run
    on = f"{run.accelerators:,} {forecast.ports.accelerator}"
    lead = f"{count_said(run.tokens)} tokens on {on}: {plan_words(forecast.best.plan)}"
    anchor = anchors.section("hall")
    return Chapter(
        anchor, "forecast of a training run", name, headline(forecast), lead, tiles(forecast, anchors), tuple(sections)
    )


def compared_training(forecasts: Sequence[TrainForecast]) -> Section:
    """Halls side by side, and what a step is made of on each."""
    head, *rows = compared(forecasts)
    table = Table(("", *head[1:]), tuple(tuple(row) for row in rows))
    steps = [(forecast.hall, ordered(part_words(forecast.breakdown))) for forecast in forecasts]
    title = "Seconds of one step by what takes them, hall by hall"
    drawn = Picture(stacks(steps, said=seconds_said, title=title, each=" a step"), "One step")
    return Section("comparison", "The same run on each hall", (table, drawn))
