"""A trace as a CSV of the common form, so that what was read, made up or shaken can be kept and given on."""

import csv
import io
from pathlib import Path

import numpy as np

from datahall.foundation.files import write_text
from datahall.twin.workload.trace import STATUSES, Column, Trace

HEAD = (
    "job_id", "submit_ms", "duration_ms", "req_ms", "workers", "num_gpus", "num_cpus", "mem_mb", "gpu_milli", "user", "vc",
    "group", "status", "deferrable", "deadline_ms",
)  # fmt: skip
MIB = 2**20


def write_trace(trace: Trace, path: Path) -> None:
    """Write the trace as CSV, whole or not at all. Raises Unavailable when it cannot be written."""
    write_text(path, csv_of(trace))


def csv_of(trace: Trace) -> str:
    """The trace in the common form; reading it gives the same columns. Extra columns, source and notes are not in it.

    Memory is in MiB to six decimals, which is exact to the byte.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(zip(*(column.tolist() for column in _columns(trace)), strict=True))
    return out.getvalue()


def _columns(trace: Trace) -> tuple[Column, ...]:
    memory = trace.workers.astype(np.int64) * trace.memory_bytes
    return (
        trace.job_id,
        trace.submit_ms,
        trace.duration_ms,
        _or_blank(trace.requested_ms),
        trace.workers,
        trace.total_accelerators,
        np.char.mod("%.3f", trace.total_cpu_milli / 1e3),
        np.char.mod("%.6f", memory / MIB),
        _or_blank(trace.gpu_milli),
        _names(trace.user, trace.user_names),
        _names(trace.queue, trace.queue_names),
        _names(trace.group, trace.group_names),
        np.array(STATUSES)[trace.status],
        np.where(trace.deferrable, "true", "false"),
        _or_blank(trace.deadline_ms),
    )


def _or_blank(column: Column) -> Column:
    return np.where(column >= 0, column.astype(np.str_), "")


def _names(codes: Column, names: tuple[str, ...]) -> Column:
    return np.array([*names, ""])[codes]  # -1 is the last: blank
