"""Tiny traces and schedules whose figures are worked out by hand."""

import numpy as np

from datahall.twin.workload.trace import Trace


def trace_of(submit_s, run_s, accelerators, *, workers=None, user=None, names=(), cores=0):
    count = len(submit_s)

    def column(value):
        return np.array(value if np.ndim(value) else [value] * count, np.int64)

    return Trace(
        job_id=np.arange(1, count + 1), submit_ms=column(submit_s) * 1000, duration_ms=column(run_s) * 1000,
        requested_ms=column(-1), workers=column(workers or 1),
        accelerators=column(accelerators), cpu_milli=column(cores * 1000),
        memory_bytes=column(0), gpu_milli=column(-1), user=column(user if user is not None else -1), queue=column(-1),
        group=column(-1), status=column(1),
        deferrable=np.zeros(count, np.bool_), deadline_ms=column(-1), user_names=tuple(names),
    )  # fmt: skip


def ms(*seconds):
    return np.array([round(each * 1000) for each in seconds], np.int64)
