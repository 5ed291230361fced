"""Laws that every power graph keeps: conserved, monotone, free of units, and blind to how elements are split."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.infrastructure.power.halls import CATALOGUE, TWO_N, graph_of

from datahall.foundation.errors import Refused
from datahall.infrastructure.checks import Context
from datahall.infrastructure.checks import power as checks
from datahall.infrastructure.checks import power_load as load_checks
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.power import power_graph
from datahall.infrastructure.power.alike import each_alone
from datahall.infrastructure.power.flow import solved
from datahall.infrastructure.spec import Contents, Hall, Power, PowerElement, RackGroup

GRAPH = graph_of()
N = len(GRAPH.elements)
ratios = st.floats(0, 1)
powers = st.floats(0, 5e5)
losts = st.frozensets(st.integers(0, N - 1), max_size=6)


@given(ratio=ratios, mechanical_w=powers, critical_w=powers, lost=losts)
def test_what_goes_in_comes_out(ratio, mechanical_w, critical_w, lost):
    flow = GRAPH.solve(ratio, mechanical_w=mechanical_w, critical_mechanical_w=critical_w, lost=lost)
    spent_w = flow.it_w + flow.mechanical_w + flow.house_w + flow.loss_w
    assert flow.facility_w == pytest.approx(spent_w, rel=1e-9)
    assert flow.facility_w == pytest.approx(flow.utility_w + flow.generator_w)
    assert sum(flow.loss_kwh.values()) == pytest.approx(flow.element_loss_kwh.sum()) == pytest.approx(flow.loss_w.sum() / 1e3)
    assert (flow.element_loss_kwh >= 0).all() and not flow.element_peak_w[list(lost)].any()


@given(ratio=ratios, more=ratios, lost=losts)
def test_more_it_never_takes_less(ratio, more, lost):
    low, high = sorted((ratio, more))
    assert GRAPH.solve(low, lost=lost).facility_w[0] <= GRAPH.solve(high, lost=lost).facility_w[0] + 1e-6


@given(ratio=ratios, lost=losts, also=st.integers(0, N - 1))
def test_losing_more_never_serves_more(ratio, lost, also):
    before, after = GRAPH.solve(ratio, lost=lost), GRAPH.solve(ratio, lost=lost | {also})
    assert set(before.unserved_racks) <= set(after.unserved_racks)
    assert after.it_w[0] <= before.it_w[0] + 1e-6


@given(ratio=ratios, factor=st.sampled_from([0.001, 0.5, 3.0, 1000.0]))
@settings(max_examples=15, deadline=None)
def test_ratings_and_loads_times_k_lose_k_times_as_much(ratio, factor):
    def times(match: re.Match[str]) -> str:
        return f"rating_w: {float(match[1]) * factor!r} {match[2]}"

    text = re.sub(r"rating_w: ([0-9.]+) (kW|MW)", times, TWO_N).replace("house_load_w: 5 kW", f"house_load_w: {5e3 * factor!r}")
    scaled = graph_of(text).solve(ratio * factor)
    assert scaled.facility_w == pytest.approx(factor * GRAPH.solve(ratio).facility_w, rel=1e-9)


@given(ratio=ratios, parts=st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_many_small_in_parallel_lose_what_one_large_does(ratio, parts):
    text = TWO_N.replace("name: ups-a,", f'name: "ups-a[1-{parts}]",').replace(
        "rating_w: 1 MW, side: A", f"rating_w: {1e6 / parts!r}, side: A"
    )
    text = text.replace("fed_by: [ups-a]", f'deal: all, fed_by: ["ups-a[1-{parts}]"]')
    text = text.replace("[ups-a, ups-b]", f'["ups-a[1-{parts}]", ups-b]').replace("critical_mechanical_fed_by", "# critical")
    one, many = GRAPH.solve(ratio), graph_of(text).solve(ratio)
    assert many.loss_kwh["ups"] == pytest.approx(one.loss_kwh["ups"], rel=1e-12)


@given(ratio=st.lists(ratios, min_size=1, max_size=5), lost=losts, mechanical_w=powers)
def test_merging_what_is_alike_changes_nothing(ratio, lost, mechanical_w):
    hours = np.resize(np.array(ratio), 48)
    merged = GRAPH.solve(hours, mechanical_w=mechanical_w, lost=lost)
    state = GRAPH.state(lost)
    asked = np.stack((hours, np.full(48, mechanical_w), np.zeros(48), np.full(48, GRAPH.house_load_w)))
    alone = solved(GRAPH.columns, state, each_alone(GRAPH.columns, state), GRAPH._loads(state), asked)
    assert merged.utility_w == pytest.approx(alone.utility_w, rel=1e-12)
    assert merged.element_peak_w == pytest.approx(alone.peak_w, rel=1e-12)
    assert merged.element_loss_kwh == pytest.approx(alone.element_loss_kwh, rel=1e-12)


declared = ["grid", "gen", "a", "b[1-2]", "c[1-3]", "d[1-4]"]
feeds = st.lists(st.sampled_from([*declared, *declared, "nowhere"]), max_size=2).map(tuple)


def element_called(name, position):
    """Mostly fed by what is declared before it, so that many graphs are whole; the rest are broken in every way."""
    before = st.lists(st.sampled_from(declared[:position]), min_size=1, max_size=2).map(tuple)
    return st.builds(
        PowerElement,
        name=st.sampled_from([name] * 20 + ["a"]),
        kind=st.sampled_from(["transformer", "switchgear", "transfer_switch", "ups", "pdu", "busway"] * 3 + ["generator"]),
        part=st.sampled_from([None] * 20 + ["pdu-transformer", "no-such-part"]),
        rating_w=st.sampled_from([1e3, 1e5, 1e6] * 7 + [None]),
        fed_by=st.one_of(*[before] * 7, feeds),
        deal=st.sampled_from(["all", "all", "blocks"]),
        side=st.sampled_from([None, "A", "B"]),
        battery_wh=st.sampled_from([None, 1e3]),
    )


elements = st.tuples(*(element_called(name, position) for position, name in enumerate(declared) if position > 1))
groups = st.builds(
    RackGroup,
    name=st.sampled_from(["r[1-4]", "s[1-2]", "t[1-3]"]),
    feeds=st.lists(st.sampled_from(["grid", "a", "a", "b[1-2]", "b1", "d2", "d2", "nowhere"]), max_size=3).map(tuple),
    phase=st.sampled_from(["3", "L1", "L2"]),
    contents=st.sampled_from([(), (Contents(part="server", count=2),), (Contents(part="server", count=1, cords=1),)]),
)
SOURCES = (
    PowerElement(name="grid", kind="utility", rating_w=1e6),
    PowerElement(name="gen", kind="generator", rating_w=1e5, start_s=60),
)
powers_of = st.builds(
    lambda made, feeds, cap_w: Power(elements=(*SOURCES, *made), mechanical_fed_by=feeds, it_cap_w=cap_w),
    elements,
    feeds,
    st.sampled_from([None, 1e3, 1e6]),
)


@given(power=powers_of, racks=st.lists(groups, max_size=3, unique_by=lambda group: group.name), data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_hall_is_either_told_what_is_wrong_or_solved(power, racks, data):
    hall = Hall(schema_version=1, name="any", power=power, racks=tuple(racks))
    told = [p for check in (*checks.CHECKS, *load_checks.CHECKS) for p in check(Context(hall, CATALOGUE))]
    broken = [p.code for p in told if p.code < "INF-210"]
    try:
        graph = power_graph(power, estate_of(hall, CATALOGUE), CATALOGUE)
    except Refused as error:
        assert sorted({p.code for p in error.problems}) == sorted(set(broken))
        return
    assert broken == []
    lost = data.draw(st.frozensets(st.integers(0, len(graph.elements) - 1), max_size=3))
    for ratio in (0.5, np.full(30, 0.5)):
        flow = graph.solve(ratio, mechanical_w=1e3, critical_mechanical_w=1e3, lost=lost)
        assert flow.balance_error < 1e-12
    assert len(graph.unfed_racks) + sum(map(bool, graph.racks.feeds)) == len(graph.racks.names)
