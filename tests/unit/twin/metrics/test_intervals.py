"""How sure means are, and how two schedules differ."""

import numpy as np
import pytest
from tests.unit.twin.metrics.schedules import ms, trace_of

from datahall.foundation.errors import Refused
from datahall.twin.metrics import Schedule, Steps, compare, shaking_interval
from datahall.twin.metrics.intervals import bootstrap_mean


def test_bootstrap_covers():
    """Given 200 samples of 400 independent values of mean 1, nine in ten intervals hold it, within chance."""
    dice = np.random.default_rng(7)
    found = [bootstrap_mean(dice.exponential(size=400), seed=seed, name="test") for seed in range(200)]
    assert 0.84 < np.mean([each.low <= 1 <= each.high for each in found]) < 0.95


def test_bootstrap_knows_that_neighbours_are_alike():
    """Given values that come in runs of 50 alike, the interval is wider than that of the same values mixed."""
    dice = np.random.default_rng(3)
    runs = np.repeat(dice.exponential(size=200), 50)
    alike = bootstrap_mean(runs, seed=1, name="test")
    mixed = bootstrap_mean(dice.permutation(runs), seed=1, name="test")
    assert alike.high - alike.low > 4 * (mixed.high - mixed.low)


def test_bootstrap_repeats():
    """Given one seed and name, the interval is the same; another name draws from another stream."""
    values = np.arange(100.0)
    assert bootstrap_mean(values, seed=1, name="a") == bootstrap_mean(values, seed=1, name="a")
    assert bootstrap_mean(values, seed=1, name="a") != bootstrap_mean(values, seed=1, name="b")
    assert bootstrap_mean(values[:0], seed=1, name="a").high == 0


def test_shaking():
    """Given 21 runs, the interval holds nine in ten of them around the median; one run has none."""
    found = shaking_interval(list(range(21)))
    assert (found.value, found.low, found.high) == pytest.approx((10, 1, 19))
    with pytest.raises(Refused, match="TWIN-074"):
        shaking_interval([1.0])


def test_compare():
    """Given a job that starts 30 s sooner, one that starts 10 s later and one alike, the mean difference is -20/3 s."""
    trace = trace_of([0, 0, 0], [10, 20, 30], [1, 1, 1])
    one = Schedule.of(trace, ms(30, 0, 5), ms(40, 20, 35))
    other = Schedule.of(trace, ms(0, 10, 5), ms(10, 30, 35))
    found = compare(one, other)
    assert found.wait_s.value == pytest.approx(-20 / 3) and found.completion_s.value == pytest.approx(-20 / 3)
    assert found.slowdown.value == pytest.approx(((10 - 40) / 10 + (30 - 20) / 20) / 3)
    assert (found.jobs, found.other_start, found.sooner_ratio, found.later_ratio) == (
        3,
        2,
        pytest.approx(1 / 3),
        pytest.approx(1 / 3),
    )


def test_compare_other_traces():
    """Given schedules of two traces, they are not compared."""
    one, other = (trace_of([0, at], [1, 1], [1, 1]) for at in (1, 2))
    with pytest.raises(Refused, match="TWIN-075"):
        compare(Schedule.of(one, ms(0, 1), ms(1, 2)), Schedule.of(other, ms(0, 2), ms(1, 3)))


def test_steps():
    """Given 1 from 0 s and 3 from 10 s, means and percentiles are over time; before the first it is 0."""
    steps = Steps(ms(0, 10), np.array([1, 3]))
    assert steps.mean(0, 20_000) == 2 and steps.percentile(50, 0, 20_000) == 1 and steps.percentile(51, 0, 20_000) == 3
    assert steps.at(ms(-1, 0, 10)).tolist() == [0, 1, 3] and steps.max(0, 10_000) == 1 and steps.mean(5, 5) == 0
    with pytest.raises(Refused, match="TWIN-070"):
        Steps(ms(0, 0), np.array([1, 2]))
