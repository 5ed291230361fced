"""What must hold for every supply and every rate."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.infrastructure.reliability.supplies import drawn, one_side, two_sides

from datahall.infrastructure.reliability.availability import availability_of_supply
from datahall.infrastructure.reliability.checkpoints import (
    daly_interval_s,
    first_order_goodput_ratio,
    goodput_ratio,
    young_interval_s,
)
from datahall.infrastructure.reliability.closed_forms import k_of_n_unavailability
from datahall.infrastructure.reliability.jobs import published_failures
from datahall.infrastructure.reliability.outage import Outages
from datahall.infrastructure.reliability.supply import Supply, Unit
from datahall.infrastructure.reliability.sweep import swept
from datahall.infrastructure.spec import Reliability

NAIVE = Reliability(beta_ratio=0, maintenance_h_per_year=0, human_error_per_maintenance=0)
chances = st.floats(0, 0.5)
betas = st.floats(0, 1)


@given(count=st.integers(1, 12), spare=st.integers(0, 4), chance=chances)
def test_a_spare_more_never_hurts(count: int, spare: int, chance: float) -> None:
    """Given k needed units, one more unit never lowers availability, without a common cause."""
    less = k_of_n_unavailability(needed=count, count=count + spare, chance=chance)
    assert k_of_n_unavailability(needed=count, count=count + spare + 1, chance=chance) <= less * (1 + 1e-12)


@given(needed=st.integers(1, 6), count=st.integers(2, 8), chance=st.floats(0, 1 / 64), betas=st.tuples(betas, betas))
def test_more_common_cause_is_never_better(needed: int, count: int, chance: float, betas: tuple[float, float]) -> None:
    """Given units that are mostly up and one spare at least, a larger beta never lowers the downtime."""
    low, high = sorted(betas)
    needed = min(needed, count - 1)
    least = k_of_n_unavailability(needed=needed, count=count, chance=chance, beta_ratio=low)
    most = k_of_n_unavailability(needed=needed, count=count, chance=chance, beta_ratio=high)
    # beta q + n (n - 1) / 2 ((1 - beta) q)^2 rises with beta while n (n - 1) q < 1: here n is at most 8, and q 1/64.
    assert most >= least * (1 - 1e-12)


@settings(deadline=None, max_examples=30)
@given(modules=st.integers(2, 5), module_w=st.floats(55e3, 200e3))
def test_a_module_more_never_lowers_the_hall(modules: int, module_w: float) -> None:
    """Given modules that carry the load without one, another never lowers availability with beta 0."""
    less = availability_of_supply(one_side(modules=modules, module_w=module_w), reliability=NAIVE).availability
    more = availability_of_supply(one_side(modules=modules + 1, module_w=module_w), reliability=NAIVE).availability
    assert more >= less - 1e-15


@settings(deadline=None, max_examples=30)
@given(betas=st.tuples(betas, betas), hours=st.floats(0, 200))
def test_each_thing_that_is_counted_takes_away(betas: tuple[float, float], hours: float) -> None:
    """Given any beta and any hours of work, each further cause of downtime lowers the figure, and so does a larger beta."""
    low, high = (
        availability_of_supply(two_sides(), reliability=Reliability(beta_ratio=beta, maintenance_h_per_year=hours))
        for beta in sorted(betas)
    )
    assert low.independent + 1e-15 >= low.with_common_cause >= low.with_planned_work >= low.availability
    assert high.with_common_cause <= low.with_common_cause + 1e-15


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000))
def test_losing_more_never_gives_power_back(seed: int) -> None:
    """Given a supply whose ratings nothing exceeds, what is dark after one removal stays dark after that and another."""
    supply = drawn(seed)
    ample = Supply(tuple(replace(unit, rating_w=unit.rating_w * 1e3) for unit in supply.units), supply.loads)
    outages = Outages(ample)
    for first in range(len(ample.units)):
        dark = outages.after([first]).lost_loads
        assert all(dark <= outages.after([first, second]).lost_loads for second in range(len(ample.units)))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3))
def test_watts_scale(seed: int, scale: float) -> None:
    """Given all powers and batteries in another unit, the sweep takes down the same racks."""
    supply = drawn(seed)

    def scaled(unit: Unit) -> Unit:
        return replace(unit, rating_w=unit.rating_w * scale, battery_wh=unit.battery_wh and unit.battery_wh * scale)

    other = Supply(tuple(map(scaled, supply.units)), tuple(replace(load, peak_w=load.peak_w * scale) for load in supply.loads))
    before, after = ({name: len(row.dark_racks) for name, row in swept(one).by_name.items()} for one in (supply, other))
    assert before == after


@given(save_s=st.floats(0.1, 1e4), mtti_s=st.floats(10, 1e7), restart_s=st.floats(0, 1e4))
def test_goodput_is_a_share_and_longer_lives_raise_it(save_s: float, mtti_s: float, restart_s: float) -> None:
    """Given any costs, goodput lies in 0..1, grows with the MTTI, and agrees with the first order when failures are rare."""
    now = goodput_ratio(save_s=save_s, mtti_s=mtti_s, restart_s=restart_s)
    assert 0 <= now <= goodput_ratio(save_s=save_s, mtti_s=2 * mtti_s, restart_s=restart_s) * (1 + 1e-9) <= 1 + 1e-9
    rare_s = 1e5 * (save_s + restart_s)
    first = first_order_goodput_ratio(save_s=save_s, mtti_s=rare_s, restart_s=restart_s)
    assert abs(goodput_ratio(save_s=save_s, mtti_s=rare_s, restart_s=restart_s) - first) < 1e-3
    assert daly_interval_s(save_s=save_s, mtti_s=mtti_s) <= young_interval_s(save_s=save_s, mtti_s=mtti_s) * 1.16


@given(accelerators=st.integers(1, 1_000_000))
def test_time_to_interruption_falls_with_size(accelerators: int) -> None:
    """Given twice the accelerators, a job is interrupted after half the time."""
    failures = published_failures()
    assert abs(failures.mtti_h(2 * accelerators) * 2 / failures.mtti_h(accelerators) - 1) < 1e-12
