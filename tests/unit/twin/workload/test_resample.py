"""A trace under more load, shaken, cut and repeated."""

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.twin.workload.generate import poisson
from datahall.twin.workload.resample import replicated, scaled, shaken, window


@pytest.fixture(scope="module")
def trace():
    return poisson(jobs_per_hour=60, jobs=5000, seed=4)


def test_load_grows_as_gaps_shrink(trace):
    """Given twice the load, the span halves, durations stay, and the mean demand doubles."""
    busy = scaled(trace, load_ratio=2)
    assert busy.submit_ms[-1] == pytest.approx(trace.submit_ms[-1] / 2, abs=1)
    assert np.array_equal(busy.duration_ms, trace.duration_ms)
    assert busy.summary().mean_accelerators == pytest.approx(2 * trace.summary().mean_accelerators, rel=1e-3)
    with pytest.raises(Refused, match="TWIN-022"):
        scaled(trace, load_ratio=0)


def test_shaking_is_small_and_keeps_promises(trace):
    """Given 10 % and a minute, no change is larger, order is kept, requests that held still hold, and seeds differ."""
    moved = shaken(trace, seed=1)
    by_id = np.argsort(moved.job_id)
    change = moved.duration_ms[by_id] / trace.duration_ms
    assert change.min() >= 0.899 and change.max() <= 1.101 and change.std() == pytest.approx(0.2 / 12**0.5, rel=0.05)
    assert np.abs(moved.submit_ms[by_id] - trace.submit_ms).max() <= 60_000
    assert (np.diff(moved.submit_ms) >= 0).all() and (moved.duration_ms <= moved.requested_ms).all()
    assert not np.array_equal(moved.job_id, trace.job_id)
    assert not np.array_equal(moved.duration_ms, shaken(trace, seed=2).duration_ms)
    assert "shaken with seed 1" in moved.notes[-1]


def test_nothing_shaken_is_the_same(trace):
    """Given no spread, the trace is what it was."""
    same = shaken(trace, seed=1, spread_ratio=0, spread_ms=0)
    assert np.array_equal(same.submit_ms, trace.submit_ms) and np.array_equal(same.duration_ms, trace.duration_ms)


def test_window_begins_at_zero(trace):
    """Given an hour in the middle, its jobs count from its start; an empty window is refused."""
    hour = window(trace, start_ms=3_600_000, end_ms=7_200_000)
    inside = (trace.submit_ms >= 3_600_000) & (trace.submit_ms < 7_200_000)
    assert np.array_equal(hour.submit_ms, trace.submit_ms[inside] - 3_600_000)
    with pytest.raises(Refused, match="no job was submitted"):
        window(trace, start_ms=10**12, end_ms=2 * 10**12)


def test_replicas_keep_the_load(trace):
    """Given two and a half copies, ids are new, order holds, the load stays, and each row knows its original."""
    many = replicated(trace, jobs=12_500)
    assert len(many) == 12_500 and len(np.unique(many.job_id)) == 12_500 and (np.diff(many.submit_ms) >= 0).all()
    assert np.array_equal(many.extra["original"][5000:10_000], np.arange(5000))
    assert many.summary().arrivals_per_hour == pytest.approx(trace.summary().arrivals_per_hour, rel=0.02)
    assert np.array_equal(replicated(trace, jobs=10).submit_ms, trace.submit_ms[:10])
