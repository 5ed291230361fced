"""Interrupted jobs: published counts, and what a checkpoint interval leaves of the time."""

import random

import pytest

from datahall.infrastructure.reliability.checkpoints import (
    daly_interval_s,
    first_order_goodput_ratio,
    goodput_ratio,
    young_interval_s,
)
from datahall.infrastructure.reliability.jobs import job_reliability, published_failures


def test_counts_and_not_the_printed_percentage() -> None:
    """Given the shipped counts, 148 faulty GPUs of 419 are 35.3 %, not the 30.1 % in print; parts add up to one."""
    failures = published_failures()
    faulty = next(cause for cause in failures.causes if cause.cause == "faulty GPU")
    assert failures.unexpected == 419 and faulty.count / failures.unexpected == pytest.approx(0.353, abs=5e-4)
    assert sum(failures.share_by_part.values()) == pytest.approx(1) and failures.source and failures.date


def test_a_job_says_what_it_assumes() -> None:
    """Given 4,096 accelerators, the first-order goodput is the formula's, and the sentences name the counts."""
    job = job_reliability(accelerators=4096, save_s=60, restart_s=600)
    by_hand = (
        1 - 60 / job.first_order_interval_s - job.first_order_interval_s / (2 * job.mtti_h * 3600) - 600 / (job.mtti_h * 3600)
    )
    assert job.first_order_goodput_ratio == pytest.approx(by_hand)
    assert "419 unexpected interruptions in 54 days on 16,384 H100" in job.assumptions[0]


def test_when_saving_takes_longer_than_failures_leave() -> None:
    """Given failures every minute and saves of an hour, Daly's interval is the MTTI, and next to nothing is kept."""
    assert daly_interval_s(save_s=3600, mtti_s=60) == 60
    assert goodput_ratio(save_s=3600, mtti_s=60, restart_s=60) < 1e-20
    assert goodput_ratio(save_s=1e9, mtti_s=1, restart_s=1) == 0
    assert first_order_goodput_ratio(save_s=3600, mtti_s=60, restart_s=60) == 0


@pytest.mark.parametrize("save_s", [0, -1])
def test_a_free_checkpoint_is_refused(save_s: float) -> None:
    """Given a checkpoint that costs nothing, there is no best interval, and the message says which figure is wrong."""
    with pytest.raises(ValueError, match=rf"save_s={save_s}, but it must be above 0"):
        young_interval_s(save_s=save_s, mtti_s=1000)


def test_no_job_has_no_accelerators() -> None:
    """Given zero accelerators, the message says that a job needs one."""
    with pytest.raises(ValueError, match=r"0 accelerators, but a job needs at least 1"):
        published_failures().mtti_h(0)


def test_the_complete_cost_function_is_what_playing_it_through_gives() -> None:
    """Given an MTTI of 30 min, saves of 3, restarts of 10, segments played with dice keep the formula's share."""
    dice, work_s, save_s, restart_s, mtti_s = random.Random(7), 900.0, 180.0, 600.0, 1800.0
    spent_s = 0.0
    for _ in range(20_000):
        ahead_s = work_s + save_s
        while (failed_s := dice.expovariate(1 / mtti_s)) < ahead_s:
            spent_s += failed_s
            ahead_s = restart_s + work_s + save_s  # a restart can fail too
        spent_s += ahead_s
    kept = goodput_ratio(save_s=save_s, mtti_s=mtti_s, restart_s=restart_s, interval_s=work_s)
    assert kept == pytest.approx(20_000 * work_s / spent_s, rel=0.015)  # the mean of 20,000 segments scatters by 0.6 %
