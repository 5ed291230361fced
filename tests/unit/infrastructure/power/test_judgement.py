"""A loaded graph judged, also with the cooling load that only a plan knows."""

from tests.unit.infrastructure.power.halls import TWO_N, graph_of

from datahall.infrastructure.power import Judgement, Loaded


def test_cooling_adds_to_what_generators_must_carry() -> None:
    """Given generators of 400 kW for half of 640 kW each, they carry the IT, but not with 200 kW of cooling."""
    graph = graph_of(TWO_N.replace("part: generator-diesel, rating_w: 1.5 MW", "rating_w: 400 kW"))
    assert Judgement(Loaded(graph, 1.0)).generators == []
    [told] = Judgement(Loaded(graph, 1.0, mechanical_w=200e3)).generators
    assert {graph.elements[i].name for i in told.elements} == {"gen-a", "gen-b"}
    assert 440e3 < told.load_w < 460e3 and told.limit_w == 400e3


def test_cooling_alone_can_overload_what_no_rack_hangs_on() -> None:
    """Given a transformer for cooling that is too small, it is told once, though no rack's draw explains it."""
    text = TWO_N.replace("mechanical_fed_by: [ats-a, ats-b]\n  critical", "mechanical_fed_by: [tx-m]\n  critical")
    text = text.replace("racks:", "    - {name: tx-m, kind: transformer, rating_w: 100 kW, fed_by: [grid-a]}\nracks:")
    graph = graph_of(text)
    [told] = Judgement(Loaded(graph, 1.0, mechanical_w=150e3)).in_service
    assert [graph.elements[i].name for i in told.elements] == ["tx-m"] and told.load_w == 155e3


def test_a_side_that_cannot_carry_all_is_told_for_that_side() -> None:
    """Given racks of 120 kW on PDUs of 300 kW with breakers of 700 kW, the rating is what a lost side breaks."""
    text = TWO_N.replace("rating_w: 250 kW", "rating_w: 300 kW, breaker_w: 700 kW").replace("count: 4", "count: 12")
    text = text.replace("rating_w: 1 MW", "rating_w: 3 MW").replace("1.5 MW", "4 MW").replace("2 MW", "9 MW")
    judged = Judgement(Loaded(graph_of(text), 1.0))
    assert judged.in_service == [] and judged.breakers == []
    [(side, told)] = judged.survival
    assert side == "side A" and told.load_w > 479e3 and told.limit_w == 300e3
