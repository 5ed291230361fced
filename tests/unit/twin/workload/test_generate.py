"""Made-up traces have the statistics that they were asked for, and the same seed gives the same trace."""

import numpy as np
import pytest
from pydantic import ValidationError

from datahall.foundation.errors import Refused
from datahall.twin.workload.arrivals import Arrivals, arrival_ms
from datahall.twin.workload.generate import generated, poisson
from datahall.twin.workload.mix import Kind, Mix, clipped_median_s, llm_mix, scaled_to

KALOS_JOBS, KALOS_ACCELERATOR_S = 19_907, 5_333_180_061
"""github.com/InternLM/AcmeTrace, data/cluster_summary.csv."""


@pytest.fixture(scope="module")
def llm():
    return generated(Arrivals(jobs_per_hour=100), llm_mix(), jobs=200_000, seed=1)


def test_same_seed_same_trace_and_prefix():
    """Given one seed twice, all columns are equal; a shorter trace has the same first arrivals; another seed differs."""
    one, two, other = (poisson(jobs_per_hour=60, jobs=1000, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(one.submit_ms, two.submit_ms) and np.array_equal(one.duration_ms, two.duration_ms)
    assert not np.array_equal(one.submit_ms, other.submit_ms)
    assert np.array_equal(poisson(jobs_per_hour=60, jobs=100, seed=5).submit_ms, one.submit_ms[:100])


def test_poisson_gaps_are_exponential():
    """Given 100,000 Poisson arrivals, the mean and the variation of their gaps are those of an exponential (4 sigma)."""
    gaps = np.diff(arrival_ms(Arrivals(jobs_per_hour=120), 100_000, 3)) / 1000
    assert gaps.mean() == pytest.approx(30, rel=4 / 100_000**0.5)
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=4 * (2 / 100_000) ** 0.5)
    assert np.mean(gaps > 30) == pytest.approx(np.exp(-1), abs=0.007)


def test_daily_cycle_peaks_and_rests():
    """Given a swing of 60 % and half the rate at weekends, hours and days have those shares of arrivals."""
    cycle = Arrivals(jobs_per_hour=1000, swing_ratio=0.6, peak_hour=14, weekend_ratio=0.5)
    weeks = 4
    hours = arrival_ms(cycle, 1000 * 24 * 7 * (weeks + 1), 9) / 3.6e6
    hours = hours[hours < weeks * 168]
    assert len(hours) == pytest.approx(1000 * 168 * weeks, rel=0.01)
    weekday = hours % 168 < 120
    of_day = np.bincount((hours[weekday] % 24).astype(int), minlength=24)
    assert of_day.argmax() in (13, 14) and of_day.argmin() in (1, 2)
    assert of_day.max() / of_day.min() == pytest.approx(1.6 / 0.4, rel=0.06)
    assert (~weekday).sum() / weekday.sum() == pytest.approx(0.5 * 2 / 5, rel=0.02)


def test_llm_mix_follows_its_source(llm):
    """Given the mix of Acme's Kalos, means, medians and shares are within the named distance of the published ones."""
    summary = llm.summary()
    assert summary.duration_s.mean == pytest.approx(1259.7, rel=0.03)
    assert summary.duration_s.p50 == pytest.approx(124, rel=0.05)
    assert summary.accelerators.mean == pytest.approx(26.77, rel=0.03) and summary.accelerators.p50 == 1
    assert summary.accelerators.max == 1024 and summary.duration_s.max <= 625_740
    work = llm.total_accelerators * llm.duration_ms / 1e3
    assert work.mean() == pytest.approx(KALOS_ACCELERATOR_S / KALOS_JOBS, rel=0.08)  # few giants: a standard error of 2 %
    assert np.mean(llm.total_accelerators > 8) < 0.07 and np.mean(llm.duration_ms > 86_400_000) < 0.05
    assert work[llm.total_accelerators >= 256].sum() / work.sum() > 0.96


@pytest.mark.parametrize(("kind", "jobs", "share"), [("pretraining", 0.032, 0.940), ("evaluation", 0.9, 0.008)])
def test_kinds_have_their_shares(llm, kind, jobs, share):
    """Given the kinds, their shares of jobs and of accelerator time are the published ones."""
    work = llm.total_accelerators * llm.duration_ms
    of = llm.queue == llm.queue_names.index(kind)
    assert of.mean() == pytest.approx(jobs, rel=0.05)
    assert work[of].sum() / work.sum() == pytest.approx(share, rel=0.12)


def test_mean_durations_of_the_mix_are_derived_not_chosen():
    """Given the published totals, each kind's mean is its share of time over its share of jobs and its mean size."""
    mean = KALOS_ACCELERATOR_S / KALOS_JOBS
    for kind, share in zip(llm_mix().kinds, (0.940, 0.008, 0.052), strict=True):
        assert kind.mean_s == pytest.approx(share * mean / kind.share_ratio / kind.mean_accelerators, rel=0.01)


def test_clipped_median_gives_the_mean():
    """Given a wide log-normal cut at four times its mean, a million draws have the mean that was asked for."""
    median = clipped_median_s(1000, 2.0, 4000)
    draws = np.minimum(median * np.exp(2.0 * np.random.default_rng(0).standard_normal(1_000_000)), 4000)
    assert draws.mean() == pytest.approx(1000, rel=0.005)


def test_requested_times_cover_the_runs():
    """Given a mean over-estimate of two, requests are whole minutes, never below the run, twice it on average."""
    kind = Kind(name="k", share_ratio=1, sizes={2: 1}, mean_s=50_000, sigma=0.5, max_s=500_000, requested_ratio=2)
    trace = poisson(jobs_per_hour=1, jobs=20_000, seed=2, kind=kind)
    assert (trace.requested_ms >= trace.duration_ms).all() and not (trace.requested_ms % 60_000).any()
    assert np.mean(trace.requested_ms / trace.duration_ms) == pytest.approx(2, rel=0.02)


def test_scaled_to_a_smaller_cluster():
    """Given 64 accelerators, no job asks for more, and the weights are kept."""
    small = scaled_to(llm_mix(), accelerators=64)
    assert max(max(kind.sizes) for kind in small.kinds) == 64 and small.kinds[0].sizes == pytest.approx({64: 1.0})


def test_choices_that_cannot_be():
    """Given no jobs, shares that do not add up, or a mean beyond the maximum, it is refused."""
    with pytest.raises(Refused, match="TWIN-021 0 jobs"):
        poisson(jobs_per_hour=1, jobs=0, seed=0)
    kind = llm_mix().kinds[0]
    with pytest.raises(ValidationError, match=r"add up to 0\.032"):
        Mix(source="s", note="n", kinds=(kind,))
    with pytest.raises(ValidationError, match="too near the maximum"):
        Kind(name="k", share_ratio=1, sizes={1: 1}, mean_s=10, sigma=1, max_s=10)
