"""From what a reader found to a trace: the checks that are the same for every format."""

import datetime
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source
from datahall.twin.workload.trace import COLUMNS, NONE, Column, Trace, coded

FAR_MS = 10**14
"""Three thousand years: beyond it a number is in another unit, or garbage."""
HUGE = {"workers": 10**7, "accelerators": 10**7, "cpu_milli": 10**10, "memory_bytes": 2**50}
"""No job is larger; below, products of them are exact in 64 bits."""
EPOCH_S, EPOCH_MS = 1e8, 1e11
"""A submission after 1973 as Unix seconds; the same instant as milliseconds is beyond the year 5138 as seconds."""


@dataclass
class Draft:
    """Columns as read, good and bad rows alike. bad: rows that a reader has told already."""

    lines: NDArray[Any]
    job_id: Column
    submit_ms: NDArray[Any]
    duration_ms: NDArray[Any]
    rows_read: int
    bad: NDArray[np.bool_]
    requested_ms: NDArray[Any] | None = None
    workers: NDArray[Any] | None = None
    accelerators: NDArray[Any] | None = None
    cpu_milli: NDArray[Any] | None = None
    memory_bytes: NDArray[Any] | None = None
    gpu_milli: NDArray[Any] | None = None
    user: list[str] | None = None
    queue: list[str] | None = None
    group: list[str] | None = None
    status: NDArray[Any] | None = None
    deferrable: NDArray[np.bool_] | None = None
    deadline_ms: NDArray[Any] | None = None
    extra: dict[str, Column] = field(default_factory=dict)
    extra_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    origin_s: float | None = None
    """Unix time of submit_ms 0; NaN: submit_ms is Unix time, and is counted from its first job."""

    def column(self, name: str, default: int) -> NDArray[np.int64]:
        value = getattr(self, name)
        return np.full(len(self.lines), default, np.int64) if value is None else np.asarray(value, np.int64)


def finished(draft: Draft, findings: Findings, source: Source, options: Options, *, name: str) -> Trace:
    """The trace of all rows that pass.

    Raises Refused, with the rows, when strict and any is bad, or when none is left.
    """
    columns = _columns(draft)
    keep = ~draft.bad
    keep &= _sane(draft, columns, keep, findings, options)
    keep &= _fitting(draft, columns, keep, findings, options)
    keep &= _first_of_id(draft, keep, findings)
    rows = _in_order(columns["submit_ms"], np.flatnonzero(keep), draft, findings)
    if options.strict and findings.counts:
        raise findings.refuse()
    if not len(rows):
        what = f"none of the {draft.rows_read} rows can be used"
        raise findings.refuse(first=Problem("TWIN-016", source.name, what, "check that the file and its format are right"))
    trace = _trace(draft, columns, rows, findings)
    return replace(trace, source=source.name, sha256=source.sha256, format=name)


def split(accelerators: NDArray[np.int64], per_worker: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Workers and accelerators of each, their product being what was asked for: the largest equal share that fits a worker."""
    asked = np.maximum(accelerators, 0)
    share = np.where(asked > per_worker, np.gcd(asked, per_worker), asked)
    return np.where(share > 0, asked // np.maximum(share, 1), 1), np.where(accelerators < 0, accelerators, share)


def _columns(draft: Draft) -> dict[str, Any]:
    defaults = {"workers": 1, "accelerators": 0, "cpu_milli": 0, "memory_bytes": 0, "status": 0}
    whole: dict[str, NDArray[Any]] = {
        name: draft.column(name, defaults.get(name, NONE)) for name in (*COLUMNS[1:9], "status", "deadline_ms")
    }
    whole["requested_ms"] = np.where(whole["requested_ms"] > 0, whole["requested_ms"], NONE)  # logs say -1 or 0 for none
    deferrable = np.zeros(len(draft.lines), np.bool_) if draft.deferrable is None else draft.deferrable
    return whole | {"job_id": draft.job_id, "deferrable": deferrable}


def _sane(
    draft: Draft, columns: dict[str, Any], keep: NDArray[np.bool_], findings: Findings, options: Options
) -> NDArray[np.bool_]:
    """Times that are not negative, not endless, and not nothing; sizes that are something."""
    submit, duration = columns["submit_ms"], columns["duration_ms"]
    lines = draft.lines
    negative = keep & ((submit < 0) | (duration < 0))
    findings.rows(
        "TWIN-008", negative, lines, phrase="with a negative time or none",
        told=lambda row: f"submit is {submit[row] / 1e3:g} s, duration {duration[row] / 1e3:g} s: neither may be negative",
    )  # fmt: skip
    far = keep & ~negative & ((submit > FAR_MS) | (duration > FAR_MS) | (columns["requested_ms"] > FAR_MS))
    far |= keep & np.logical_or.reduce([columns[name] > limit for name, limit in HUGE.items()])
    findings.rows(
        "TWIN-009", far, lines, phrase="with a time or a size beyond reason",
        told=lambda row: f"submit is {submit[row] / 1e3:g} s, duration {duration[row] / 1e3:g} s, and it asks for "
        f"{columns['workers'][row]} workers of {columns['accelerators'][row]} accelerators: are the units right?",
    )  # fmt: skip
    unrun = keep & ~negative & (duration == 0) & (not options.keep_unrun)
    findings.rows(
        "TWIN-010", unrun, lines, phrase="that never ran", told=lambda _: "the duration is 0, but a job runs for some time"
    )
    small = keep & ((columns["workers"] < 1) | (columns["accelerators"] < 0) | (columns["cpu_milli"] < 0))
    small |= keep & (columns["memory_bytes"] < 0)
    findings.rows(
        "TWIN-011", small, lines, phrase="that ask for nothing, or for less",
        told=lambda row: f"it asks for {columns['workers'][row]} workers of {columns['accelerators'][row]} accelerators and "
        f"{columns['cpu_milli'][row] / 1e3:g} CPUs, but workers begin at 1 and nothing is negative",
    )  # fmt: skip
    gone = keep & (columns["deadline_ms"] >= 0) & (columns["deadline_ms"] < submit)
    findings.rows(
        "TWIN-017", gone, lines, phrase="whose deadline is before their submission, read as having none",
        told=lambda row: f"its deadline is {(submit[row] - columns['deadline_ms'][row]) / 1e3:g} s before its submission",
        action="mended",
    )  # fmt: skip
    columns["deadline_ms"][gone] = NONE
    passed: NDArray[np.bool_] = ~(negative | far | unrun | small)
    return passed


def _fitting(
    draft: Draft, columns: dict[str, Any], keep: NDArray[np.bool_], findings: Findings, options: Options
) -> NDArray[np.bool_]:
    """Within the capacity, where one is given."""
    if options.capacity is None:
        return np.ones_like(keep)
    have, cores = options.capacity.accelerators, options.capacity.cores
    asked = columns["workers"] * columns["accelerators"]
    cpus = columns["workers"] * columns["cpu_milli"] / 1e3
    over = keep & ((asked > have if have is not None else False) | (cpus > cores if cores is not None else False))

    def told(row: int) -> str:
        has = " and ".join(f"{n} {what}" for n, what in ((have, "accelerators"), (cores, "cores")) if n is not None)
        return f"it asks for {asked[row]} accelerators and {cpus[row]:g} CPUs, but the cluster has {has}"

    findings.rows("TWIN-012", over, draft.lines, phrase="that ask for more than the cluster has", told=told)
    return ~over


def _first_of_id(draft: Draft, keep: NDArray[np.bool_], findings: Findings) -> NDArray[np.bool_]:
    """Only the first row of each job id."""
    kept = np.flatnonzero(keep)
    ids = draft.job_id[kept].tolist()
    if len(set(ids)) == len(ids):  # several times faster than sorting text
        return np.ones_like(keep)
    _, firsts = np.unique(draft.job_id[kept], return_index=True)
    again = np.zeros_like(keep)
    again[kept] = True
    again[kept[firsts]] = False
    told = lambda row: f"the job id {draft.job_id[row]} was there before"  # noqa: E731
    findings.rows("TWIN-013", again, draft.lines, phrase="with a job id that was there before", told=told)
    return ~again


def _in_order(submit: NDArray[Any], rows: NDArray[Any], draft: Draft, findings: Findings) -> NDArray[Any]:
    """Rows by submission; those of one instant stay in the file's order."""
    times = submit[rows]
    late = np.zeros(len(draft.lines), np.bool_)
    late[rows[1:][np.diff(times) < 0]] = True
    told = lambda row: f"it was submitted at {submit[row] / 1e3:g} s, before the row above it"  # noqa: E731
    findings.rows("TWIN-014", late, draft.lines, phrase="out of order, sorted by submission", told=told, action="mended")
    return rows[np.argsort(times, kind="stable")]


def _trace(draft: Draft, columns: dict[str, Any], rows: NDArray[Any], findings: Findings) -> Trace:
    picked: dict[str, Any] = {key: column[rows] for key, column in columns.items()}
    names: dict[str, Any] = {}
    for key in ("user", "queue", "group"):
        texts = getattr(draft, key)
        picked[key], names[f"{key}_names"] = coded([texts[row] for row in rows.tolist()] if texts else [""] * len(rows))
    origin_s = draft.origin_s
    if origin_s is not None and np.isnan(origin_s):
        first_ms = int(picked["submit_ms"][0])
        picked["submit_ms"] = picked["submit_ms"] - first_ms
        picked["deadline_ms"] = np.where(picked["deadline_ms"] >= 0, picked["deadline_ms"] - first_ms, NONE)
        origin_s = first_ms / 1e3
        began = datetime.datetime.fromtimestamp(origin_s, datetime.UTC)
        findings.note(f"submission counts from the first job, at {began:%Y-%m-%d %H:%M:%S} UTC")
    return Trace(
        **picked,
        **names,
        extra={key: column[rows] for key, column in draft.extra.items()},
        extra_names=draft.extra_names,
        origin_s=origin_s,
        rows_read=draft.rows_read,
        notes=findings.all_notes(),
        problems=tuple(findings.kept),
    )
