"""Outages, cut sets and the power flow look at one graph, and must say the same of it."""

import itertools

import pytest
from tests.unit.infrastructure.power.halls import CATALOGUE, TWO_N, graph_of, hall_of
from tests.unit.infrastructure.reliability.supplies import drawn, large

from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.reliability import availability_of, sweep
from datahall.infrastructure.reliability.cut_sets import CutSets
from datahall.infrastructure.reliability.from_graph import supply_of
from datahall.infrastructure.reliability.outage import Outages
from datahall.infrastructure.reliability.supply import Supply
from datahall.infrastructure.reliability.sweep import swept

LOADS = {"mechanical_w": 120e3, "critical_mechanical_w": 30e3}


def test_intact_loads_are_those_of_the_power_flow() -> None:
    """Given the 2N hall, each element gives here what it gives in the flow at peak, losses included."""
    graph = graph_of()
    flow = graph.solve(1.0, **LOADS)
    assert Outages(supply_of(graph, **LOADS)).out_w == pytest.approx(flow.element_peak_w.tolist(), rel=1e-9)


@pytest.mark.parametrize("ratings", ["1 MW", "600 kW"], ids=["ample", "tight"])
def test_every_pair_of_removals_agrees_with_the_power_flow(ratings: str) -> None:
    """Given each single and double removal, solving the flow with all that was lost finds the same racks, and no overload."""
    graph = graph_of(TWO_N.replace("rating_w: 1 MW", f"rating_w: {ratings}"))
    outages = Outages(supply_of(graph, **LOADS))
    for many in (1, 2):
        for removed in itertools.combinations(range(len(graph.elements)), many):
            outage = outages.after(removed)
            lost = outage.removed | {unit for unit, _ in outage.tripped}
            flow = graph.solve(1.0, **LOADS, lost=lost)
            racks = {outages.supply.loads[i].name for i in outage.lost_loads if outages.supply.loads[i].kind == "rack"}
            assert racks == {*flow.unserved_racks, *flow.degraded_racks}
            assert set(flow.overloaded) <= lost | set(outages.overloaded())


def test_a_trip_is_an_overload_of_the_power_flow() -> None:
    """Given UPS of 600 kW for 655 kW, the flow without one is overloaded exactly where the sweep says that it trips."""
    graph = graph_of(TWO_N.replace("rating_w: 1 MW", "rating_w: 600 kW"))
    result = sweep(graph, **LOADS)
    flow = graph.solve(1.0, **LOADS, lost=frozenset({graph.index["ups-a"]}))
    [trip] = result.by_name["ups-a"].tripped
    assert [graph.elements[i].name for i in flow.overloaded] == [trip.name] == ["ups-b"]
    assert trip.asked_w == pytest.approx(flow.element_peak_w[graph.index["ups-b"]], rel=1e-9)
    assert len(result.by_name["ups-a"].lost_racks) == 16 and not result.concurrently_maintainable


SUPPLIES = [*map(drawn, range(20)), large(blocks=2, pdus=2, taps=2)]


@pytest.mark.parametrize("supply", SUPPLIES, ids=lambda supply: f"{len(supply.units)} units")
def test_single_points_are_the_cut_sets_of_order_one(supply: Supply) -> None:
    """Given a supply, the elements that the sweep finds to take racks down are those of the cut sets of one."""
    result, cuts = swept(supply), CutSets(supply)
    single = {cuts.class_of_unit[cut.units[0]] for cut in cuts.singles}
    names = {cuts.supply.units[i].name for number in single for i in cuts.alike.units[number]}
    assert names == {name for row in result.single_points for name in row.names}


def test_the_two_n_hall_has_no_single_point_and_an_honest_number() -> None:
    """Given the 2N hall with catalogue figures, no removal takes a rack down, and common cause and people decide the number."""
    hall = hall_of(TWO_N)
    graph, estate = graph_of(), estate_of(hall, CATALOGUE)
    result = sweep(graph, estate=estate, **LOADS)
    assert result.concurrently_maintainable and result.fault_tolerant
    report = availability_of(graph, reliability=hall.reliability, estate=estate, **LOADS)
    assert report.independent > report.with_common_cause > report.availability > 0.999
    assert {row.source for row in report.contributions} >= {"common cause", "people"}


def test_racks_that_nothing_feeds_are_named_and_not_counted() -> None:
    """Given the 2N hall with two more racks on no element, they are in no class, and the report leaves them out aloud."""
    text = TWO_N + "  - {name: 'loose[1-2]', contents: [{part: server, count: 1}]}\n"
    hall = hall_of(text)
    report = availability_of(graph_of(text), reliability=hall.reliability)
    assert sum(len(row.racks) for row in report.power) == 16
    assert "loose1, loose2: fed by no element, so nothing is said of them" in report.unknown
