"""What each job got: its wait, completion time and bounded slowdown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.twin.metrics.schedule import Schedule
from datahall.twin.workload.trace import NONE

BOUND_MS = 10_000
"""A job shorter than this counts as this long: a second's wait of a second's job is no disaster.

Source: Feitelson and Rudolph, Metrics and benchmarking for parallel job scheduling, JSSPP 1998.
"""


@dataclass(frozen=True)
class Outcomes:
    """Of each job of the trace, (jobs,)."""

    start_ms: NDArray[np.int64]
    """Of its first attempt; -1: it never started."""
    end_ms: NDArray[np.int64]
    """When it was done; -1: it never was."""
    attempts: NDArray[np.int64]
    wait_ms: NDArray[np.int64]
    """From submission to the first start; only where it started."""
    completion_ms: NDArray[np.int64]
    """From submission until it was done; only where it was."""
    slowdown: NDArray[np.float64]
    """Completion time over the time it would take alone, both bounded: at least 1. Only where it was done."""

    @property
    def started(self) -> NDArray[np.bool_]:
        return np.not_equal(self.start_ms, NONE)

    @property
    def done(self) -> NDArray[np.bool_]:
        return np.not_equal(self.end_ms, NONE)

    @property
    def columns(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Waits and completion times in s, slowdowns."""
        return self.wait_ms / 1e3, self.completion_ms / 1e3, self.slowdown


def ordered(schedule: Schedule) -> NDArray[np.int64]:
    """Attempts by job, then by start."""
    if (np.diff(schedule.job) > 0).all():
        return np.arange(len(schedule.job))
    return np.lexsort((schedule.start_ms, schedule.job))


def outcomes_of(schedule: Schedule) -> Outcomes:
    """Waits and slowdowns; a job that was tried again counts once, from its first start to the end of its last attempt."""
    trace, order = schedule.trace, ordered(schedule)
    job, jobs = schedule.job[order], len(trace)
    start, end = np.full(jobs, NONE, np.int64), np.full(jobs, NONE, np.int64)
    start[job[::-1]] = schedule.start_ms[order][::-1]  # the last that is written is the first attempt
    done = schedule.finished[order] & (schedule.end_ms[order] != NONE)
    end[job[done]] = schedule.end_ms[order][done]
    submit = trace.submit_ms.astype(np.int64)
    completion = end - submit
    slowdown = np.maximum(completion / np.maximum(trace.duration_ms, BOUND_MS), 1.0)
    return Outcomes(start, end, np.bincount(job, minlength=jobs), start - submit, completion, slowdown)
