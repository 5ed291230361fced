"""A common form for any trace: a CSV of seconds from the first submission, with as many columns as are known.

submit_time, duration; and, where known: job_id, workers, num_gpus, num_cpus, mem_mb, user, vc, group, status, req_time,
gpu_milli, gpu_type, deferrable, deadline. `submit_ms`, `duration_ms`, `req_ms`, `deadline_ms` say milliseconds in place of
seconds.
"""

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.draft import EPOCH_MS, EPOCH_S, Draft, split
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.formats.heads import head_columns
from datahall.twin.workload.numbers import Numbers, column_of, moments_ms, numbers, spans_ms, tell_bad
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source
from datahall.twin.workload.table import Table, delimited, need_columns, texts_of
from datahall.twin.workload.trace import NONE, STATUSES, Column, coded

KNOWN = frozenset(
    {
        "job_id", "submit_time", "submit_ms", "duration", "duration_ms", "num_gpus", "num_cpus", "mem_mb", "user", "vc",
        "queue", "group", "status", "req_time", "req_ms", "gpu_milli", "gpu_type", "deferrable", "deadline", "deadline_ms",
        "workers",
    }
)  # fmt: skip
MIB = 2**20
WORDS = {
    "completed": 1, "pass": 1, "succeeded": 1, "success": 1, "ok": 1, "failed": 2, "fail": 2, "killed": 3, "cancelled": 3,
    "canceled": 3, "timeout": 4, "timed_out": 4, "node_fail": 5, "lost": 5,
}  # fmt: skip


class Common:
    """num_cpus and mem_mb (MiB) are of the whole job, like num_gpus; `workers` says into how many equal parts it falls."""

    def recognises(self, source: Source) -> bool:
        columns = head_columns(source)
        return bool(columns & {"submit_time", "submit_ms"}) and bool(columns & {"duration", "duration_ms"})

    def draft(self, source: Source, findings: Findings, options: Options) -> Draft:
        table = delimited(source.data, findings)
        need_columns(table, (), findings, kind="table of jobs")
        submit, epoch = _submit(table, findings)
        duration = _time(table, "duration", findings, needed=True)
        if submit is None or duration is None:
            what = f"it has the columns {', '.join(table.names)[:400]}, but submit_time and duration are needed"
            raise Refused(
                Problem("TWIN-005", f"{source.name}:1", what, "name the right file or its format, or add the columns")
            )
        unknown = sorted(set(table.names) - KNOWN)
        if unknown:
            findings.note(f"columns that are not known were left out: {', '.join(unknown)[:300]}")
        read = {name: _sized(table, name, findings) for name in ("num_gpus", "num_cpus", "mem_mb", "gpu_milli")}
        workers, each, uneven = _gangs(table, read["num_gpus"].whole(none=0), findings, options)
        shared = (read["num_gpus"].values == 1) & (read["gpu_milli"].values > 0) & (read["gpu_milli"].values < 1000)
        limit, until = _time(table, "req", findings, needed=False), _time(table, "deadline", findings, needed=False)
        times, sizes = [submit.bad | submit.blank, duration.bad | duration.blank], [found.bad for found in read.values()]
        draft = Draft(
            table.lines, _ids(table, findings), submit.whole(), duration.whole(), table.rows_read,
            np.logical_or.reduce([*times, *sizes, uneven]),
            requested_ms=None if limit is None else limit.whole(), workers=workers, accelerators=each,
            cpu_milli=read["num_cpus"].whole(1000, none=0) // workers,
            memory_bytes=read["mem_mb"].whole(MIB, none=0) // workers,
            gpu_milli=np.where(shared, read["gpu_milli"].whole(), NONE),
            user=_texts(table, "user"), queue=_texts(table, "vc") or _texts(table, "queue"), group=_texts(table, "group"),
            status=_statuses(table), deferrable=_deferrable(table), deadline_ms=None if until is None else until.whole(),
            origin_s=np.nan if epoch else None,
        )  # fmt: skip
        for found in (limit, until):
            draft.bad |= found.bad if found is not None else False
        if "gpu_type" in table:
            draft.extra["gpu_type"], names = coded(table.texts("gpu_type"))
            draft.extra_names["gpu_type"] = names
        return draft


def _gangs(
    table: Table, gpus: NDArray[np.int64], findings: Findings, options: Options
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Workers, accelerators of each, and which rows do not divide: as said in `workers`, else the fewest that fit."""
    if "workers" not in table:
        return *split(gpus, options.accelerators_per_worker), np.zeros(len(table), np.bool_)
    found = column_of(table, "workers", findings)
    workers = np.maximum(found.whole(), 1)
    wrong = (found.values < 1) | (np.rint(found.values) != found.values) | (gpus % workers != 0)
    told = lambda row: f"{gpus[row]} accelerators do not divide into {found.values[row]:g} equal workers"  # noqa: E731
    findings.rows("TWIN-011", wrong & ~found.bad & ~found.blank, table.lines, phrase="with uneven workers", told=told)
    return workers, gpus // workers, wrong | found.bad | found.blank


def _submit(table: Table, findings: Findings) -> tuple[Numbers | None, bool]:
    """Submission in ms, and whether it is Unix time: some rows in ms beside rows in s are told and mended."""
    cells = table.cells("submit_time") if "submit_time" in table else None
    if cells is not None and any(b"-" in cell[1:] for cell in cells[:1].tolist()) and numbers(cells[:1]).bad.any():
        return tell_bad(moments_ms(cells), cells, table, findings, called="submit_time", needed=True), True
    found = _time(table, "submit", findings, needed=True)
    if found is None:
        return None, False
    seconds = found.values / 1e3
    middle = float(np.nanmedian(seconds)) if np.isfinite(seconds).any() else 0.0
    if EPOCH_S <= middle < EPOCH_MS:
        mixed = seconds >= EPOCH_MS
        told = lambda row: f"submit_time is {seconds[row]:.0f}, milliseconds beside rows in seconds"  # noqa: E731
        findings.rows("TWIN-018", mixed, table.lines, phrase="in another unit than the rest", told=told, action="mended")
        return Numbers(np.where(mixed, found.values / 1e3, found.values), found.blank, found.bad), True
    if middle >= EPOCH_MS:
        what = f"half of the submissions are later than {middle:.0f}: these are milliseconds, not seconds"
        raise Refused(Problem("TWIN-018", f"{findings.name}:1", what, "call the column submit_ms, or divide it by 1000"))
    return found, False


def _time(table: Table, stem: str, findings: Findings, *, needed: bool) -> Numbers | None:
    """`duration` in seconds or `duration_ms`, in ms. A cell with a unit of its own is taken by it, and told."""
    seconds = next((name for name in (f"{stem}_time", stem) if name in table), None)
    both = seconds is not None and f"{stem}_ms" in table
    if both:
        what = f"it has {seconds} in seconds and {stem}_ms in milliseconds"
        raise Refused(Problem("TWIN-018", f"{findings.name}:1", what, "keep one of the two columns"))
    name = seconds or (f"{stem}_ms" if f"{stem}_ms" in table else None)
    if name is None:
        return None
    cells = table.cells(name)
    found, own = spans_ms(cells, unit_ms=1.0 if name.endswith("_ms") else 1e3)
    told = lambda row: f"{name} is `{bytes(cells[row]).decode('utf-8', 'replace')}`, with a unit of its own"  # noqa: E731
    findings.rows("TWIN-018", own, table.lines, phrase=f"with a unit of its own in {name}", told=told, action="mended")
    return tell_bad(found, cells, table, findings, called=name, needed=needed)


def _sized(table: Table, name: str, findings: Findings) -> Numbers:
    """A size; 0 where there is no column or the cell is blank. Fractions of accelerators are no whole ones."""
    if name not in table:
        zero = np.zeros(len(table))
        return Numbers(zero, zero == 1, zero == 1)
    found = column_of(table, name, findings, needed=False)
    broken = np.isfinite(found.values) & (np.rint(found.values) != found.values) & (name == "num_gpus")
    told = lambda row: f"num_gpus is {found.values[row]:g}: write 1, and the share in gpu_milli"  # noqa: E731
    findings.rows("TWIN-011", broken, table.lines, phrase="with a part of an accelerator in num_gpus", told=told)
    values = np.where(found.blank, 0.0, found.values)
    return Numbers(np.where(broken, np.nan, values), found.blank, found.bad | broken)


def _ids(table: Table, findings: Findings) -> Column:
    """Whole numbers where all are, else text; numbers of rows where there is no column."""
    if "job_id" not in table:
        findings.note("job ids are numbers of rows: the file has none")
        return np.arange(len(table))
    cells = table.cells("job_id")
    found = numbers(cells[:1])  # whether the first is text tells almost always
    found = numbers(cells) if not found.bad.any() else found
    if not (found.bad | found.blank).any() and not (np.rint(found.values) != found.values).any():
        return found.whole()
    return texts_of(cells)


def _texts(table: Table, name: str) -> list[str] | None:
    return table.texts(name) if name in table else None


def _statuses(table: Table) -> NDArray[np.int64] | None:
    if "status" not in table:
        return None
    words = WORDS | {word: code for code, word in enumerate(STATUSES)}
    return np.array([words.get(text.lower(), 0) for text in table.texts("status")], np.int64)


def _deferrable(table: Table) -> NDArray[np.bool_] | None:
    if "deferrable" not in table:
        return None
    return np.array([text.lower() in ("1", "true", "yes") for text in table.texts("deferrable")], np.bool_)
