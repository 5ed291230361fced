"""The sweep: what each removal takes down, and by which chain."""

import itertools
import time
from dataclasses import replace

import pytest
from tests.unit.infrastructure.reliability.supplies import drawn, large, one_side, slow_dark, two_sides

from datahall.infrastructure.reliability.alike import Likeness
from datahall.infrastructure.reliability.outage import Outages
from datahall.infrastructure.reliability.supply import Load, Supply, Unit
from datahall.infrastructure.reliability.sweep import swept


def test_two_sides_survive_any_removal() -> None:
    """Given racks on two UPS of 110 kW that each carry all 100 kW, no single removal takes anything down."""
    result = swept(two_sides())
    assert result.elements == 7 and result.concurrently_maintainable and result.fault_tolerant and result.witness == ()


def test_a_side_that_cannot_carry_both_trips_with_a_witness() -> None:
    """Given two UPS of 90 kW for 100 kW of racks, the loss of one trips the other; the chain names both and the rack."""
    result = swept(two_sides(ups_w=90e3))
    row = result.by_name["ups-a"]
    assert row.lost_racks == ("r0", "r1") and row.accelerators == 16 and not row.maintainable
    [trip] = row.tripped
    assert (trip.name, trip.limit_w) == ("ups-b", 90e3) and trip.asked_w == pytest.approx(100e3)
    assert row.witness == ("ups-a", "ups-b", "r0") and not result.concurrently_maintainable
    assert result.by_name["gen"].maintainable


def test_spare_modules_come_from_ratings_not_from_labels() -> None:
    """Given three 60 kW modules for 100 kW, one may go; of three 45 kW modules, the loss of one trips the two others."""
    assert swept(one_side()).by_name["ups1"].maintainable
    row = swept(one_side(module_w=45e3)).by_name["ups1"]
    assert row.names == ("ups0", "ups1", "ups2") and [trip.name for trip in row.tripped] == ["ups1", "ups2"]
    assert row.witness == ("ups0", "ups2", "ups1", "pdu", "r0")


def test_a_single_path_is_named_from_the_element_to_the_rack() -> None:
    """Given one utility and one PDU, each is a single point, and what hangs below is the chain."""
    result = swept(one_side())
    assert result.by_name["utility"].witness == ("utility", "ups0", "pdu", "r0")
    assert {name for row in result.single_points for name in row.names} == {"utility", "pdu"}


def test_a_short_battery_does_not_bridge_the_generator() -> None:
    """Given one utility for both sides, 15 s of start and a battery of 10 s, racks go down for a while; work can be planned."""
    tight = two_sides(battery_wh=50e3 * 10 / 3600)
    units = tuple(
        u if u.name != "ats-b" else Unit("ats-b", "transfer_switch", 1e6, (0, 2), takes_first=True) for u in tight.units
    )
    row = swept(Supply(units, tight.loads)).by_name["utility-a"]
    assert row.interrupted_racks == ("r0", "r1") and row.lost_racks == () and row.maintainable and row.takes_down


def test_a_battery_that_lasts_bridges_the_generator() -> None:
    """Given the same with a battery of many minutes, the loss of the utility takes nothing down."""
    hall = two_sides()
    units = tuple(
        u if u.name != "ats-b" else Unit("ats-b", "transfer_switch", 1e6, (0, 2), takes_first=True) for u in hall.units
    )
    assert not swept(Supply(units, hall.loads)).by_name["utility-a"].takes_down


def test_an_overload_that_stands_already_is_told_and_trips_nothing() -> None:
    """Given a PDU of 80 kW under 100 kW, it is listed, and the removal of a spare UPS module does not trip it."""
    hall = one_side()
    units = (*hall.units[:-1], Unit("pdu", "pdu", 80e3, (1, 2, 3)))
    result = swept(Supply(units, hall.loads))
    assert [trip.name for trip in result.overloaded] == ["pdu"] and result.by_name["ups0"].maintainable


def test_equipment_that_needs_both_sides_goes_with_one() -> None:
    """Given a rack whose devices need two living sides, either UPS is a single point."""
    hall = two_sides()
    loads = (Load("r0", 50e3, (4, 6), sides_needed=2), *hall.loads[1:])
    assert swept(Supply(hall.units, loads)).by_name["ups-b"].lost_racks == ("r0",)


def test_a_parent_after_its_child_is_refused() -> None:
    """Given a unit that names a later one as its parent, the supply says whose parent it is."""
    with pytest.raises(ValueError, match=r"parent of `pdu` stands after it"):
        Supply((Unit("pdu", "pdu", 1e3, (1,)), Unit("utility", "utility", 1e3)), ())


@pytest.mark.parametrize("seed", range(60))
def test_outages_equal_the_slow_way(seed: int) -> None:
    """Given a random supply, each single and double removal loses and trips what working everything out anew does."""
    supply = drawn(seed)
    outages = Outages(supply)
    for many in (1, 2):
        for removed in itertools.combinations(range(len(supply.units)), many):
            outage = outages.after(removed)
            assert (set(outage.lost_loads), {i for i, _ in outage.tripped}) == slow_dark(supply, removed), (seed, removed)


@pytest.mark.parametrize("seed", range(60))
def test_two_removals_in_turn_equal_both_at_once(seed: int) -> None:
    """Given a random supply, what is left after one removal answers for a second as the whole does for both."""
    outages = Outages(drawn(seed))
    units = range(len(outages.supply.units))
    for first in units:
        if (left := outages.without([first])) is None:
            continue
        for second in units:
            if second != first:
                in_turn, at_once = left.after([second]), outages.after([first, second])
                assert dict(in_turn.tripped) == pytest.approx(dict(at_once.tripped))
                assert replace(in_turn, tripped=()) == replace(at_once, tripped=())


@pytest.mark.parametrize(("blocks", "pdus", "taps"), [(1, 1, 1), (2, 2, 3), (3, 1, 2)])
def test_alike_elements_do_alike_harm(blocks: int, pdus: int, taps: int) -> None:
    """Given a regular hall, the removal of any one of a class loses as many racks of each class as its first does."""
    supply = large(blocks=blocks, pdus=pdus, taps=taps, rack_w=47e3)
    outages, alike = Outages(supply), Likeness(supply).classes()
    of_load = {load: number for number, loads in enumerate(alike.loads) for load in loads}
    assert len(alike.units) < len(supply.units) or blocks == 1
    for units in alike.units:
        harm = [sorted(of_load[load] for load in outages.after([unit]).lost_loads) for unit in units]
        assert all(row == harm[0] for row in harm)


def test_likeness_tells_one_ring_from_two() -> None:
    """Given racks between neighbours on a ring of six and on two rings of three, no one on the first is alike to the others."""
    rings = [
        [(i, (i + 1) % 6) for i in range(6)],
        [(6 + i, 6 + (i + 1) % 3) for i in range(3)],
        [(9 + i, 9 + (i + 1) % 3) for i in range(3)],
    ]
    units = tuple(Unit(f"u{i}", "utility", 100.0) for i in range(12))
    supply = Supply(units, tuple(Load(f"r{a}-{b}", 1.0, (a, b)) for ring in rings for a, b in ring))
    alike = Likeness(supply).classes()
    assert all(max(group) < 6 or min(group) >= 6 for group in alike.units)


def test_ten_thousand_elements_are_swept_in_seconds() -> None:
    """Given about 10,000 elements, the sweep ends well within its ten seconds."""
    supply = large(blocks=10, pdus=10, taps=48)
    start = time.process_time()
    result = swept(supply)
    assert result.elements == len(supply.units) > 9_900 and result.fault_tolerant
    assert time.process_time() - start < 10
