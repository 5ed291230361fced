"""Slurm's accounting as text: `sacct --allusers --parsable2 --format=JobID,User,Account,Partition,Submit,Elapsed,…`.

Source: https://slurm.schedmd.com/sacct.html. Helpful columns: Timelimit, State, NNodes, ReqCPUS, ReqTRES, ReqMem, Start, End.
"""

import math

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.draft import Draft
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.formats.heads import head_columns
from datahall.twin.workload.formats.sacct_sizes import NONSENSE, NOTHING, Told, raw_limit_ms, sizes_of
from datahall.twin.workload.numbers import Numbers, clock_ms, column_of, each_once, moments_ms, tell_bad, whole_of
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source
from datahall.twin.workload.table import Table, delimited, need_columns, texts_of

STATUS = {
    "COMPLETED": 1, "FAILED": 2, "OUT_OF_MEMORY": 2, "BOOT_FAIL": 2, "CANCELLED": 3, "REVOKED": 3, "TIMEOUT": 4, "DEADLINE": 4,
    "NODE_FAIL": 5, "PREEMPTED": 5, "REQUEUED": 5,
}  # fmt: skip
UNFINISHED = frozenset({"PENDING", "RUNNING", "SUSPENDED", "RESIZING", "CONFIGURING", "COMPLETING"})
NO_LIMIT = frozenset({"", "UNLIMITED", "PARTITION_LIMIT", "INVALID", "NONE"})


class Sacct:
    """Workers are nodes; steps (`123.batch`) are left out; jobs that have not ended are bad rows."""

    def recognises(self, source: Source) -> bool:
        return {"jobid", "submit"} <= head_columns(source, delimiter="|")

    def draft(self, source: Source, findings: Findings, options: Options) -> Draft:  # noqa: ARG002  the port's signature
        table = delimited(source.data, findings, delimiter="|")
        need_columns(table, ("jobid", "submit"), findings, kind="output of sacct --parsable2")
        ids = texts_of(table.cells("jobid"))
        steps = np.char.find(ids, ".") >= 0
        table, ids = _only(table, ~steps), ids[~steps]
        if steps.any():
            findings.note(f"{int(steps.sum())} rows of job steps left out")
        states = [text.partition(" ")[0].rstrip("+") for text in table.texts("state")] if "state" in table else [""] * len(ids)
        going = np.array([state in UNFINISHED for state in states], np.bool_)
        told = lambda row: f"the job is {states[row]}: how long it runs is not known yet"  # noqa: E731
        findings.rows("TWIN-015", going, table.lines, phrase="of jobs that have not ended", told=told)
        ran, submit = _ran(table, findings, going), _moments(table, "submit", findings)
        sizes, told_limits = sizes_of(table, findings), Told(table, findings)
        raw = told_limits.column(("timelimitraw",), raw_limit_ms)
        limit = raw if "timelimitraw" in table else told_limits.column(("timelimit",), _limit_ms)
        draft = Draft(
            table.lines, ids, submit.whole(), ran.whole(), table.rows_read - int(steps.sum()),
            going | ran.bad | submit.bad | submit.blank | sizes.bad | told_limits.bad, requested_ms=whole_of(limit),
            workers=sizes.workers, accelerators=sizes.accelerators, cpu_milli=sizes.cpu_milli, memory_bytes=sizes.memory_bytes,
            user=_texts(table, "user"), queue=_texts(table, "partition"), group=_texts(table, "account"),
            status=np.array([STATUS.get(state, 0) for state in states], np.int64), origin_s=np.nan,
        )  # fmt: skip
        findings.note("times without a zone are taken as UTC; a worker is a node, memory without `n` or `c` is the whole job's")
        return draft


def _ran(table: Table, findings: Findings, going: NDArray[np.bool_]) -> Numbers:
    """Elapsed time in ms, from ElapsedRaw, Elapsed, or End - Start."""
    if "elapsedraw" in table:
        found = column_of(table, "elapsedraw", findings)
        return Numbers(found.values * 1e3, found.blank, found.bad | found.blank)
    if "elapsed" in table:
        cells = table.cells("elapsed")
        values = each_once(cells, clock_ms)
        found = Numbers(values, cells == b"", (cells != b"") & np.isnan(values))
        found = tell_bad(found, cells, table, findings, called="elapsed", needed=True)
        return Numbers(values, found.blank, found.bad | found.blank)
    if "start" in table and "end" in table:
        start, end = (moments_ms(table.cells(name)) for name in ("start", "end"))
        values = end.values - start.values
        unknown = np.isnan(values) & ~going
        told = lambda _: "start or end is not known, and there is no Elapsed"  # noqa: E731
        findings.rows("TWIN-015", unknown, table.lines, phrase="without a start or an end", told=told)
        return Numbers(values, start.blank | end.blank, np.isnan(values))
    what = "there is neither Elapsed, nor ElapsedRaw, nor Start and End"
    raise Refused(Problem("TWIN-005", f"{findings.name}:1", what, "add Elapsed to sacct's --format"))


def _moments(table: Table, name: str, findings: Findings) -> Numbers:
    cells = table.cells(name)
    return tell_bad(moments_ms(cells), cells, table, findings, called=name, needed=True)


def _limit_ms(text: str) -> float:
    """A limit as a clock; one that there is not says nothing."""
    if text.upper() in NO_LIMIT:
        return NOTHING
    found = clock_ms(text)
    return NONSENSE if math.isnan(found) else found


def _texts(table: Table, name: str) -> list[str] | None:
    return table.texts(name) if name in table else None


def _only(table: Table, keep: NDArray[np.bool_]) -> Table:
    return Table(table.names, table.data, table.starts[keep], table.ends[keep], table.lines[keep], table.rows_read)
