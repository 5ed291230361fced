"""Pages of forecasts: whole, self-contained, every figure traced, every drawing told to those who do not see it."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.interfaces.forecasts import SHORT, candidate, served, trained
from tests.unit.interfaces.reading import drawings, read

from datahall.interfaces.forecast_page import page
from datahall.interfaces.serve_page import PARTS as SERVE_PARTS
from datahall.interfaces.train_page import PARTS as TRAIN_PARTS

HOSTILE = "<script>alert(1)</script>"
Make = Callable[..., Any]


@pytest.mark.parametrize("make", [trained, served])
@pytest.mark.parametrize("count", [1, 2])
def test_a_page_is_whole_and_loads_nothing(make: Make, count: int):
    """Given one hall or two, every tag closes, every link stays on the page, and nothing is loaded or run."""
    text = page([make()] * count)
    reader = read(text)
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.links) <= {f"#{name}" for name in reader.ids}
    assert not {"script", "img", "link", "iframe", "object", "base"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name == "src"]
    assert "url(" not in text and "@import" not in text and "default-src 'none'" in text


@pytest.mark.parametrize(("make", "least"), [(trained, 6), (served, 6)])
def test_every_drawing_says_what_it_shows(make: Make, least: int):
    """Given all pictures of a page, each parses and has a title."""
    found = drawings(page([make()]))
    assert len(found) >= least
    assert all(svg.get("role") == "img" and next(child.text for child in svg if child.tag.endswith("title")) for svg in found)


@pytest.mark.parametrize("make", [trained, served])
def test_every_figure_has_its_place(make: Make):
    """Given figures with formulas and sources, each has a row."""
    forecast = make()
    reader = read(page([forecast]))
    assert {f"figure-{name}" for name in forecast.figures.by_name} <= set(reader.ids)
    assert "train_steps x train_step_s / goodput" in "".join(reader.text)


@pytest.mark.parametrize("make", [trained, served])
def test_words_of_others_are_escaped(make: Make):
    """Given a hall whose name is a script, it stands on the page as text."""
    text = page([make(hall=HOSTILE)])
    assert HOSTILE not in text and "&lt;script&gt;" in text


def test_a_page_of_nothing_is_refused():
    """Given no forecast, there is no page."""
    with pytest.raises(ValueError, match="no chapter is given"):
        page([])


# --- training ---------------------------------------------------------------------------------------------------


def test_all_parts_of_a_run_are_there():
    """Given a whole forecast, each section is on the page, and the table of what the next money buys with it."""
    text = "".join(read(page([trained()])).text)
    assert page([trained()]).count("<section") == len(TRAIN_PARTS) + 2
    assert "What the next money should buy" in text and "80 GiB on the device" in text and "512 (chosen)" in text
    assert "all sums are lower bounds" in text and "cannot be computed: <the hall> names no price" in text


@pytest.mark.parametrize(
    ("plan", "rows"),
    [({"pipeline": 8}, 8), ({"pipeline": 32, "data": 2}, 16), ({"pipeline": 8, "chunks": 2, "schedule": "interleaved"}, 8),
     ({"pipeline": 8, "schedule": "zero_bubble"}, 8)],
)  # fmt: skip
def test_a_schedule_has_a_row_for_each_stage_as_far_as_can_be_read(plan: dict[str, Any], rows: int):
    """Given 8 stages, all are drawn; of 32, sixteen from the first to the last, and this is said."""
    best = candidate(**{"tensor": 8, "data": 8, **plan})
    text = page([trained(best=best, breakdown=best.step.breakdown())])
    drawn = next(part for part in re.findall(r"<svg.*?</svg>", text, re.DOTALL) if "<title>Schedule" in part)
    stages = re.findall(r">stage (\d+)</text>", drawn)
    assert len(stages) == rows and (stages[0], stages[-1]) == ("1", f"{plan['pipeline']}")
    assert ("16 of 32 stages are drawn" in text) == (plan["pipeline"] == 32)


def test_what_is_not_known_is_left_out():
    """Given no pipeline, prices, storage or second point, those sections are missing, and the rest stands."""
    best = candidate(tensor=8, data=64)
    bare = trained(
        best=best, breakdown=best.step.breakdown(), cost=None, energy=None, points=(), placement=(), limits=(), advice=(),
        run=replace(trained().run, goodput_ratio=None, save_s=None, checkpoint_every_s=None, restart_s=None, lost={}),
    )  # fmt: skip
    ids = set(read(page([bare])).ids)
    assert not {"schedule", "limits", "points", "goodput", "money"} & ids and {"answer", "step", "memory", "plans"} <= ids


def test_points_without_prices_are_held_against_energy():
    """Given a hall without prices, energy is the other side; without either, the accelerators."""
    points = tuple(replace(point, cost=None) for point in trained().points)
    assert "Days of the run against energy at the meter" in page([trained(cost=None, points=points)])
    points = tuple(replace(point, energy_kwh=None) for point in points)
    assert "Days of the run against accelerators" in page([trained(cost=None, points=points)])


# --- serving ----------------------------------------------------------------------------------------------------


def test_all_parts_of_serving_are_there():
    """Given a whole forecast, each section is on the page, with the limits that were asked for in the pictures."""
    text = page([served()])
    assert text.count("<section") == len(SERVE_PARTS) + 2
    assert "asked for p95: 1 s" in text and "asked for p95: 50.0 ms" in text and "tensor 8" in text


def test_a_missed_level_is_a_warning():
    """Given a shortfall, what was asked, what is reached and what would help stand in one place."""
    text = "".join(read(page([served(shortfall=SHORT)])).text)
    assert "The level is not met" in text and "TTFT p95: 50.0 ms asked, 190 ms at the least" in text
    assert "halve the prompt" in text


def test_a_single_rate_and_way_have_no_curve():
    """Given one point, no curve is drawn, and the tiles lead elsewhere."""
    reader = read(page([served(curve=served().curve[:1], pareto=())]))
    assert not {"load", "pareto"} & set(reader.ids) and set(reader.links) <= {f"#{name}" for name in reader.ids}
