"""Availability of racks and of the hall: what is counted, and what is said with it."""

import pytest
from tests.unit.infrastructure.reliability.supplies import one_side, two_sides

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.reliability.availability import availability_of_supply
from datahall.infrastructure.reliability.closed_forms import any_of, at_least, unavailability
from datahall.infrastructure.reliability.spare_groups import SpareGroup, spare_groups
from datahall.infrastructure.reliability.supply import Load, Supply, Unit
from datahall.infrastructure.spec import Reliability
from datahall.infrastructure.spec.cooling import AirSide, Cooling, LiquidSide, Units

NAIVE = Reliability(beta_ratio=0, maintenance_h_per_year=0, human_error_per_maintenance=0)
UTILITY = unavailability(failures_per_year=2.0, repair_h=1.5)
UPS = unavailability(failures_per_year=0.0128, repair_h=24)
PDU = unavailability(failures_per_year=0.0024, repair_h=61)


def test_one_path_with_a_spare_module_by_hand() -> None:
    """Given utility, two of three modules, and PDU in series, the naive figure is their closed form."""
    report = availability_of_supply(one_side(), reliability=NAIVE)
    by_hand = any_of((UTILITY, at_least(2, of=3, chance=UPS), PDU))
    assert 1 - report.availability == pytest.approx(by_hand, rel=1e-6)
    assert report.independent == report.availability == report.power[0].availability


def test_common_cause_decides_between_two_sides() -> None:
    """Given two sides and a beta of 5 %, the cause that both UPS share outweighs their failing by themselves a hundredfold."""
    report = availability_of_supply(two_sides(), reliability=NAIVE.model_copy(update={"beta_ratio": 0.05}))
    top = report.contributions[0]
    assert top.source == "common cause" and top.what == "one cause takes all of ups-a, ups-b"
    assert top.chance == pytest.approx(0.05 * UPS)
    assert report.independent > report.with_common_cause == report.availability


def test_planned_work_counts_in_full_where_there_is_no_other_way() -> None:
    """Given 8 h of work a year on each element of one path, the PDU's are downtime; the spared modules' are nearly none."""
    report = availability_of_supply(one_side(), reliability=NAIVE.model_copy(update={"maintenance_h_per_year": 8}))
    lost_h = (report.with_common_cause - report.with_planned_work) * 8760
    assert lost_h == pytest.approx(8, rel=0.01)
    assert report.contributions[0].what == "pdu is out for planned work"


def test_people_err_once_in_so_many_pieces_of_work() -> None:
    """Given one error in 1,000 pieces of work, 2 h each, on three modules with one spare and a PDU, 8 / 1,000 h are lost."""
    erring = NAIVE.model_copy(update={"maintenance_h_per_year": 1, "human_error_per_maintenance": 0.001})
    report = availability_of_supply(one_side(), reliability=erring)
    assert (report.with_planned_work - report.availability) * 8760 == pytest.approx(0.008, rel=1e-3)


def test_an_error_beside_two_spares_takes_down_nothing() -> None:
    """Given five modules, three of them needed, work on one and an error on another leave enough: the PDU's alone counts."""
    erring = NAIVE.model_copy(update={"maintenance_h_per_year": 1, "human_error_per_maintenance": 0.001})
    report = availability_of_supply(one_side(modules=5, module_w=40e3), reliability=erring)
    assert (report.with_planned_work - report.availability) * 8760 == pytest.approx(0.002, rel=1e-3)


def test_without_records_nothing_is_claimed() -> None:
    """Given a path on which no element has a record of failures, the text says so and no figure; with some, a bound."""
    bare = Supply((Unit("utility", "utility", 1e6), Unit("pdu", "pdu", 1e6, (0,))), (Load("r0", 1e3, (1,)),))
    silent = availability_of_supply(bare, reliability=Reliability())
    assert not silent.says_something and str(silent).startswith("no availability can be told:")
    assert not availability_of_supply(Supply((), ()), reliability=Reliability()).says_something
    hall = one_side()
    partly = Supply((*hall.units[:-1], Unit("pdu", "pdu", 1e6, (1, 2, 3))), hall.loads)
    some = availability_of_supply(partly, reliability=NAIVE)
    assert some.says_something and not some.complete and str(some).startswith("available at most ")


def test_the_number_never_stands_alone() -> None:
    """Given any report, printing it says beta, planned work, people, and what is left out, beside the figure."""
    text = str(availability_of_supply(two_sides(), reliability=Reliability()))
    for word in ("h down a year", "common cause: 5.0%", "planned work: 8 h", "people:", "are left out"):
        assert word in text


def test_unknown_failures_are_listed_and_not_invented() -> None:
    """Given a PDU without figures, the report names it, and counts it as never failing."""
    hall = one_side()
    report = availability_of_supply(
        Supply((*hall.units[:-1], Unit("pdu", "pdu", 1e6, (1, 2, 3))), hall.loads), reliability=NAIVE
    )
    [line] = report.unknown
    assert line.startswith("pdu: no failures_per_year") and all("pdu" not in row.what for row in report.contributions)


def test_cooling_units_come_in_series_with_power() -> None:
    """Given three coolers of which two are needed, racks with cooling are down as power or as cooling is."""
    coolers = SpareGroup("coolers", 3, 2, failures_per_year=0.1, repair_h=10)
    report = availability_of_supply(one_side(), reliability=NAIVE, cooling_units=(coolers,))
    assert report.cooling is not None
    alone = at_least(2, of=3, chance=unavailability(failures_per_year=0.1, repair_h=10))
    assert 1 - report.cooling.availability == pytest.approx(alone, rel=1e-6)
    down = (1 - report.power[0].availability, alone)
    assert 1 - report.availability == pytest.approx(any_of(down), rel=1e-6)


def test_coolers_without_a_spare_are_down_for_each_piece_of_work() -> None:
    """Given two coolers that are both needed, 8 h of work on each make 16 h a year; a spare takes nearly all of it away."""
    assert SpareGroup("x", 2, 2).in_maintenance(8 / 8760, 0.05) * 8760 == pytest.approx(16)
    assert SpareGroup("x", 3, 2, 0.1, 10).in_maintenance(8 / 8760, 0.05) * 8760 < 0.01


def test_needed_units_follow_heat_not_labels() -> None:
    """Given 250 kW on four coolers of 100 kW labelled with two spares, three are needed."""
    cooling = Cooling(
        air=AirSide(kind="chilled_water", units=Units(count=4, capacity_w=100e3, spare=2)),
        liquid=LiquidSide(supply_c=32, rejection="dry_cooler"),
    )
    [group] = spare_groups(cooling, Catalogue(), heat_w={"air": 250e3, "liquid": 1e6})
    assert (group.name, group.count, group.needed, group.chance) == ("air units", 4, 3, None)
    report = availability_of_supply(one_side(), reliability=NAIVE, cooling_units=(group,))
    assert any(line.startswith("air units: no failures_per_year") for line in report.unknown)


def test_the_hall_is_weighted_by_load() -> None:
    """Given a rack of 90 kW on two sides and one of 10 kW on one, the hall's figure leans to the first."""
    hall = two_sides()
    report = availability_of_supply(
        Supply(hall.units, (Load("big", 90e3, (4, 6)), Load("small", 10e3, (4,)))), reliability=NAIVE
    )
    down = {row.racks[0]: 1 - row.availability for row in report.power}
    assert 1 - report.availability == pytest.approx(0.9 * down["big"] + 0.1 * down["small"], rel=1e-9)
    assert report.worst is not None and report.worst.racks == ("small",)


def test_what_is_shared_is_not_counted_twice() -> None:
    """Given a beta of 50 %, each UPS fails by itself only half as often as it fails at all."""
    report = availability_of_supply(two_sides(), reliability=NAIVE.model_copy(update={"beta_ratio": 0.5}))
    pair = next(row for row in report.contributions if row.what == "ups-a and ups-b fail together")
    assert pair.chance == pytest.approx((0.5 * UPS) ** 2)


def test_two_groups_may_each_fall_to_a_cause_of_their_own() -> None:
    """Given two utilities and two generators, the causes that each pair shares count together: beta squared."""
    record = {"failures_per_year": 0.17, "repair_h": 25.0, "fail_to_start_ratio": 0.0055, "start_s": 10.0}
    gens = [Unit(f"gen{i}", "generator", 1e6, **record) for i in range(2)]  # type: ignore[arg-type]
    grid = [Unit(f"utility{i}", "utility", 1e6, failures_per_year=2.0, repair_h=1.5) for i in range(2)]
    ats = Unit("ats", "transfer_switch", 1e6, (0, 1, 2, 3), takes_first=True)
    ups = Unit("ups", "ups", 1e6, (4,), battery_wh=1e6)
    supply = Supply((*grid, *gens, ats, ups), (Load("r0", 1e3, (5,)),))
    report = availability_of_supply(supply, reliability=NAIVE.model_copy(update={"beta_ratio": 0.1}))
    both = next(row for row in report.contributions if row.source == "common cause")
    gen = any_of((0.0055, unavailability(failures_per_year=0.17, repair_h=25)))
    assert both.what == "one cause takes all of utility0, utility1, while all of gen0, gen1 are down"
    assert both.chance == pytest.approx(0.1 * UTILITY * 0.1 * gen)


def test_a_very_irregular_hall_says_what_was_left_out() -> None:
    """Given more kinds of elements and racks than are tried one by one, the report says so, and still has its single points."""
    hall = two_sides()
    supply = Supply(hall.units, (Load("big", 40e3, (4, 6)), Load("small", 10e3, (4,))))
    report = availability_of_supply(supply, reliability=NAIVE, most_pairs=3, most_rows=1)
    assert [row.racks for row in report.power] == [("big",)] and report.availability == 1
    assert "racks of 2 kinds: the 1 with the most load stand for all" in report.assumptions
    assert any("kinds of elements: pairs were not tried" in line for line in report.assumptions)
