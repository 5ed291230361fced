"""A schedule as CSV: one row an attempt, in the order of jobs and of their starts."""

import csv
import io

import numpy as np

from datahall.twin.metrics.outcomes import ordered
from datahall.twin.metrics.schedule import Schedule
from datahall.twin.workload.trace import NONE

HEAD = ("job_id", "attempt", "submit_ms", "start_ms", "end_ms", "workers", "accelerators", "finished", "nodes")


def csv_of(schedule: Schedule) -> str:
    """Times in ms on the trace's clock; `nodes` as `3;3;7`, one number a worker. A job that never started has blanks."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    trace, order = schedule.trace, ordered(schedule)
    job = schedule.job[order]
    numbers = _numbers(job)
    nodes = _nodes(schedule)
    columns = (trace.job_id[job], numbers, trace.submit_ms[job], schedule.start_ms[order], schedule.end_ms[order])
    sizes = (trace.workers[job], trace.total_accelerators[job], np.where(schedule.finished[order], "true", "false"))
    rows = zip(*(column.tolist() for column in (*columns, *sizes, order)), strict=True)
    for *cells, end, workers, accelerators, finished, attempt in rows:
        writer.writerow([*cells, "" if end == NONE else end, workers, accelerators, finished, nodes.get(attempt, "")])
    never = np.flatnonzero(np.bincount(schedule.job, minlength=len(trace)) == 0)
    for row in never.tolist():
        writer.writerow([trace.job_id[row], 0, trace.submit_ms[row], "", "", trace.workers[row],
                         trace.total_accelerators[row], "false", ""])  # fmt: skip
    return out.getvalue()


def _numbers(job: np.ndarray[tuple[int], np.dtype[np.integer]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """1 for the first attempt at a job, 2 for the second; equal jobs stand side by side."""
    first = np.flatnonzero(np.diff(job, prepend=NONE) != 0)
    return np.arange(len(job)) - np.repeat(first, np.diff(np.append(first, len(job)))) + 1


def _nodes(schedule: Schedule) -> dict[int, str]:
    pieces, found = schedule.pieces, dict[int, list[str]]()
    if pieces is not None:
        for attempt, node, workers in zip(pieces.attempt.tolist(), pieces.node.tolist(), pieces.workers.tolist(), strict=True):
            found.setdefault(attempt, []).extend([str(node)] * workers)
    return {attempt: ";".join(names) for attempt, names in found.items()}
