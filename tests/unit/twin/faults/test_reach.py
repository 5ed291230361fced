"""What a fault takes with it: through power, cooling, network and storage, alone and together with others."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.network.load import load
from datahall.twin.faults import Element, Elements, Harm, Reach
from datahall.twin.faults.elements import KINDS, What

HALLS = Path(__file__).parents[4] / "halls"
Shipped = Callable[[str], Elements]


def lost(elements: Elements, *names: str, what: What = "power") -> Harm:
    """Harm of all these together."""
    return Reach(elements).of(*(elements.of(what)[name] for name in names))


def test_the_only_feed_takes_every_rack(n_hall: Elements):
    """Given one feed over four racks, all machines stop, and the chain leads from the feed to the first rack."""
    harm = lost(n_hall, "feed-1", what="feed")
    assert harm.racks == ("r1", "r2", "r3", "r4")
    assert harm.nodes_down == {"r1-n1", "r2-n1", "r3-n1", "r4-n1"}
    assert harm.witness == ("feed-1", "pdu-1", "r1") and "4 of 4 racks lose power" in harm.why


def test_a_pdu_takes_its_own_racks(n_hall: Elements):
    """Given two PDUs of two racks, one takes two; both together take four."""
    assert lost(n_hall, "pdu-2", what="pdu").racks == ("r3", "r4")
    assert len(lost(n_hall, "pdu-1", "pdu-2", what="pdu").racks) == 4


def test_a_feed_of_two_takes_nothing_and_both_take_all(shipped: Shipped):
    """Given a 2N hall of rented racks, one feed is felt by nobody; both together are the end of it."""
    elements = shipped("rented-rack-4")
    one = lost(elements, "feed-a", what="feed")
    assert one.is_none and "others carry its load" in one.why[0]
    assert lost(elements, "feed-a", "feed-b", what="feed").racks == ("r1", "r2")


def test_a_rack_takes_the_switch_in_it(shipped: Shipped):
    """Given the only compute switch in rack r1, both PDUs of r1 cut the machines of r2 off from each other too."""
    harm = lost(shipped("rented-rack-4"), "pdu-a1", "pdu-b1")
    assert harm.racks == ("r1",) and {"r2-n1", "r2-n2"} <= harm.cut_off
    assert harm.nodes_down >= {"r1-n1", "r1-n2", "r2-n1", "r2-n2", "r2-n3"}  # the management switch is in it as well


def test_one_leaf_of_eight_rails_costs_an_eighth(shipped: Shipped):
    """Given eight rails, a leaf leaves its 32 machines 7/8 of their bandwidth, and the 32 others whole."""
    harm = lost(shipped("h100-64"), "compute-leaf-0", what="leaf")
    assert set(harm.nodes_degraded.values()) == {0.875} and len(harm.nodes_degraded) == 32
    assert not harm.nodes_down and harm.witness == ("compute-leaf-0", "r01-n1")


def test_one_spine_of_eight_costs_all_an_eighth(shipped: Shipped):
    """Given non-blocking leaves under 8 spines, one spine leaves every machine 7/8, two 6/8."""
    elements = shipped("h100-64")
    assert set(lost(elements, "compute-spine-0", what="switch").nodes_degraded.values()) == {0.875}
    both = lost(elements, "compute-spine-0", "compute-spine-1", what="switch")
    assert set(both.nodes_degraded.values()) == {0.75} and len(both.nodes_degraded) == 64


def test_a_link_to_a_server_costs_one_port(shipped: Shipped):
    """Given eight ports, each lost link takes an eighth of one machine; all eight cut it off, while it runs on."""
    elements = shipped("h100-64")
    assert lost(elements, "r05-n2-compute-p3", what="link").nodes_degraded == {"r05-n2": 0.875}
    harm = lost(elements, *(f"r05-n2-compute-p{p}" for p in range(8)), what="link")
    assert harm.cut_off == {"r05-n2"} and not harm.nodes_down


def test_a_link_between_switches_costs_its_leaf_only(shipped: Shipped):
    """Given 32 uplinks of a leaf, one lost takes 1/32 of one port in eight of that leaf's machines."""
    harm = lost(shipped("h100-64"), "compute-leaf-0-spine-0", what="link")
    assert len(harm.nodes_degraded) == 32
    assert set(harm.nodes_degraded.values()) == {1 - 1 / 32 / 8}


def test_the_only_switch_cuts_every_machine_off(shipped: Shipped):
    """Given one compute switch, its loss leaves no machine any bandwidth; they run on, each alone."""
    harm = lost(shipped("rented-rack-4"), "compute-leaf-0", what="leaf")
    assert harm.cut_off == {"r1-n1", "r1-n2", "r2-n1", "r2-n2"} and not harm.nodes_down


def test_what_management_no_longer_reaches_is_down(shipped: Shipped):
    """Given the only leaf of the management fabric, all its machines are lost to the control plane."""
    assert len(lost(shipped("rented-rack-4"), "management-leaf-0", what="leaf").nodes_down) == 5


def test_a_spare_chiller_is_not_missed_two_are(shipped: Shipped):
    """Given three chillers of which two carry the heat, one is nothing; two stop some racks once water has warmed."""
    elements = shipped("h100-64")
    assert lost(elements, "chiller-1", what="chiller").is_none
    [stage] = lost(elements, "chiller-1", "chiller-2", what="chiller").later
    assert stage.after_s > 60 and 0 < len(stage.racks) < 36
    [all_gone] = lost(elements, "chiller-1", "chiller-2", "chiller-3", what="chiller").later
    assert all_gone.after_s < stage.after_s and len(all_gone.racks) == 36


def test_pumps_of_chillers_count_as_chillers(shipped: Shipped):
    """Given no distribution units, a pump lost beside a chiller is as two chillers."""
    elements = shipped("h100-64")
    one, other = elements.of("chiller")["chiller-1"], elements.of("pump")["pump-2"]
    assert Reach(elements).of(one, other).later == lost(elements, "chiller-1", "chiller-2", what="chiller").later


def test_liquid_without_flow_stops_at_once(shipped: Shipped):
    """Given all pumps of a hall cooled by liquid, every rack of it stops when the loop is warm, long before an hour."""
    elements = shipped("gb200-16k")
    harm = lost(elements, *elements.of("pump"), what="pump")
    [stage] = harm.later
    assert stage.side == "liquid" and len(stage.nodes_down) == 228 and stage.after_s < 3600
    assert lost(elements, "pump-1", "pump-2", what="pump").is_none  # two are spare


def test_power_of_the_plant_is_cooling_lost(shipped: Shipped):
    """Given both boards of a hall, batteries carry the racks for a while, and heat builds up meanwhile."""
    harm = lost(shipped("h100-64"), "lv-a", "lv-b")
    assert not harm.racks and "the cooling plant has no power" in harm.why
    air, battery = harm.later  # the first to come first
    assert (battery.side, air.side) == ("battery", "air") and battery.after_s > 60
    assert len(battery.racks) == 36 and battery.storage == ("fast",) and air.nodes_down == battery.nodes_down


def test_batteries_turn_fans_for_a_while(shipped: Shipped):
    """Given boards of the plant lost above the batteries of fans and pumps, racks hold longer than without those batteries."""
    elements = shipped("h100-512")
    above, below = lost(elements, "mech-a", "mech-b"), lost(elements, "mech-a", "mech-b", "ups-ma", "ups-mb")
    assert any("once batteries are empty" in line for line in above.why)
    assert above.later[0].after_s > below.later[0].after_s + 60
    assert above.later[0].nodes_down == below.later[0].nodes_down


def test_storage_control_plane_and_site(shipped: Shipped):
    """Given each lost, saving stalls; nothing new starts; nothing is left."""
    elements = shipped("h100-64")
    storage = lost(elements, "fast", what="storage")
    assert storage.storage == ("fast",) and not storage.nodes_down
    control = lost(elements, "control_plane", what="control_plane")
    assert control.no_new_starts and not control.nodes_down
    site = lost(elements, "h100-64", what="site")
    assert len(site.nodes_down) == 82 and site.no_new_starts and site.storage == ("fast",)


def test_a_machine_takes_its_accelerators_with_it(shipped: Shipped):
    """Given an accelerator and its machine lost together, the machine is told, not the accelerator."""
    elements = shipped("h100-64")
    one, machine = elements.of("accelerator")["r01-n1-a3"], elements.of("node")["r01-n1"]
    assert Reach(elements).of(one).accelerators_down == {"r01-n1": (3,)}
    both = Reach(elements).of(one, machine)
    assert both.nodes_down == {"r01-n1"} and not both.accelerators_down


@pytest.mark.parametrize("hall", ["h100-64", "gb200-16k"])
def test_every_kind_answers_with_its_chain(shipped: Shipped, hall: str):
    """Given the first and the last of every kind, the answer says what happens, and is the same when asked again."""
    elements = shipped(hall)
    reach = Reach(elements)
    for what in KINDS:
        found: list[Element] = list(elements.of(what).values())
        for element in (found[0], found[-1]):
            harm = reach.of(element)
            assert harm.why and harm == reach.of(element), element


DRAGONFLY = """
schema_version: 1
name: dragon
racks:
  - {name: "r[1-18]", power_limit_w: 25 kW, heat_limit_w: 25 kW, units: 42, contents: [{part: hgx-h100-8, count: 1}]}
fabrics:
  - {name: net, purpose: compute, protocol: infiniband, topology: dragonfly, switch: QM9700, link_bits_per_s: 400 Gbit/s,
     endpoints_per_router: 8, routers_per_group: 2, global_links_per_router: 4, cable_length_m: 3, uplink_length_m: 3}
"""


def test_a_direct_network_loses_what_is_next_to_it(tmp_path: Path):
    """Given a dragonfly with a machine on each router, a router cuts off its own, and those joined to it lose a share."""
    path = tmp_path / "dragon.yaml"
    path.write_text(DRAGONFLY, encoding="utf-8")
    elements = Elements(load(path))
    name, router = next(iter(elements.of("leaf").items()))
    harm = lost(elements, name, what="leaf")
    graph = elements.graphs[0]
    near = {*graph.low[graph.high == router.key[1]].tolist(), *graph.high[graph.low == router.key[1]].tolist()}
    assert harm.cut_off == {"r1-n1"}
    assert 1 < len(harm.nodes_degraded) <= 1 + len(near)
    assert harm.witness == (name, "r1-n1")


def test_three_tiers_lose_a_core_by_its_share(shipped: Shipped):
    """Given 64 cores over all rails, one costs every machine 1/64; a spine of 16 in one rail's pod costs its machines 1/128."""
    elements = shipped("h100-512")
    assert dict(elements.graphs[0].tiers) == {"leaf": 128, "spine": 128, "core": 64}
    core = lost(elements, "compute-core-0", what="switch").nodes_degraded
    assert len(core) == 512 and set(core.values()) == {1 - 1 / 64}
    assert set(lost(elements, "compute-spine-0", what="switch").nodes_degraded.values()) == {1 - 1 / 16 / 8}


@given(data=st.data())
def test_more_losses_never_leave_more(data: st.DataObject):
    """Given any switches and links, and one more, no machine has more bandwidth than before, nor less than none."""
    elements = SMALL
    known = [*elements.of("switch").values(), *elements.of("link").values()]
    some = data.draw(st.lists(st.sampled_from(known), max_size=6))
    reach, more = Reach(elements), data.draw(st.sampled_from(known))
    before, after = reach.of(*some).nodes_degraded, reach.of(*some, more).nodes_degraded
    assert all(0 <= ratio < 1 for ratio in after.values())
    assert all(after.get(node, 1.0) <= ratio + 1e-12 for node, ratio in before.items())


SMALL = Elements(load(HALLS / "h100-64.yaml"))
