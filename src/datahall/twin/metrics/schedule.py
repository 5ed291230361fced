"""A schedule as columns: which attempt at which job ran from when to when, and where."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.metrics.steps import Steps
from datahall.twin.workload.trace import NONE, Flags, Integers, Trace


@dataclass(frozen=True)
class Pieces:
    """Where attempts ran: `workers[i]` workers of attempt `attempt[i]` on machine `node[i]`; (pieces,) each."""

    attempt: Integers
    node: Integers
    workers: Integers

    def __post_init__(self) -> None:
        _one_length("pieces", self.attempt, self.node, self.workers)


@dataclass(frozen=True)
class Schedule:
    """Attempts at the jobs of a trace, in any order; (attempts,) each, read-only. Raises Refused for columns that do not fit.

    A job that no attempt names never started.
    """

    trace: Trace
    job: Integers
    """Row of the trace."""
    start_ms: Integers
    end_ms: Integers
    """-1: it was still running when the schedule ended."""
    finished: Flags
    """The job was done by this attempt. One that was preempted or lost its machine is not."""
    kept_ms: Integers | None = None
    """Work of this attempt that was not lost: since its start up to its last checkpoint, or all of it. None: a finished
    attempt and one that still runs keep everything, others nothing."""
    busy_ratio: NDArray[np.float64] | None = None
    """How busy it kept the accelerators that it held, 0..1. None: not known."""
    pieces: Pieces | None = None
    free_gpu_milli: Steps | None = None
    """What the scheduler itself held for free, to be checked against what was used."""
    fragmentation_ratio: Steps | None = None
    """Share of free accelerators that no waiting shape could use."""
    horizon_ms: int = NONE
    """When the schedule ended; -1: with the last end."""

    @classmethod
    def of(cls, trace: Trace, start_ms: Integers, end_ms: Integers) -> "Schedule":
        """One attempt a job, in the order of the trace; -1 as its start: it never started; as its end: it runs still."""
        _one_length("schedule", trace.job_id, start_ms, end_ms)
        job = np.flatnonzero(start_ms != NONE)
        return cls(trace, job, start_ms[job], end_ms[job], end_ms[job] != NONE)

    def __post_init__(self) -> None:
        columns = (self.start_ms, self.end_ms, self.finished, self.kept_ms, self.busy_ratio)
        given = [column for column in columns if column is not None]
        _one_length("schedule", self.job, *given)
        if len(self.job) and not 0 <= self.job.min() <= self.job.max() < len(self.trace):
            seen = f"an attempt names row {self.job.max()} or {self.job.min()} of {len(self.trace)} jobs"
            raise Refused(Problem("TWIN-071", "schedule", seen, "let `job` hold rows of the trace"))
        for column in (self.job, *given):
            column.setflags(write=False)

    def __len__(self) -> int:
        return len(self.job)

    @cached_property
    def end_of_run_ms(self) -> int:
        """The horizon, or the last moment that is in the schedule."""
        latest = max(int(self.end_ms.max(initial=0)), int(self.start_ms.max(initial=0)))
        return self.horizon_ms if self.horizon_ms != NONE else latest

    @cached_property
    def until_ms(self) -> NDArray[np.int64]:
        """When each attempt let go; the end of the run for those that still run, (attempts,)."""
        return np.where(self.end_ms == NONE, self.end_of_run_ms, self.end_ms).astype(np.int64)

    @cached_property
    def gpu_milli(self) -> NDArray[np.int64]:
        """Thousandths of accelerators that each attempt held, (attempts,)."""
        return self.trace.total_gpu_milli[self.job].astype(np.int64)

    @cached_property
    def cpu_milli(self) -> NDArray[np.int64]:
        return self.trace.total_cpu_milli[self.job].astype(np.int64)

    @cached_property
    def kept(self) -> NDArray[np.int64]:
        """Work of each attempt that was not lost, in ms, (attempts,)."""
        ran = self.until_ms - self.start_ms
        if self.kept_ms is not None:
            return np.clip(self.kept_ms, 0, ran)
        return np.where(self.finished | (self.end_ms == NONE), ran, 0)

    def write_schedule(self, path: Path) -> None:
        """Write each attempt's start and end as CSV, whole or not at all. Raises Unavailable when it cannot be written."""
        from datahall.foundation.files import write_text  # noqa: PLC0415
        from datahall.twin.metrics.write import csv_of  # noqa: PLC0415  it is about this class: not a cycle at start

        write_text(path, csv_of(self))


def _one_length(where: str, first: NDArray[np.generic], *others: NDArray[np.generic]) -> None:
    lengths = {len(column) for column in (first, *others)}
    if len(lengths) > 1:
        what = f"columns have {', '.join(map(str, sorted(lengths)))} rows"
        raise Refused(Problem("TWIN-071", where, what, "give every column one row each"))
