from pathlib import Path

import numpy as np
import pytest

from datahall.interfaces.plan_parts.blocks import few
from datahall.interfaces.plan_parts.hours import hourly_pue
from datahall.interfaces.plan_parts.money import parts_of
from datahall.interfaces.plan_parts.power import diagram_of
from datahall.interfaces.plan_parts.racks import rooms_of
from datahall.planner.load import load
from datahall.planner.plan import Plan, plan_of

HALLS = Path(__file__).parents[3] / "halls"


@pytest.fixture(scope="module")
def large() -> Plan:
    return plan_of(load(HALLS / "h100-512.yaml"))


def test_the_single_line_is_the_power_graph(large):
    """Given 120 elements, a box stands for each entry of the hall file; the generators' bus is for when the grid is lost."""
    boxes, wires = diagram_of(large)
    at = {box.name: number for number, box in enumerate(boxes)}
    power = large.loaded.hall.power
    assert {element.name for element in power.elements} <= at.keys() and {"cooling plant", "fans and pumps"} <= at.keys()
    ways = {(wire.top, wire.bottom): wire.standby for wire in wires}
    assert ways[at["gen-bus"], at["ats-a[1-4]"]] is True and ways[at["tx-a[1-4]"], at["ats-a[1-4]"]] is False
    assert {top for top, bottom in ways if bottom == at["r[001-128]"]} == {at[f"busway-{side}[01-16]"] for side in "abc"}


def test_the_hottest_of_a_class_is_told(large):
    """Given loads of all elements, each box has the largest of its class, and together they have the largest of all."""
    boxes, _ = diagram_of(large)
    ratios = [box.load_ratio for box in boxes if box.load_ratio is not None]
    assert max(ratios) == pytest.approx(float(large.year.flow.peak_load_ratio.max()))
    assert {box.side for box in boxes} == {"A", "B", None}


def test_every_rack_stands_on_the_floor_plan(large):
    """Given 152 racks in rows of one room, their runs hold each of them once, no two in one place."""
    [room] = rooms_of(large)
    taken = [(row.name, run.first + n) for row in room.rows for run in row.runs for n in range(run.count)]
    assert len(taken) == len(set(taken)) == large.loaded.estate.racks
    peak_w = sum(run.count * run.rack_w for row in room.rows for run in row.runs)
    assert peak_w == pytest.approx(large.loaded.estate.peak_w)


def test_hourly_pue_weighs_up_to_the_years(large):
    """Given PUE of every hour, its mean weighted by IT power is the year's."""
    pue = hourly_pue(large.year)
    assert np.average(pue, weights=large.year.it_w) == pytest.approx(large.year.pue)


def test_the_bar_of_a_year_is_the_bill(large):
    """Given the lines of a bill, the parts of its bar add up to it, what comes back included."""
    assert sum(part.value for part in parts_of(large.cost)) == pytest.approx(large.cost.per_year)


def test_many_names_are_told_by_the_first_and_the_last():
    """Given three names, all are told; given more, the ends and how many."""
    assert few(["a", "b", "c"]) == "a, b, c" and few([f"r{n}" for n in range(2000)]) == "r0 … r1999 (2,000)"
