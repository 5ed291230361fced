import numpy as np
import pytest

from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.demand import it_ratio_of, utilisation_of
from datahall.infrastructure.estate import Content, Estate, RackBlock
from datahall.infrastructure.spec import Operation, RackGroup

SERVER = ServerPart(
    name="server", unit="W", source="made up for a test", date="2026-11", units=8, peak_power_w=1000, idle_power_w=250,
    sockets=2, cores=64, threads=128, memory_bytes=1, accelerators=8,
)  # fmt: skip


def estate(racks: int = 1) -> Estate:
    content = Content(SERVER, count=4, peak_w=1000.0, idle_w=250.0, cords=2)
    group = RackGroup(name=f"r[1-{racks}]")
    return Estate((RackBlock(0, group, tuple(f"r{i}" for i in range(racks)), (content,)),))


def test_a_flat_load_is_the_declared_mean_in_each_hour():
    """Given no profiles, every hour of the year has the mean load."""
    assert np.array_equal(utilisation_of(Operation(utilisation_ratio=0.6), 8760), np.full(8760, 0.6))


def test_a_daily_profile_keeps_the_mean_of_the_year():
    """Given twice the load by day as by night at a mean of 0.6, days are at 0.8 and nights at 0.4."""
    load = utilisation_of(Operation(utilisation_ratio=0.6, daily_profile=(1,) * 12 + (2,) * 12), 8760)
    assert (load[0], load[12]) == (pytest.approx(0.4), pytest.approx(0.8))
    assert load.mean() == pytest.approx(0.6)


def test_days_of_the_week_follow_the_first_day_of_the_year():
    """Given a seventh day without load, hours 144 to 167 are idle, and the year keeps its mean."""
    load = utilisation_of(Operation(utilisation_ratio=0.5, weekly_profile=(1, 1, 1, 1, 1, 1, 0)), 8784)
    assert load[143] > 0 and not load[144:168].any() and load[168] > 0
    assert load.mean() == pytest.approx(0.5)


def test_a_profile_may_be_in_any_unit():
    """Given factors that are users, or watts of another hall, only their ratios count."""
    small = Operation(daily_profile=(1.0,) * 12 + (2.0,) * 12)
    large = Operation(daily_profile=(5e307,) * 12 + (1e308,) * 12)
    assert np.allclose(utilisation_of(small, 8760), utilisation_of(large, 8760))


def test_what_peaks_cannot_take_goes_to_the_other_hours():
    """Given peaks that would reach 1.35 at a mean of 0.9, they stop at 1 and the other hours rise to 0.8."""
    load = utilisation_of(Operation(utilisation_ratio=0.9, daily_profile=(1,) * 12 + (3,) * 12), 8760)
    assert load.max() == 1.0
    assert (load[0], load.mean()) == (pytest.approx(0.8), pytest.approx(0.9))


def test_a_mean_out_of_reach_runs_flat_out_where_it_may():
    """Given half the hours closed and a mean of 0.7, the open hours are at 1: no more can be done."""
    load = utilisation_of(Operation(utilisation_ratio=0.7, daily_profile=(0,) * 12 + (1,) * 12), 8760)
    assert set(np.unique(load)) == {0.0, 1.0} and load.mean() == pytest.approx(0.5)


def test_draw_lies_between_idle_and_peak():
    """Given servers of 250 W idle and 1000 W peak at half load, they draw 0.625 of the peak."""
    ratio, clipped = it_ratio_of(estate(), Operation(utilisation_ratio=0.5), 8760, None)
    assert np.allclose(ratio, 0.625) and clipped == 0


def test_a_cap_holds_the_busy_hours_back_and_counts_them():
    """Given a cap of 3 kW on 4 kW of servers, 12 busy hours of each day are held at 0.75 of the peak."""
    operation = Operation(utilisation_ratio=0.6, daily_profile=(1,) * 12 + (2,) * 12)
    ratio, clipped = it_ratio_of(estate(), operation, 8760, 3000.0)
    assert ratio.max() == 0.75 and clipped == 8760 // 2
    assert it_ratio_of(estate(), operation, 8760, 3000.0, more_it_w=500.0)[0].max() == pytest.approx(2500 / 4000)


def test_a_load_exactly_at_the_cap_is_not_held_back():
    """Given a cap equal to the draw, no hour is counted as clipped."""
    assert it_ratio_of(estate(), Operation(utilisation_ratio=0.5), 8760, 2500.0)[1] == 0


def test_a_hall_without_equipment_draws_nothing():
    """Given no racks, the ratio is zero, not a division by zero."""
    ratio, clipped = it_ratio_of(Estate(()), Operation(), 24, None)
    assert not ratio.any() and clipped == 0
