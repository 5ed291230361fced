"""What is due to tenants, and how even it was."""

import numpy as np
import pytest
from tests.unit.twin.metrics.schedules import ms, trace_of

from datahall.foundation.errors import Refused
from datahall.twin.metrics import Cut, Schedule, metrics_of
from datahall.twin.metrics.fairness import jain, max_min


@pytest.mark.parametrize(
    ("total", "demand", "share", "due"),
    [
        (10, [2, 2.6, 4, 5], [1, 1, 1, 1], [2, 2.6, 2.7, 2.7]),  # the textbook's example of max-min
        (16, [4, 2, 10, 4], [2.5, 4, 0.5, 1], [4, 2, 6, 4]),  # and of its weighted kind: 16 go to 20
        (9, [9, 9], [1, 2], [3, 6]),
        (5, [2, 3], [1, 1], [2, 3]),
    ],
)
def test_max_min(total, demand, share, due):
    """Given demands and shares, nobody gets more than it asked for, and what is left is shared among the others."""
    assert max_min(total, np.array(demand, float), np.array(share, float)).tolist() == pytest.approx(due)


def test_jain():
    """Given one tenant of four with everything, it is a quarter; with equal service it is 1."""
    assert jain(np.array([8.0, 0, 0, 0])) == 0.25 and jain(np.array([3.0, 3, 3])) == 1.0


def test_starved_tenant():
    """Given two tenants who ask for 100 s each, and one who got 75 of the first 100 s, the other got half of its due."""
    trace = trace_of([0, 0], [100, 100], [1, 1], user=[0, 1], names=["x", "y"])
    schedule = Schedule(trace, np.array([0, 1, 0, 1]), ms(0, 75, 100, 125), ms(75, 100, 125, 200), np.array([0, 0, 1, 1], bool))
    found = metrics_of(schedule, cut=Cut(0, 100_000)).fairness
    assert found.max_min_ratio == pytest.approx(0.5) and found.jain == pytest.approx(100**2 / (2 * (75**2 + 25**2)))
    assert metrics_of(schedule).fairness.max_min_ratio == 1.0  # in the end both got all
    shared = metrics_of(schedule, cut=Cut(0, 100_000), shares={"x": 3}).fairness
    assert (shared.max_min_ratio, shared.jain) == pytest.approx((1.0, 1.0))


def test_due_is_what_is_still_asked_for():
    """Given a tenant whose work was done but for 5 s before the window, 5 s are its due, and it got them."""
    trace = trace_of([0, 0], [100, 100], [1, 1], user=[0, 1], names=["x", "y"])
    schedule = Schedule(trace, np.array([0, 0, 1]), ms(0, 100, 105), ms(95, 105, 205), np.array([0, 1, 1], bool))
    assert metrics_of(schedule, cut=Cut(100_000, 200_000)).fairness.max_min_ratio == 1.0


def test_shares_of_nobody():
    """Given a share of a tenant that is not in the trace, or of 0, it is refused."""
    schedule = Schedule.of(trace_of([0], [1], [1], user=[0], names=["x"]), ms(0), ms(1))
    for shares in ({"z": 1}, {"x": 0}):
        with pytest.raises(Refused, match="TWIN-073"):
            metrics_of(schedule, shares=shares)
