"""Faults and repairs in time: counted, ordered, added up; and which single loss hurts most."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from datahall.twin.faults import Elements, Occurrence, Reach, Timeline, fault_set, single_removals, timeline
from datahall.twin.faults.elements import What
from datahall.twin.faults.ranking import accelerator_hour_price
from datahall.twin.order import Order

Shipped = Callable[[str], Elements]
HOUR_MS = 3_600_000


def fault(elements: Elements, what: What, name: str, at_h: float, for_h: float | None) -> Occurrence:
    repair_ms = None if for_h is None else round(for_h * HOUR_MS)
    return Occurrence(elements.of(what)[name], round(at_h * HOUR_MS), repair_ms, f"test of {name}")


def played(elements: Elements, *faults: tuple[What, str, float, float | None], hours: float = 10) -> Timeline:
    made = [fault(elements, *one) for one in faults]
    return timeline(made, Reach(elements), horizon_s=hours * 3600)


def told(found: Timeline) -> list[tuple[float, str, str]]:
    return [(event.at_ms / HOUR_MS, event.kind, event.name) for event in found.events]


def test_a_machine_comes_back_when_its_last_fault_ends(n_hall: Elements):
    """Given two faults on one machine from 1 to 4 h and from 2 to 3 h, it is down once, from 1 to 4 h."""
    found = played(n_hall, ("node", "r1-n1", 1, 3), ("node", "r1-n1", 2, 1))
    assert told(found) == [(1, "down", "r1-n1"), (4, "up", "r1-n1")]
    assert found.node_down_ms == {"r1-n1": 3 * HOUR_MS}
    assert found.accelerator_down_ms == 8 * 3 * HOUR_MS
    assert found.availability == pytest.approx(1 - 24 / 320) and found.node_availability == pytest.approx(1 - 3 / 40)


def test_power_back_does_not_wake_a_broken_machine(n_hall: Elements):
    """Given a PDU lost from 1 to 3 h and one of its machines broken from 2 to 5 h, that one comes back at 5 h."""
    found = played(n_hall, ("pdu", "pdu-1", 1, 2), ("node", "r1-n1", 2, 3))
    assert told(found) == [(1, "down", "r1-n1"), (1, "down", "r2-n1"), (3, "up", "r2-n1"), (5, "up", "r1-n1")]
    assert "racks lose power" in found.events[0].why


def test_one_fault_follows_another_without_a_gap(n_hall: Elements):
    """Given a fault that begins when another ends, down comes before up: the machine stays down throughout."""
    found = played(n_hall, ("node", "r1-n1", 1, 1), ("node", "r1-n1", 2, 1))
    assert told(found) == [(1, "down", "r1-n1"), (3, "up", "r1-n1")]


def test_at_one_moment_down_comes_before_up(n_hall: Elements):
    """Given one machine that fails when another comes back, the loss is told first; so it is for an interruption of no time."""
    found = played(n_hall, ("node", "r1-n1", 1, 1), ("node", "r2-n1", 2, 1), ("node", "r3-n1", 2, 0))
    at_two = [(event.order, event.kind, event.name) for event in found.events if event.at_ms == 2 * HOUR_MS]
    assert at_two == [
        (Order.DOWN, "down", "r2-n1"),
        (Order.DOWN, "down", "r3-n1"),
        (Order.UP, "up", "r1-n1"),
        (Order.UP, "up", "r3-n1"),
    ]
    assert "r3-n1" not in found.node_down_ms


def test_what_is_never_repaired_is_down_to_the_end(n_hall: Elements):
    """Given a feed lost at 6 h for good, four machines miss 4 of 10 h; what comes after the horizon is not told."""
    found = played(n_hall, ("feed", "feed-1", 6, None), ("node", "r1-n1", 11, 1))
    assert len(found.events) == 4 and found.availability == pytest.approx(0.6)


def test_two_feeds_are_more_than_one_and_one(shipped: Shipped):
    """Given a 2N hall, feeds lost from 1 to 4 h and from 3 to 6 h take all racks down from 3 to 4 h, and only then."""
    found = played(shipped("rented-rack-4"), ("feed", "feed-a", 1, 3), ("feed", "feed-b", 3, 3))
    assert {at for at, kind, _ in told(found) if kind == "down"} == {3}
    assert {at for at, kind, _ in told(found) if kind == "up"} == {4}
    assert found.accelerator_down_ms == 32 * HOUR_MS


def test_an_accelerator_leaves_its_machine_up(n_hall: Elements):
    """Given one of eight accelerators away for two hours, the machine is up; machine time and accelerator time differ."""
    found = played(n_hall, ("accelerator", "r1-n1-a5", 1, 2))
    assert [(e.kind, e.name, e.accelerator) for e in found.events] == [
        ("accelerator_down", "r1-n1", 5),
        ("accelerator_up", "r1-n1", 5),
    ]
    assert found.accelerator_down_ms == 2 * HOUR_MS and not found.node_down_ms


def test_bandwidth_is_told_when_it_changes(shipped: Shipped):
    """Given two ports of a machine lost for overlapping hours, it has 7/8, then 6/8, then 7/8, then all."""
    ports = [f"r05-n2-compute-p{p}" for p in (0, 1)]
    found = played(shipped("h100-64"), ("link", ports[0], 1, 2), ("link", ports[1], 2, 2))
    assert [(e.at_ms // HOUR_MS, e.ratio) for e in found.events] == [(1, 0.875), (2, 0.75), (3, 0.875), (4, 1.0)]
    assert found.bandwidth_lost_ms == pytest.approx(8 * HOUR_MS * (0.125 + 0.25 + 0.125))


def test_heat_stops_racks_only_where_cooling_stays_away(shipped: Shipped):
    """Given three chillers lost, racks stop after the ride-through and come back with the first that is repaired; a loss that
    is shorter stops nothing.
    """
    elements = shipped("h100-64")
    chillers: list[What] = ["chiller"] * 3
    [stage] = Reach(elements).of(*elements.of("chiller").values()).later
    hours = stage.after_s / 3600
    long = played(elements, *((what, f"chiller-{i}", 1, 4 * hours + i) for i, what in enumerate(chillers, 1)), hours=30)
    downs = [at for at, kind, _ in told(long) if kind == "down"]
    assert len(set(long.node_down_ms)) == 82 and min(downs) == pytest.approx(1 + hours, abs=1e-5)
    short = played(elements, *((what, f"chiller-{i}", 1, hours / 2) for i, what in enumerate(chillers, 1)), hours=30)
    assert not short.events


def test_cooling_that_gets_worse_does_not_start_from_cold(shipped: Shipped):
    """Given two chillers lost, and the third once half of the time to the limit has gone, half of the shorter time is left."""
    elements = shipped("h100-64")
    one, two, three = elements.of("chiller").values()
    reach = Reach(elements)
    first, worse = reach.of(one, two).later[0].after_s, reach.of(one, two, three).later[0].after_s
    half_h = first / 2 / 3600
    found = played(elements, *(("chiller", f"chiller-{i}", 0, None) for i in (1, 2)), ("chiller", "chiller-3", half_h, None))
    assert found.events[0].at_ms / 1000 == pytest.approx(first / 2 + worse / 2, abs=0.01)


def test_storage_and_starts_stop_for_as_long_as_told(shipped: Shipped):
    """Given storage away for 2 h and the control plane for 3 h, both are told and counted, and no machine goes down."""
    found = played(shipped("h100-64"), ("storage", "fast", 1, 2), ("control_plane", "control_plane", 2, 3))
    assert told(found) == [(1, "storage_down", "fast"), (2, "starts_off", ""), (3, "storage_up", "fast"), (5, "starts_on", "")]
    assert found.storage_down_ms == {"fast": 2 * HOUR_MS} and found.starts_off_ms == 3 * HOUR_MS
    assert found.availability == 1


def test_generators_bridge_only_after_they_have_started(tmp_path: Path):
    """Given a feed with a generator of 30 s, 24 h of fuel and no battery, its loss interrupts every machine for 30 s, and takes
    it down for good when the tank is empty.
    """
    from datahall.network.load import load

    path = tmp_path / "hall.yaml"
    path.write_text("""
schema_version: 1
name: gen-hall
power:
  elements:
    - {name: feed-1, kind: utility, rating_w: 100 kW}
    - {name: gen-1, kind: generator, rating_w: 100 kW, start_s: 30 s, fuel_h: 24}
    - {name: ats, kind: transfer_switch, rating_w: 100 kW, fed_by: [feed-1, gen-1]}
    - {name: pdu-1, kind: pdu, rating_w: 60 kW, fed_by: [ats]}
racks:
  - {name: "r[1-2]", power_limit_w: 25 kW, heat_limit_w: 25 kW, units: 42, feeds: [pdu-1],
     contents: [{part: hgx-h100-8, count: 1, cords: 4}]}
""")
    elements = Elements(load(path))
    found = played(elements, ("feed", "feed-1", 1, 5))
    assert [(e.kind, e.at_ms - HOUR_MS) for e in found.events] == [("down", 0)] * 2 + [("up", 30_000)] * 2
    dry = played(elements, ("feed", "feed-1", 1, 30), hours=50)
    assert [(e.at_ms // HOUR_MS, e.kind) for e in dry.events[4:]] == [(25, "down")] * 2 + [(31, "up")] * 2
    assert "tanks are empty" in dry.events[4].why


def test_batteries_carry_racks_and_switches_until_they_are_empty(tmp_path: Path):
    """Given a feed, and a UPS of 10 kWh over the rack with the switch, that rack and all bandwidth go when it is empty."""
    from datahall.network.load import load

    path = tmp_path / "hall.yaml"
    path.write_text("""
schema_version: 1
name: battery-hall
power:
  elements:
    - {name: "feed-[1-2]", kind: utility, rating_w: 100 kW}
    - {name: "ups-[1-2]", kind: ups, rating_w: 60 kW, battery_wh: 10000, fed_by: ["feed-[1-2]"]}
racks:
  - {name: r1, power_limit_w: 25 kW, heat_limit_w: 25 kW, units: 42, feeds: [ups-1],
     contents: [{part: hgx-h100-8, count: 1, cords: 4}, {part: QM9700, count: 1}]}
  - {name: r2, power_limit_w: 25 kW, heat_limit_w: 25 kW, units: 42, feeds: [ups-2],
     contents: [{part: hgx-h100-8, count: 1, cords: 4}]}
fabrics:
  - {name: net, purpose: compute, protocol: infiniband, topology: leaf_spine, switch: QM9700, link_bits_per_s: 400 Gbit/s,
     cable_length_m: 3, racks: [r1]}
""")
    elements = Elements(load(path))
    [stage] = Reach(elements).of(elements.of("feed")["feed-1"]).later
    r1_w = elements.loaded.estate.blocks[0].peak_w
    assert stage.after_s == pytest.approx(10_000 * 3600 / r1_w, rel=1e-6)
    found = played(elements, ("feed", "feed-1", 1, 2))
    empty_h = 1 + stage.after_s / 3600
    assert [(round(at, 5), kind, name) for at, kind, name in told(found)] == [
        (round(empty_h, 5), "down", "r1-n1"),
        (round(empty_h, 5), "bandwidth", "r1-n1"),
        (round(empty_h, 5), "bandwidth", "r2-n1"),
        (3, "up", "r1-n1"),
        (3, "bandwidth", "r1-n1"),
        (3, "bandwidth", "r2-n1"),
    ]
    assert not played(elements, ("feed", "feed-1", 1, stage.after_s / 3600 - 0.01)).events
    assert not played(elements, ("ups", "ups-1", 1, 0.01)).events[0].at_ms - HOUR_MS


def test_counts_of_llama_3_keep_most_of_a_hall_up(shipped: Shipped):
    """Given a month of drawn interruptions, time down adds up from the events, and each down has its up or the end."""
    elements = shipped("h100-512")
    faults = fault_set("llama3", elements).occurrences(60 * 86400, seed=3)
    found = timeline(faults, Reach(elements), horizon_s=60 * 86400)
    open_since, total = dict[tuple[str, int | None], int](), 0
    held = {machine.name: machine.accelerators for machine in elements.machines}
    for event in found.events:
        if event.kind in {"down", "accelerator_down"}:
            open_since[event.name, event.accelerator] = event.at_ms
        elif event.kind in {"up", "accelerator_up"}:
            weight = 1 if event.accelerator is not None else held[event.name]
            total += weight * (event.at_ms - open_since.pop((event.name, event.accelerator)))
    left = sum((1 if a is not None else held[n]) * (found.horizon_ms - at) for (n, a), at in open_since.items())
    assert total + left == found.accelerator_down_ms > 0
    assert sum(e.kind == "interrupted" for e in found.events) == sum(one.element.what == "link" for one in faults)
    assert found.events == tuple(sorted(found.events, key=lambda e: (e.at_ms, e.order)))


def test_the_most_harmful_single_loss_comes_first(n_hall: Elements):
    """Given one feed over everything, the site and the feed lead; each row counts what its loss takes until repair."""
    rows = single_removals(Reach(n_hall), repair_h={"power": 10, "site": 10})
    assert [(row.what, row.accelerators, row.accelerator_hours) for row in rows[:3]] == [
        ("power", 32, 320),
        ("site", 32, 320),
        ("node", 8, 192),
    ]
    pdus = next(row for row in rows if "pdu-1" in row.names)
    assert pdus.names == ("pdu-1", "pdu-2") and pdus.accelerator_hours == 160 and pdus.repair_assumed


def test_money_follows_the_price_of_servers(shipped: Shipped):
    """Given a hall with prices, a machine's loss costs its accelerators' hours at their annuity; without a price, none."""
    elements = shipped("rented-rack-4")
    price = accelerator_hour_price(elements.loaded)
    node = next(row for row in single_removals(Reach(elements)) if row.what == "node")
    assert price is not None and node.money == pytest.approx(8 * 24 * price)
    # 310,000 USD over 4 years at 8 %, a quarter left: 0.3019 and 0.0555 a year, over 8 accelerators and 8,760 h.
    assert price == pytest.approx(310_000 * (0.30192 - 0.25 * 0.22192) / 8 / 8760, rel=1e-3)
    assert accelerator_hour_price(shipped("workstation").loaded) is None


def test_all_of_it_goes_into_json(shipped: Shipped):
    """Given a hall, harm, ranking and sums are plain data: machines by name in order, seconds for people."""
    elements = shipped("h100-64")
    harm = Reach(elements).of(elements.of("leaf")["management-leaf-4"], elements.of("accelerator")["r01-n1-a3"])
    told = json.loads(json.dumps(harm.as_dict()))
    assert told["nodes_down"] == sorted(harm.nodes_down) and told["accelerators_down"] == {"r01-n1": [3]}
    assert "racks" not in told and "later" not in told
    rows = json.loads(json.dumps([row.as_dict() for row in single_removals(Reach(elements))]))
    assert rows[0]["what"] == "site" and rows[0]["accelerators"] == 512 and rows[0]["repair_assumed"]
    sums = json.loads(json.dumps(played(elements, ("node", "r01-n1", 1, 2)).as_dict()))
    assert sums["accelerator_down_s"] == 8 * 2 * 3600 and sums["machines_that_went_down"] == 1
