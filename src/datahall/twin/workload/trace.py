"""A job trace as columns: what was submitted when, how large it was and how long it ran. Index = submit order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Missing, Problem

if TYPE_CHECKING:
    from datahall.twin.workload.summary import Summary

Integers = NDArray[np.integer[Any]]
Flags = NDArray[np.bool_]
Column = NDArray[Any]

NONE = -1
"""In `requested_ms`, `gpu_milli`, `deadline_ms` and codes: the trace says nothing. An array has no other word for it."""
STATUSES = ("unknown", "completed", "failed", "cancelled", "timed_out", "lost")
"""How a job ended, by the code in `status`."""


@dataclass(frozen=True)
class Trace:
    """Jobs in the order of submission. All columns have one row per job; arrays are read-only.

    extra: columns that only this format has, under its own names (Muri's `iterations`, SWF's `wait_ms`); text as codes, with
    its names in `extra_names`.
    """

    job_id: Column
    """As published: whole numbers, or text."""
    submit_ms: Integers
    """Since the trace's origin."""
    duration_ms: Integers
    """How long it really ran. A policy that reads it is an oracle."""
    requested_ms: Integers
    """The user's own estimate or limit; -1 where the trace has none."""
    workers: Integers
    """They start together or not at all."""
    accelerators: Integers
    """Of each worker, whole ones."""
    cpu_milli: Integers
    """Of each worker, in thousandths."""
    memory_bytes: Integers
    """Of each worker; 0 where the trace says nothing."""
    gpu_milli: Integers
    """Thousandths of the one accelerator that the job shares; -1 where it shares none."""
    user: Integers
    queue: Integers
    group: Integers
    status: Integers
    deferrable: Flags
    """May start later than it could, as long as the deadline is kept."""
    deadline_ms: Integers
    """On the clock of `submit_ms`; -1: none."""
    user_names: tuple[str, ...] = ()
    queue_names: tuple[str, ...] = ()
    group_names: tuple[str, ...] = ()
    extra: Mapping[str, Column] = field(default_factory=dict)
    extra_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = ""
    format: str = ""
    sha256: str = ""
    """Of the file as it lies there, packed or not."""
    origin_s: float | None = None
    """Unix time of `submit_ms` 0, where known."""
    rows_read: int = 0
    """Rows of jobs in the file, good and bad."""
    notes: tuple[str, ...] = ()
    """What was dropped, mended or taken for granted, in words, with counts."""
    problems: tuple[Problem, ...] = ()
    """Of single rows, by file:line; the first thousand."""

    def __post_init__(self) -> None:
        for name in COLUMNS:
            column = getattr(self, name)
            if len(column) != len(self.job_id):
                raise ValueError(f"Trace: {name} has {len(column)} rows, but job_id has {len(self.job_id)}")
            column.setflags(write=False)
        for name, column in self.extra.items():
            if len(column) != len(self.job_id):
                raise ValueError(f"Trace: extra {name} has {len(column)} rows, but job_id has {len(self.job_id)}")
            column.setflags(write=False)

    def __len__(self) -> int:
        return len(self.job_id)

    def __getitem__(self, rows: slice) -> "Trace":
        """Some rows as a trace: `trace[:1000]`. A step that is negative would break the order: ValueError."""
        if rows.step is not None and rows.step < 1:
            raise ValueError(f"Trace: a step of {rows.step} would turn the order of submission around")
        return self._picked(lambda column: column[rows].copy())

    def where(self, kept: Flags) -> "Trace":
        """The jobs whose flag is set: `trace.where(trace.accelerators > 0)`."""
        return self._picked(lambda column: column[kept])

    def between(self, start_ms: int, end_ms: int) -> "Trace":
        """Jobs submitted in [start, end), on the clock of this trace."""
        first, last = np.searchsorted(self.submit_ms, [start_ms, end_ms], side="left")
        return self[int(first) : max(int(first), int(last))]

    def of_user(self, name: str) -> "Trace":
        """Raises Missing for a name that is not in the trace, like the two below."""
        return self.where(self.user == self._code(name, self.user_names, "user"))

    def of_queue(self, name: str) -> "Trace":
        return self.where(self.queue == self._code(name, self.queue_names, "queue"))

    def of_group(self, name: str) -> "Trace":
        return self.where(self.group == self._code(name, self.group_names, "group"))

    def with_notes(self, *notes: str) -> "Trace":
        return replace(self, notes=self.notes + notes)

    @cached_property
    def total_accelerators(self) -> Integers:
        """Whole accelerators of all workers of each job."""
        return self.workers.astype(np.int64) * self.accelerators

    @cached_property
    def total_gpu_milli(self) -> Integers:
        """Thousandths of accelerators of each job, the shared ones by their share."""
        shared: Integers = np.where(self.gpu_milli >= 0, self.workers.astype(np.int64) * self.gpu_milli, NONE)
        return np.where(shared >= 0, shared, 1000 * self.total_accelerators)

    @cached_property
    def total_cpu_milli(self) -> Integers:
        return self.workers.astype(np.int64) * self.cpu_milli

    def summary(self) -> "Summary":
        """Counts, percentiles and mean demand."""
        from datahall.twin.workload.summary import summary_of  # noqa: PLC0415  it is about this class: not a cycle at start

        return summary_of(self)

    def _picked(self, pick: Callable[[Column], Column]) -> "Trace":
        columns: dict[str, Any] = {name: pick(getattr(self, name)) for name in COLUMNS}
        return replace(self, **columns, extra={name: pick(column) for name, column in self.extra.items()})

    def _code(self, name: str, names: tuple[str, ...], what: str) -> int:
        if name not in names:
            some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            seen = f"there is no {what} `{name}` in the trace"
            raise Missing(Problem("TWIN-020", self.source or "trace", seen, f"choose one of {some or 'none: it has none'}"))
        return names.index(name)


COLUMNS = tuple(each.name for each in fields(Trace))[:15]
"""Names of the columns that every trace has: `job_id` to `deadline_ms`."""


def coded(texts: list[str]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Codes and their names in order of first appearance; empty text is -1."""
    names = tuple(text for text in dict.fromkeys(texts) if text)
    table = {text: code for code, text in enumerate(names)} | {"": NONE}
    return np.fromiter(map(table.__getitem__, texts), np.int32, len(texts)), names
