"""How sure a mean is: by drawing the same run's jobs anew, and by running shaken traces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.arrivals import stream_of

Floats = NDArray[np.float64]

BLOCKS = 200
RESAMPLES = 1000
COVERAGE_RATIO = 0.9


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and what holds `coverage_ratio` of the values that it might as well have been."""

    value: float
    low: float
    high: float
    coverage_ratio: float = COVERAGE_RATIO


def bootstrap_mean(values: Floats, *, seed: int, name: str, coverage_ratio: float = COVERAGE_RATIO) -> Interval:
    """The mean of jobs in order of submission, with a bootstrap interval; dice stream `bootstrap/<name>`.

    Whole blocks of successive jobs are drawn, up to 200 of them: jobs that queued together waited for the same reason, and
    drawn one by one they would look more independent than they are.
    Source: Kunsch, The jackknife and the bootstrap for general stationary observations, Annals of Statistics 17 (1989); blocks
    do not overlap (Carlstein 1986).
    """
    if not len(values):
        return Interval(0.0, 0.0, 0.0, coverage_ratio)
    edges = np.linspace(0, len(values), min(BLOCKS, len(values)) + 1).astype(np.int64)
    sums = np.add.reduceat(values, edges[:-1])
    drawn = stream_of(seed, f"bootstrap/{name}").integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / np.diff(edges)[drawn].sum(axis=1)
    low, high = _bounds(means, coverage_ratio)
    return Interval(float(values.mean()), low, high, coverage_ratio)


def shaking_interval(values: Sequence[float], *, coverage_ratio: float = COVERAGE_RATIO) -> Interval:
    """The median of one figure over several runs, each of a trace that was shaken anew, with the interval they span.

    Raises Refused below 2 runs. A few runs give their extremes, which hold less than `coverage_ratio`: 20 are a good start.
    """
    if len(values) < 2:
        what = f"{len(values)} run has no spread"
        raise Refused(Problem("TWIN-074", "shaking", what, "run at least 2 traces, shaken with other seeds"))
    runs = np.array(values, np.float64)
    low, high = _bounds(runs, coverage_ratio)
    return Interval(float(np.median(runs)), low, high, coverage_ratio)


def _bounds(values: Floats, coverage_ratio: float) -> tuple[float, float]:
    if not 0 < coverage_ratio < 1:
        what = f"a coverage of {coverage_ratio:g}"
        raise Refused(Problem("TWIN-074", "interval", what, "choose a ratio above 0 and below 1: 0.9 is common"))
    tail = (1 - coverage_ratio) / 2
    low, high = np.quantile(values, [tail, 1 - tail]).tolist()
    return low, high
