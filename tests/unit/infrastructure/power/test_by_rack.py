"""Racks that draw each its own: the same as one ratio where all are alike, and heavier ways where they are not."""

import numpy as np
import pytest
from tests.unit.infrastructure.power.halls import graph_of, lost

from datahall.infrastructure.power import rack_loads

HOURS = 30
"""More than what `solve` works on element by element, so that the two ways differ."""


def test_racks_that_are_alike_give_the_flow_of_one_ratio():
    """Given the same share of 40 kW in every rack, switches that stand nowhere and cooling, all series are those of `solve`."""
    graph = graph_of(more_it_w=20e3)
    ratio = np.linspace(0.3, 1.0, HOURS)
    mechanical_w, critical_w = np.linspace(50e3, 90e3, HOURS), np.full(HOURS, 20e3)
    one = graph.solve(ratio, mechanical_w=mechanical_w, critical_mechanical_w=critical_w)
    extra = 20e3 / 16
    rack_w = ratio * np.array(graph.racks.peak_w)[:, None] + extra * (ratio - 1)
    each = rack_loads(graph, rack_w, outside_w=np.zeros(HOURS), shared_w=20e3).solve(mechanical_w, critical_w)
    for name in ("it_w", "facility_w", "utility_w", "generator_w", "indoor_loss_w", "outdoor_loss_w"):
        assert getattr(each, name) == pytest.approx(getattr(one, name), rel=1e-12, abs=1e-6), name


def test_uneven_racks_lose_more_in_the_square_term():
    """Given the same sum on half of the racks, PDUs above them lose more, so the grid gives more."""
    graph = graph_of()
    even, uneven = np.full((16, 1), 20e3), np.repeat([[40e3], [0.0]], 8, axis=0)
    none = np.zeros(1)
    flows = [rack_loads(graph, rack_w, outside_w=none).solve(none, none) for rack_w in (even, uneven)]
    assert flows[0].it_w == pytest.approx(flows[1].it_w)
    assert flows[1].facility_w[0] > flows[0].facility_w[0] + 100


def test_the_worst_moment_is_told_with_how_long_it_lasts():
    """Given 16 x 40 kW but 80 kW in racks 1-4 for the second of three hours, one PDU a side gives most then, and only then."""
    graph = graph_of()
    rack_w = np.full((16, 3), 40e3)
    rack_w[:4, 1] = 80e3
    none, limit_w = np.zeros(3), np.full(len(graph.elements), 150e3)
    limit_w[[not element.name.startswith("pdu") for element in graph.elements]] = np.inf
    worst = rack_loads(graph, rack_w, outside_w=none).worst(none, none, limit_w=limit_w, seconds=np.full(3, 3600.0))
    a1, a2 = graph.index["pdu-a1"], graph.index["pdu-a2"]
    assert (worst.load_w[a1], worst.at[a1], worst.over_at[a1], worst.over_s[a1]) == (pytest.approx(160e3), 1, 1, 3600.0)
    assert worst.load_w[a2] == pytest.approx(80e3) and worst.over_s[a2] == 0.0


def test_a_lost_side_moves_to_the_other_and_dark_racks_draw_nothing():
    """Given ups-a out, B carries all; given both UPSs out, nothing of the racks is left."""
    graph, rack_w, none = graph_of(), np.full((16, 1), 40e3), np.zeros(1)
    half = rack_loads(graph, rack_w, outside_w=none, lost=lost(graph, "ups-a")).solve(none, none)
    dark = rack_loads(graph, rack_w, outside_w=none, lost=lost(graph, "ups-a", "ups-b")).solve(none, none)
    assert half.it_w[0] == pytest.approx(640e3) and dark.it_w[0] == 0.0


def test_draws_below_zero_are_no_draws():
    """Given a negative draw, it is refused."""
    with pytest.raises(ValueError, match="finite and not negative"):
        rack_loads(graph_of(), np.full((16, 1), -1.0), outside_w=np.zeros(1))
