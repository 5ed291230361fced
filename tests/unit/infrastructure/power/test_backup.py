"""What stands behind the grid: battery minutes, generator start, fuel."""

import math

import pytest
from tests.unit.infrastructure.power.halls import TWO_N, graph_of

from datahall.infrastructure.power.backup import backup_of, battery_s
from datahall.infrastructure.power.losses import loss_w


def test_battery_minutes_are_energy_over_load_and_loss() -> None:
    """Given 10 kWh and a UPS that takes 100 kW to give 96 kW, it lasts 6 minutes; with Peukert's exponent, longer."""
    assert battery_s(10e3, 96e3, rating_w=200e3, lost_w=4e3) == pytest.approx(360)
    assert battery_s(10e3, 96e3, rating_w=200e3, lost_w=4e3, peukert=1.2) == pytest.approx(360 * (200 / 96) ** 0.2)
    assert battery_s(10e3, 0.0, rating_w=200e3, lost_w=0.0) == math.inf


def test_an_exponent_below_one_is_refused() -> None:
    """Given an exponent that would make slow draining worse, it says so."""
    with pytest.raises(ValueError, match=r"peukert=0\.9, but slower draining never gives less"):
        battery_s(1.0, 1.0, rating_w=1.0, lost_w=0.0, peukert=0.9)


def test_each_group_of_batteries_knows_its_load_and_what_it_waits_for() -> None:
    """Given the 2N hall, each UPS carries half for 12 minutes, and 15 s of start and 5 s of transfer are asked of it."""
    backup = backup_of(graph_of(), critical_mechanical_w=20e3)
    a, b = backup.batteries
    lost_w = loss_w(a.load_w, rating_w=1e6, no_load_ratio=0.01, linear_ratio=0.01, square_ratio=0.015)
    assert a.load_w == b.load_w == pytest.approx(320e3 + 10e3 + 4.8e3 / 2 + 8 * 750 / 2 - 2.4e3 + 1228.8, rel=0.01)
    assert a.holds_s == pytest.approx(80e3 * 3600 / (a.load_w + lost_w)) and a.needs_s == 20
    assert backup.racks_without_ups == () and backup.racks_without_generator == ()


def test_fuel_lasts_longer_at_part_load() -> None:
    """Given 24 h at rating, a generator at a quarter of it runs about four times as long."""
    [generators] = backup_of(graph_of()).generators
    assert generators.count == 2 and generators.fuel_h == pytest.approx(24 / generators.load_ratio)
    assert 0.22 < generators.load_ratio < 0.25


def test_racks_without_battery_or_generator_are_named() -> None:
    """Given a hall whose UPSs have no battery and whose generators are gone, all racks go dark with the grid."""
    text = TWO_N.replace(", battery_wh: 80000", "").replace(', fed_by: ["tx-[a,b]", "gen-[a,b]"]', ', fed_by: ["tx-[a,b]"]')
    backup = backup_of(graph_of(text))
    assert len(backup.racks_without_ups) == len(backup.racks_without_generator) == 16
    assert backup.batteries == () and backup.generators[0].fuel_h == math.inf
