"""Accelerators, cores and waiting jobs over time."""

import numpy as np
from numpy.typing import NDArray

from datahall.twin.metrics.schedule import Schedule
from datahall.twin.metrics.steps import Steps
from datahall.twin.workload.trace import NONE, Trace


def used(schedule: Schedule, amount: NDArray[np.int64]) -> Steps:
    """How much all attempts together held, each `amount` while it ran."""
    return Steps.of_changes([schedule.start_ms.astype(np.int64), schedule.until_ms], [amount, -amount])


def held_ms(schedule: Schedule, amount: NDArray[np.int64], from_ms: int, to_ms: int) -> NDArray[np.float64]:
    """Amount times ms of each attempt within [from, to), (attempts,)."""
    inside = np.minimum(schedule.until_ms, to_ms) - np.maximum(schedule.start_ms, from_ms)
    held: NDArray[np.float64] = np.maximum(inside, 0).astype(np.float64) * amount
    return held


def waiting(schedule: Schedule) -> Steps:
    """Jobs that were submitted, are not done and do not run; one that was interrupted waits again."""
    given_up = schedule.until_ms[~schedule.finished & (schedule.end_ms != NONE)]
    times = [schedule.trace.submit_ms, given_up, schedule.start_ms]
    signs = [np.full(len(each), sign, np.int64) for each, sign in zip(times, (1, 1, -1), strict=True)]
    return Steps.of_changes(times, signs)


def unit_of(trace: Trace) -> NDArray[np.int64]:
    """What counts as service: thousandths of accelerators, or of cores where no job has accelerators, (jobs,)."""
    gpu = trace.total_gpu_milli
    return (gpu if gpu.any() else trace.total_cpu_milli).astype(np.int64)
