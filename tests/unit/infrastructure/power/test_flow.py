"""Flows through a small 2N hall: by hand, and with parts of it gone."""

import numpy as np
import pytest
from tests.unit.infrastructure.power.halls import TWO_N, graph_of, lost

from datahall.foundation.errors import Refused
from datahall.infrastructure.power.losses import loss_w


def test_a_hall_by_hand():
    """Given 640 kW over two sides, each PDU, UPS and transformer loses what its three terms say, and the grid gives the sum."""
    graph = graph_of()
    flow = graph.solve(1.0)
    pdu_w = loss_w(80e3, rating_w=250e3, no_load_ratio=0.003, linear_ratio=0.0, square_ratio=0.012)
    below_ups_w = 4 * (80e3 + pdu_w)
    ups_w = loss_w(below_ups_w, rating_w=1e6, no_load_ratio=0.01, linear_ratio=0.01, square_ratio=0.015)
    below_tx_w = below_ups_w + ups_w + 2.5e3
    tx_w = loss_w(below_tx_w, rating_w=1.5e6, no_load_ratio=0.002, linear_ratio=0.0, square_ratio=0.01)
    assert flow.facility_w[0] == pytest.approx(2 * (below_tx_w + tx_w), rel=1e-12)
    assert flow.loss_kwh["ups"] == pytest.approx(2 * ups_w / 1e3) and flow.loss_kwh["generator"] == 0
    assert flow.indoor_loss_w[0] == pytest.approx(2 * (4 * pdu_w + ups_w)) and flow.outdoor_loss_w[0] == pytest.approx(2 * tx_w)


def test_a_lost_side_is_carried_by_the_other():
    """Given a hall without ups-a, the B side carries twice the load, and every rack still runs."""
    graph = graph_of()
    whole, half = graph.solve(1.0), graph.solve(1.0, lost=lost(graph, "ups-a"))
    b = graph.index["pdu-b2"]
    assert half.element_peak_w[b] == pytest.approx(2 * whole.element_peak_w[b])
    assert half.it_w[0] == whole.it_w[0] and half.unserved_racks == () and half.overloaded == ()
    assert half.element_loss_kwh[graph.index["pdu-a1"]] == 0, "what nothing feeds has no voltage, and so no loss"


def test_an_overload_is_named():
    """Given 16 racks of 80 kW on 2 x 4 PDUs of 250 kW, a lost side leaves each PDU of the other with 320 kW."""
    graph = graph_of(TWO_N.replace("count: 4", "count: 8"))
    flow = graph.solve(1.0, lost=lost(graph, "ups-a"))
    names = [graph.elements[i].name for i in flow.overloaded]
    assert names == ["ups-b", "pdu-b1", "pdu-b2", "pdu-b3", "pdu-b4"]
    assert flow.peak_load_ratio[graph.index["pdu-b1"]] == pytest.approx(1.28)


def test_racks_that_nothing_feeds_are_named_and_draw_nothing():
    """Given both PDUs of the first four racks gone, those four are unserved, and IT is less by a quarter."""
    graph = graph_of()
    flow = graph.solve(1.0, lost=lost(graph, "pdu-a1", "pdu-b1"))
    assert flow.unserved_racks == ("r01", "r02", "r03", "r04")
    assert flow.it_w[0] == pytest.approx(480e3)


def test_generators_rest_while_the_grid_is_there():
    """Given both grids, generators give nothing and lose nothing; given none, they give everything and the grid nothing."""
    graph = graph_of()
    assert graph.solve(1.0).generator_w[0] == 0
    dark = graph.solve(1.0, mechanical_w=100e3, lost=graph.utilities)
    assert dark.utility_w[0] == 0 and dark.generator_w[0] == dark.facility_w[0] > 740e3
    assert dark.it_w[0] == 640e3 and dark.mechanical_w[0] == pytest.approx(100e3)


def test_one_grid_gone_starts_one_generator():
    """Given grid-a gone, side A runs from its generator and side B from its grid."""
    graph = graph_of()
    flow = graph.solve(1.0, lost=lost(graph, "grid-a"))
    assert flow.generator_w[0] == pytest.approx(flow.utility_w[0], rel=0.02)
    assert flow.element_peak_w[graph.index["gen-b"]] == 0


def test_mechanical_load_enters_where_the_hall_says():
    """Given critical load on the UPS, it costs UPS losses; the rest enters above them."""
    graph = graph_of()
    rest, critical = graph.solve(1.0, mechanical_w=100e3), graph.solve(1.0, critical_mechanical_w=100e3)
    assert rest.element_peak_w[graph.index["ups-a"]] == pytest.approx(critical.element_peak_w[graph.index["ups-a"]] - 50e3)
    assert critical.facility_w[0] > rest.facility_w[0]
    assert graph.solve(1.0, mechanical_w=1.0, lost=lost(graph, "ats-a", "ats-b")).unserved_mechanical


def test_an_idle_element_has_its_no_load_loss():
    """Given no load at all, each PDU under voltage still loses its first term; the UPS carries just that."""
    graph = graph_of(TWO_N.replace("house_load_w: 5 kW", "house_load_w: 0"))
    flow = graph.solve(0.0)
    assert flow.element_loss_kwh[graph.index["pdu-a1"]] == pytest.approx(0.003 * 250)
    assert flow.element_peak_w[graph.index["ups-a"]] == pytest.approx(4 * 0.003 * 250e3) and flow.it_w[0] == 0


STS = """\
schema_version: 1
name: sts
power:
  elements:
    - {name: "grid-[a,b]", kind: utility, rating_w: 1 MW}
    - {name: "ups-[a,b]", kind: ups, part: ups-double-conversion, rating_w: 100 kW, fed_by: ["grid-[a,b]"]}
    - {name: sts, kind: transfer_switch, rating_w: 100 kW, fed_by: [ups-a, ups-b]}
racks: [{name: r1, feeds: [sts], contents: [{part: server, count: 4}]}]
"""


def test_the_branch_that_a_transfer_switch_does_not_take_stands_by():
    """Given a switch between two UPSs, the first carries all and the second only its no-load loss, until the first is gone."""
    graph = graph_of(STS)
    flow = graph.solve(1.0)
    a, b = graph.index["ups-a"], graph.index["ups-b"]
    assert (flow.element_peak_w[a], flow.element_peak_w[b]) == (40e3, 0)
    assert flow.element_loss_kwh[b] == pytest.approx(1.0)
    assert graph.solve(1.0, lost=frozenset({a})).element_peak_w[b] == 40e3


def test_parallel_modules_share_by_rating():
    """Given modules of 100 and 300 kW under one switchboard, they carry a quarter and three quarters."""
    text = STS.replace("ups-b]}", "ups-b], deal: all}").replace("kind: transfer_switch", "kind: switchgear")
    text = text.replace(
        '"ups-[a,b]", kind: ups, part: ups-double-conversion, rating_w: 100 kW, fed_by: ["grid-[a,b]"]',
        "ups-a, kind: ups, rating_w: 100 kW, fed_by: [grid-a]",
    )
    text = text.replace(
        "    - {name: sts", "    - {name: ups-b, kind: ups, rating_w: 300 kW, fed_by: [grid-b]}\n    - {name: sts"
    )
    graph = graph_of(text)
    flow = graph.solve(1.0)
    assert flow.element_peak_w[graph.index["ups-a"]] == pytest.approx(10e3)
    assert flow.element_peak_w[graph.index["ups-b"]] == pytest.approx(30e3)


def test_a_hall_without_a_power_section_has_no_losses():
    """Given racks and nothing that feeds them, they draw straight from the site, and the graph says which they are."""
    graph = graph_of(
        "{schema_version: 1, name: h, racks: [{name: 'r[1-2]', contents: [{part: server, count: 1}]}]}", more_it_w=500.0
    )
    flow = graph.solve(np.array([0.5, 1.0]), mechanical_w=1e3)
    assert graph.unfed_racks == ("r1", "r2")
    assert flow.facility_w.tolist() == [11_250.0, 21_500.0] and flow.loss_w.tolist() == [0.0, 0.0]


def test_more_it_is_shared_over_the_racks():
    """Given 64 kW of switches that stand in no rack, each rack draws a tenth more."""
    flow, more = graph_of().solve(1.0), graph_of(more_it_w=64e3).solve(1.0)
    assert more.it_w[0] == pytest.approx(704e3)
    assert more.element_peak_w.max() > flow.element_peak_w.max()


def test_loads_that_are_no_loads_are_refused():
    """Given a negative or missing load, solving says what loads are."""
    with pytest.raises(ValueError, match="loads are finite and not negative"):
        graph_of().solve([1.0, -0.1])
    with pytest.raises(ValueError, match="loads are finite and not negative"):
        graph_of().solve(1.0, mechanical_w=float("nan"))


def test_a_graph_with_faults_is_refused_with_all_of_them():
    """Given a feed to nowhere and an unknown part, both are told at once."""
    text = TWO_N.replace("fed_by: [ats-a]", "fed_by: [ats-c]").replace("part: transformer-mv-lv", "part: transformer-mv")
    with pytest.raises(Refused, match="INF-205") as caught:
        graph_of(text)
    assert [p.code for p in caught.value.problems] == ["INF-205", "INF-202"]
    assert "did you mean `transformer-mv-lv`" in caught.value.problems[1].fix


def test_grid_comes_before_generators_wherever_they_meet():
    """Given a switchboard on a grid and a generator, or a switch that names the generator first, the generator rests."""
    board = TWO_N.replace("kind: transfer_switch, rating_w: 1.5 MW, transfer_s: 5 s", "kind: switchgear, rating_w: 1.5 MW")
    first = TWO_N.replace('fed_by: ["tx-[a,b]", "gen-[a,b]"]', 'fed_by: ["gen-[a,b]", "tx-[a,b]"]')
    for text in (board, first):
        graph = graph_of(text)
        assert graph.solve(1.0).generator_w[0] == 0
        assert graph.solve(1.0, lost=lost(graph, "grid-a")).element_peak_w[graph.index["gen-a"]] > 320e3


def test_what_only_generators_feed_rests_with_them():
    """Given a switchboard between generator and transfer switch, it has no voltage, and so no loss, until the grid is gone."""
    board = '    - {name: "gb-[a,b]", kind: pdu, part: pdu-transformer, rating_w: 1.5 MW, fed_by: ["gen-[a,b]"]}\n'
    board += '    - {name: "ats-'
    graph = graph_of(TWO_N.replace('    - {name: "ats-', board).replace('"tx-[a,b]", "gen-[a,b]"]', '"tx-[a,b]", "gb-[a,b]"]'))
    a = graph.index["gb-a"]
    assert graph.solve(1.0).element_loss_kwh[a] == 0 and not graph.solve(1.0).energised[a]
    assert graph.solve(1.0, lost=graph.utilities).element_loss_kwh[a] > 4.5
