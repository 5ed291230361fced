"""What failures leave of a run."""

import math

import pytest

from datahall.planner.training.kept import Saving, days_interval, kept_of

SLOW = Saving(stall_s=60, write_s=60, restart_s=900)
BEHIND = Saving(stall_s=2, write_s=60, restart_s=900)


def test_shares_add_up_to_one():
    """Given an interruption every three hours, goodput, saving, work done again and restarts are all of the time."""
    kept = kept_of(SLOW, mtti_s=3 * 3600)
    assert kept.goodput_ratio + sum(kept.lost.values()) == pytest.approx(1)
    assert min(kept.lost.values()) > 0 and kept.restarting_ratio == pytest.approx(900 / 10800)


def test_to_first_order_it_is_young():
    """Given failures that are rare, 1 - C/tau - tau/2M - R/M holds to the square of what is lost."""
    kept, mtti_s = kept_of(SLOW, mtti_s=1e6), 1e6
    lost = 60 / kept.every_s + kept.every_s / 2 / mtti_s + 900 / mtti_s
    assert kept.goodput_ratio == pytest.approx(1 - lost, abs=lost**2)


def test_saving_behind_the_run_keeps_more_and_never_overlaps_itself():
    """Given copies of 2 s and writes of 60 s, more is kept, and no checkpoint begins before the last was written."""
    slow, behind = (kept_of(saving, mtti_s=3 * 3600) for saving in (SLOW, BEHIND))
    assert behind.goodput_ratio > slow.goodput_ratio and behind.every_s >= 60
    assert kept_of(BEHIND, mtti_s=600).every_s == 60


def test_an_interval_that_is_asked_for_is_never_better():
    assert kept_of(SLOW, mtti_s=10800, every_s=7200).goodput_ratio < kept_of(SLOW, mtti_s=10800).goodput_ratio


def test_interruptions_every_minute_leave_nothing():
    assert kept_of(SLOW, mtti_s=1).goodput_ratio < 1e-6


def test_days_are_as_unsure_as_step_and_failures_together():
    """Given a step from 0.8 to 1.25 and goodput of 0.9 that may be 0.95 or 0.8, errors add in quadrature."""
    low, high = days_interval(10, step=(0.8, 1.0, 1.25), goodputs=(0.95, 0.9, 0.8))
    assert low == pytest.approx(10 * math.exp(-math.hypot(math.log(1.25), math.log(0.95 / 0.9))))
    assert high == pytest.approx(10 * math.exp(math.hypot(math.log(1.25), math.log(0.9 / 0.8))))
    assert days_interval(10, step=(0.8, 1.0, 1.25), goodputs=None) == (pytest.approx(8), pytest.approx(12.5))


def test_a_hall_that_is_down_stretches_everything():
    """Given a hall that is up 90 % of the time, each share is 90 % of what it was, and outages are the rest."""
    always, often = (kept_of(SLOW, mtti_s=10800, availability=up) for up in (1.0, 0.9))
    assert often.goodput_ratio == pytest.approx(0.9 * always.goodput_ratio)
    assert often.goodput_ratio + sum(often.lost.values()) == pytest.approx(1) and often.lost["outages"] == pytest.approx(0.1)
