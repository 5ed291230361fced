"""Racks hold by their best side's battery, and generators take over when they are up and changed over to."""

import math

import numpy as np
import pytest
from tests.unit.infrastructure.power.halls import TWO_N, graph_of

from datahall.infrastructure.power.backup import element_holds_s
from datahall.infrastructure.power.ride import ride_of


def test_a_rack_holds_by_its_best_side_until_generators_are_up():
    """Given batteries of 80 kWh on A and 40 kWh on B at equal load, racks hold as long as A's; generators come after 20 s."""
    graph = graph_of(TWO_N.replace("side: B, battery_wh: 80000", "side: B, battery_wh: 40000"))
    load_w = graph.solve(1.0).element_peak_w
    ride = ride_of(graph, load_w)
    a = graph.index["ups-a"]
    assert ride.rack_holds_s == pytest.approx(element_holds_s(graph.elements[a], load_w[a]))
    assert ride.rack_starts_s == pytest.approx(20.0) and np.isinf(ride.dark_s(math.inf)).all()
    assert (ride.mechanical_holds_s, ride.mechanical_starts_s) == (0.0, 20.0) and ride.critical_holds_s == ride.rack_holds_s[0]


def test_without_generators_racks_are_dark_unless_the_grid_is_back_in_time():
    """Given no start time of the generators, racks go dark when batteries are empty, but not when the grid is back before."""
    graph = graph_of(TWO_N.replace("start_s: 15 s, ", ""))
    ride = ride_of(graph, graph.solve(1.0).element_peak_w)
    assert ride.dark_s(math.inf) == pytest.approx(ride.rack_holds_s) and np.isinf(ride.dark_s(60.0)).all()
