"""When jobs come: Poisson arrivals whose rate may follow the day and rest at the weekend."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from datahall.foundation.dice import stream_seed
from datahall.foundation.spec import Spec

HOUR_S, WEEK_S, STEP_S = 3600, 7 * 86_400, 300
"""The rate of a daily cycle is taken as constant over steps of five minutes."""


class Arrivals(Spec):
    """When jobs come: Poisson at a mean rate, which may follow the day and rest at the weekend."""

    jobs_per_hour: float = Field(gt=0, le=1e7)
    """Mean over a whole week."""
    swing_ratio: float = Field(default=0.0, ge=0, le=1)
    """How far the rate swings over a day, as a share of its mean: 0 is plain Poisson, 1 falls to nothing at the trough."""
    peak_hour: float = Field(default=15.0, ge=0, lt=24)
    weekend_ratio: float = Field(default=1.0, gt=0, le=10)
    """Rate of days 6 and 7 over that of the others. The trace begins on a Monday at midnight."""

    def weights(self) -> NDArray[np.float64]:
        """Rate in each step of the week over its mean, (steps,)."""
        hours = (np.arange(WEEK_S // STEP_S) + 0.5) * STEP_S / HOUR_S
        daily = 1 + self.swing_ratio * np.cos(2 * np.pi * (hours - self.peak_hour) / 24)
        rate = daily * np.where(hours >= 5 * 24, self.weekend_ratio, 1.0)
        return np.asarray(rate / rate.mean())


def arrival_ms(arrivals: Arrivals, jobs: int, seed: int) -> NDArray[np.int64]:
    """Times of submission in ms, in order, (jobs,).

    A Poisson process of rate 1, its clock bent: the expected number of arrivals by each time, turned around.
    """
    dice = stream_of(seed, "arrivals")
    due = np.cumsum(dice.exponential(size=jobs)) / (arrivals.jobs_per_hour / HOUR_S)
    weights = arrivals.weights() * STEP_S
    reached = np.concatenate([[0.0], np.cumsum(weights)])  # mean seconds' worth of arrivals by the end of each step
    weeks, within = np.divmod(due, WEEK_S)
    bent = np.interp(within, reached, np.arange(len(reached)) * float(STEP_S))
    return np.asarray(np.rint((weeks * WEEK_S + bent) * 1000).astype(np.int64))


def stream_of(seed: int, name: str) -> np.random.Generator:
    """NumPy's generator of one named stream of the workload."""
    return np.random.default_rng(stream_seed(seed, f"workload/{name}"))
