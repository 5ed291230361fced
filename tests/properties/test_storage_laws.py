"""Laws of storage: bytes are conserved, parity makes data safer, the chain is its own linear system."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from datahall.infrastructure.storage import Tier, durability_of, mttdl_h, read_bandwidth, write_bandwidth

failure_rates, repairs = st.floats(1e-7, 1e-3), st.floats(0.1, 500)
tiers = st.builds(
    Tier,
    name=st.just("t"),
    devices=st.integers(30, 5000),
    device_bytes=st.floats(1e12, 1e14),
    read_bytes_per_s=st.floats(1e8, 1e10),
    write_bytes_per_s=st.floats(1e8, 1e10),
    network_bytes_per_s=st.none() | st.floats(1e9, 1e13),
    fragments=st.integers(5, 20),
    tolerated=st.integers(0, 4),
    fill_ratio=st.floats(0.1, 1),
    declustered=st.booleans(),
    annual_failure_ratio=st.floats(0.001, 0.2),
    rebuild_bytes_per_s=st.floats(1e8, 1e10),
)


@given(tiers)
def test_raw_is_data_parity_and_room(tier: Tier) -> None:
    parity = tier.raw_bytes * tier.fill_ratio * tier.tolerated / tier.fragments
    room = tier.raw_bytes * (1 - tier.fill_ratio)
    assert tier.usable_bytes + parity + room == pytest.approx(tier.raw_bytes, rel=1e-12)


@given(tiers)
def test_neither_way_beats_its_devices_or_its_network(tier: Tier) -> None:
    read, write = read_bandwidth(tier).bytes_per_s, write_bandwidth(tier).bytes_per_s
    assert read <= tier.devices * tier.read_bytes_per_s
    assert write * tier.write_amplification <= tier.devices * tier.write_bytes_per_s * (1 + 1e-12)
    if tier.network_bytes_per_s is not None:
        assert read <= tier.network_bytes_per_s and write * tier.write_amplification <= tier.network_bytes_per_s * (1 + 1e-12)


@given(st.integers(2, 16), st.integers(0, 3), failure_rates, repairs)
def test_one_more_parity_is_safer(data: int, parity: int, failures: float, repair_h: float) -> None:
    """While rebuilding is faster than the failures of what is left; else a wider set only has more to lose."""
    assume(repair_h * failures * (data + parity + 1) < 0.1)
    less = mttdl_h(data + parity, tolerated=parity, failures_per_h=failures, rebuild_h=repair_h)
    more = mttdl_h(data + parity + 1, tolerated=parity + 1, failures_per_h=failures, rebuild_h=repair_h)
    assert more > less


@given(st.integers(2, 30), st.integers(1, 4), failure_rates, repairs, st.floats(1.01, 10))
def test_slower_rebuilds_and_worse_devices_lose_more(
    devices: int, tolerated: int, failures: float, repair_h: float, worse: float
) -> None:
    assume(tolerated < devices)
    base = mttdl_h(devices, tolerated=tolerated, failures_per_h=failures, rebuild_h=repair_h)
    assert mttdl_h(devices, tolerated=tolerated, failures_per_h=failures, rebuild_h=worse * repair_h) < base
    assert mttdl_h(devices, tolerated=tolerated, failures_per_h=worse * failures, rebuild_h=repair_h) < base


@given(st.integers(2, 30), st.integers(0, 4), failure_rates, repairs, st.floats(0.01, 100))
def test_time_scales(devices: int, tolerated: int, failures: float, repair_h: float, k: float) -> None:
    assume(tolerated < devices)
    base = mttdl_h(devices, tolerated=tolerated, failures_per_h=failures, rebuild_h=repair_h)
    assert mttdl_h(devices, tolerated=tolerated, failures_per_h=failures / k, rebuild_h=k * repair_h) == pytest.approx(k * base)


@given(st.integers(2, 30), st.integers(0, 2), st.floats(1e-3, 1e-2), st.floats(1, 50))
def test_the_sum_solves_the_chain_s_equations(devices: int, tolerated: int, failures: float, repair_h: float) -> None:
    """The same chain, solved as a linear system: time from i = 1/out_i + sum of chances x times."""
    assume(tolerated < devices)
    states = tolerated + 1
    rates = np.zeros((states, states))
    for out in range(states):
        fail, back = (devices - out) * failures, out / repair_h
        rates[out, out] = fail + back
        if out:
            rates[out, out - 1] = -back
        if out + 1 < states:
            rates[out, out + 1] = -fail
    expected = float(np.linalg.solve(rates, np.ones(states))[0])
    found = mttdl_h(devices, tolerated=tolerated, failures_per_h=failures, rebuild_h=repair_h)
    assert found == pytest.approx(expected, rel=1e-5)  # the nearly singular matrix costs its solver digits, not the sum


@given(tiers)
def test_a_chance_is_a_chance(tier: Tier) -> None:
    found = durability_of(tier)
    assert found is not None and 0 <= found.loss_per_year_ratio <= 1 and found.mttdl_h > 0
