"""Everything the run took belongs to somebody, or is said to belong to nobody."""

import numpy as np
import pytest
from tests.unit.twin.plant.halls import HOUR, TEXT, holds, plant

from datahall.twin.plant import attributed, play
from datahall.twin.plant.holds import Holds

MORE = TEXT.replace("operation:", "  - {name: s1, contents: [{part: cpu-1u, count: 2}]}\noperation:")


def test_two_jobs_by_hand():
    """Given job 0 on all of r1, busy, and job 1 holding r2 without working it, each has its IT energy times the hour's PUE."""
    hall = plant()
    rows = holds((0, 0, 0, HOUR, 16, 1), (1, 1, 0, HOUR, 16, 0))
    played = play(hall, rows, end_ms=HOUR)
    shares = attributed(hall, played, rows)
    idle_kwh, peak_kwh = hall.places.idle_w[0] / 1e3, hall.places.peak_w[0] / 1e3
    assert shares.by_job("it_kwh") == pytest.approx({"job-0": peak_kwh, "job-1": idle_kwh})
    assert shares.by_job("facility_kwh") == pytest.approx(
        {"job-0": peak_kwh * played.pue[0], "job-1": idle_kwh * played.pue[0]}
    )
    assert shares.of["facility_kwh"].busy[1] == 0 and shares.of["facility_kwh"].unheld == pytest.approx(0, abs=1e-9)


def test_sums_are_the_whole_for_random_jobs():
    """Given 400 random stretches of 40 jobs, servers that no job can hold, and 3 days, every quantity adds up to 1e-9."""
    hall, rng = plant(MORE), np.random.default_rng(5)
    count = 400
    edges = np.sort(rng.integers(0, 72 * HOUR, (count, 2)), axis=1) + np.array([0, 1])
    job, place = rng.integers(0, 40, count), rng.integers(0, 2, count)
    tenants = tuple("ab"[k % 2] for k in range(40))
    rows = Holds(
        tuple(map(str, range(40))), tenants, job, place, edges[:, 0], edges[:, 1], np.full(count, 0.04), rng.random(count)
    )
    played = play(hall, rows, end_ms=72 * HOUR + 1)
    shares = attributed(hall, played, rows)
    assert set(shares.of) == {"it_kwh", "facility_kwh", "money", "carbon_kgco2e", "water_l"}
    for quantity, share in shares.of.items():
        assert share.total == pytest.approx(played.total(quantity), rel=1e-9)
        assert sum(shares.by_tenant(quantity).values()) == pytest.approx(share.by_job.sum(), rel=1e-12)
    assert shares.of["it_kwh"].common == pytest.approx(2 * (180 + 0.6 * 520) * (72 + 1 / HOUR) / 1e3)
    assert shares.of["it_kwh"].unheld > 0


def test_who_runs_in_a_dear_hour_pays_its_price():
    """Given two equal jobs of which one runs in the hour that sets the month's peak, that one pays the demand charge."""
    hall = plant()
    rows = holds((0, 0, 0, HOUR, 16, 1), (1, 0, HOUR, 2 * HOUR, 16, 1), (0, 1, 0, HOUR, 16, 0.2))
    played = play(hall, rows, end_ms=2 * HOUR)
    by_job = attributed(hall, played, rows).of["money"].busy
    assert by_job[0] - by_job[1] > 0.5 * played.demand_money > 0
