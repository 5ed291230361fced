"""Slurm's accounting as text: `sacct --allusers --parsable2 --format=JobID,User,Account,Partition,Submit,Elapsed,…`.

Source: https://slurm.schedmd.com/sacct.html. Helpful columns: Timelimit, State, NNodes, ReqCPUS, ReqTRES, ReqMem, Start, End.
"""

import math
import re

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.draft import Draft
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.formats.heads import head_columns
from datahall.twin.workload.numbers import Numbers, clock_ms, column_of, each_once, moments_ms, tell_bad
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source
from datahall.twin.workload.table import Table, delimited, need_columns, texts_of

STATUS = {
    "COMPLETED": 1, "FAILED": 2, "OUT_OF_MEMORY": 2, "BOOT_FAIL": 2, "CANCELLED": 3, "REVOKED": 3, "TIMEOUT": 4, "DEADLINE": 4,
    "NODE_FAIL": 5, "PREEMPTED": 5, "REQUEUED": 5,
}  # fmt: skip
UNFINISHED = frozenset({"PENDING", "RUNNING", "SUSPENDED", "RESIZING", "CONFIGURING", "COMPLETING"})
SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGTP]?)B?([nc]?)$")
SCALE = {"K": 2**10, "": 2**20, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}
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
        nodes, cpus = _count(table, ("nnodes", "reqnodes", "allocnodes")), _count(table, ("reqcpus", "ncpus", "alloccpus"))
        gpus = _tres(table, "gres/gpu", np.zeros(len(table)))
        workers, each = _split(np.maximum(nodes, 1), gpus)
        draft = Draft(
            table.lines, ids, submit.whole(), ran.whole(), table.rows_read - int(steps.sum()),
            going | ran.bad | submit.bad | submit.blank, requested_ms=_limits(table), workers=workers, accelerators=each,
            cpu_milli=np.maximum(cpus, 1) * 1000 // workers, memory_bytes=_memory(table, np.maximum(nodes, 1), cpus) // workers,
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


def _limits(table: Table) -> NDArray[np.int64] | None:
    """Time limits in ms; -1 where there is none."""
    if "timelimitraw" in table:
        minutes = each_once(table.cells("timelimitraw"), lambda text: float(text) if text.isdigit() else math.nan)
        return Numbers(minutes, np.isnan(minutes), np.isnan(minutes)).whole(60_000)
    if "timelimit" in table:
        values = each_once(table.cells("timelimit"), lambda text: math.nan if text.upper() in NO_LIMIT else clock_ms(text))
        return Numbers(values, np.isnan(values), np.isnan(values)).whole()
    return None


def _count(table: Table, names: tuple[str, ...]) -> NDArray[np.int64]:
    """The first of these columns that is there, 0 where it says nothing; 1K is 1,000 as sacct writes it."""
    name = next((name for name in names if name in table), None)
    if name is None:
        return np.zeros(len(table), np.int64)
    return np.nan_to_num(each_once(table.cells(name), _counted)).astype(np.int64)


def _counted(text: str) -> float:
    scaled = text.upper().removesuffix("K")
    try:
        return float(scaled) * (1000 if scaled != text.upper() else 1)
    except ValueError:
        return math.nan


def _tres(table: Table, key: str, otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    """One number of ReqTRES, or of AllocTRES where nothing was asked: `cpu=8,mem=64G,node=1,gres/gpu:a100=8`."""
    name = next((name for name in ("reqtres", "alloctres") if name in table), None)
    if name is None:
        return otherwise
    found = each_once(table.cells(name), lambda text: _tres_value(text, key))
    return np.where(np.isnan(found), otherwise, found)


def _tres_value(text: str, key: str) -> float:
    """The untyped entry, or else all typed ones together: sacct writes both, and they count the same accelerators."""
    pairs = dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)
    if key in pairs:
        return _bytes_of(pairs[key])[0] if key == "mem" else _counted(pairs[key])
    typed = [_counted(value) for name, value in pairs.items() if name.startswith(f"{key}:")]
    return sum(typed) if typed else math.nan


def _bytes_of(text: str) -> tuple[float, str]:
    """`64Gn` -> bytes and what they are of: n node, c core, nothing the job."""
    match = SIZE.match(text.strip())
    return (float(match[1]) * SCALE[match[2]], match[3]) if match else (math.nan, "")


def _memory(table: Table, nodes: NDArray[np.int64], cpus: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the whole job, bytes: ReqTRES says so itself; ReqMem is per node, per core, or of the job."""
    total = np.zeros(len(table))
    if "reqmem" in table:
        cells = table.cells("reqmem")
        size = np.nan_to_num(each_once(cells, lambda text: _bytes_of(text)[0]))
        of = each_once(cells, lambda text: {"n": 1.0, "c": 2.0}.get(_bytes_of(text)[1], 0.0))
        total = size * np.where(of == 1, nodes, np.where(of == 2, np.maximum(cpus, 1), 1))
    return np.rint(_tres(table, "mem", total)).astype(np.int64)


def _split(nodes: NDArray[np.int64], gpus: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nodes as workers with equal shares of the accelerators; where they do not divide, the most workers that divide both."""
    whole = np.nan_to_num(gpus).astype(np.int64)
    workers = np.where(whole > 0, np.gcd(whole, nodes), nodes)
    return workers, whole // workers


def _texts(table: Table, name: str) -> list[str] | None:
    return table.texts(name) if name in table else None


def _only(table: Table, keep: NDArray[np.bool_]) -> Table:
    return Table(table.names, table.data, table.starts[keep], table.ends[keep], table.lines[keep], table.rows_read)
