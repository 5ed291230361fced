"""A serving forecast as a chapter of a page."""

from collections.abc import Callable, Sequence

from datahall.interfaces.page_frame import Chapter
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Section, Table
from datahall.interfaces.plan_parts.sources import taken_for_granted, traced
from datahall.interfaces.serve_parts.answer import answer_section, tiles
from datahall.interfaces.serve_parts.drawn import load_section, pareto_section, steps_section, ways_section
from datahall.interfaces.serve_text import compared
from datahall.planner.serving.result import ServeForecast

Part = Callable[[ServeForecast, Anchors], Section | None]
PARTS: tuple[Part, ...] = (answer_section, load_section, pareto_section, steps_section, ways_section)
"""In the order of the page. A part without anything to show gives None."""


def serve_chapter(forecast: ServeForecast, anchors: Anchors) -> Chapter:
    sections = [section for part in PARTS if (section := part(forecast, anchors))]
    if found := taken_for_granted(forecast.assumptions, forecast.figures, anchors):
        sections.append(found)
    request = forecast.request
    question = f"--serve {forecast.model} --input {request.input_tokens:g} --output {request.output_tokens:g}"
    lead = f"`datahall explain {forecast.file} FIGURE {question}` walks back from a figure in the terminal."
    sections.append(traced(forecast.figures, anchors, lead))
    served = forecast.chosen
    lead = f"{served.accelerators:,} {forecast.accelerator} as {served.replicas:,} replicas: {served.way.words()}"
    name = f"{forecast.model} on {forecast.hall}"
    first = anchors.section("hall")
    return Chapter(
        first,
        "forecast of serving",
        name,
        forecast.headline,
        lead,
        _linked(tiles(forecast, anchors), sections),
        tuple(sections),
    )


def _linked(found: list[tuple[str, str, str, str]], sections: Sequence[Section]) -> list[tuple[str, str, str, str]]:
    """A tile whose section is not on the page leads to the first."""
    there = {section.anchor for section in sections}
    return [(label, value, anchor if anchor in there else sections[0].anchor, about) for label, value, anchor, about in found]


def compared_serving(forecasts: Sequence[ServeForecast]) -> Section:
    """Halls side by side."""
    head, *rows = compared(forecasts)
    return Section("comparison", "The same load on each hall", (Table(("", *head[1:]), tuple(tuple(row) for row in rows)),))
