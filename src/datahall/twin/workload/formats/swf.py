"""The Standard Workload Format of the Parallel Workloads Archive: 18 numbers per job, `;` before comments.

Source: Feitelson, https://www.cs.huji.ac.il/labs/parallel/workload/swf.html
"""

import re

import numpy as np
from numpy.typing import NDArray

from datahall.twin.workload.draft import Draft
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.formats.heads import plain_name
from datahall.twin.workload.numbers import column_of
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source
from datahall.twin.workload.table import Table, blank_separated

FIELDS = (
    "job number", "submit time", "wait time", "run time", "allocated processors", "CPU time", "used memory",
    "requested processors", "requested time", "requested memory", "status", "user", "group", "application", "queue",
    "partition", "preceding job", "think time",
)  # fmt: skip
STATUS = {0: 2, 1: 1, 5: 3}
"""Theirs to ours: failed, completed, cancelled. 2 to 4 are parts of jobs that were checkpointed."""
START = re.compile(rb"^;\s*UnixStartTime:\s*(\d+)", re.MULTILINE)


class Swf:
    """Processors are workers of one CPU each; memory is per processor, in KB."""

    def recognises(self, source: Source) -> bool:
        first = next((line for line in source.head.splitlines() if line.strip() and not line.startswith(b";")), b"")
        looks = len(first.split()) == len(FIELDS) and first.split()[0].isdigit()
        return plain_name(source).endswith(".swf") or looks

    def draft(self, source: Source, findings: Findings, options: Options) -> Draft:
        table = blank_separated(source.data, findings, columns=len(FIELDS), comment=";")
        read = {place: column_of(table, place, findings, called=name) for place, name in enumerate(FIELDS)}
        bad = np.logical_or.reduce([found.bad | found.blank for found in read.values()])
        whole = {place: found.whole() for place, found in read.items()}
        asked, given = whole[7], whole[4]
        run, limit = read[3].whole(1000), np.where(whole[8] > 0, read[8].whole(1000), -1)
        draft = Draft(
            table.lines, whole[0], read[1].whole(1000), np.maximum(run, 0), table.rows_read, bad,
            requested_ms=limit, workers=np.where(asked > 0, asked, given), cpu_milli=np.full(len(table), 1000),
            memory_bytes=np.where(whole[9] > 0, whole[9], np.maximum(whole[6], 0)) * 1024,
            user=_named(whole[11], "user"), group=_named(whole[12], "group"), queue=_named(whole[14], "queue"),
            status=_statuses(whole[10]), origin_s=_origin_s(source.data),
        )  # fmt: skip
        draft.extra = {"wait_ms": read[2].whole(1000), "partition": whole[15], "application": whole[13]}
        if options.strong:
            _strong(draft, table, whole[8], findings)
        return draft


def _strong(draft: Draft, table: Table, asked_s: NDArray[np.int64], findings: Findings) -> None:
    """Published backfill results drop jobs without a run or an estimate, and end a run at its estimate, as the system did."""
    lacking = ~draft.bad & (asked_s <= 0) & (draft.duration_ms > 0)
    told = lambda _: "it has no requested time, which the strong filter needs"  # noqa: E731
    findings.rows("TWIN-015", lacking, table.lines, phrase="without a requested time, by the strong filter", told=told)
    draft.bad |= lacking
    limit_ms = np.asarray(draft.requested_ms)
    over = ~draft.bad & (draft.duration_ms > limit_ms) & (limit_ms > 0)
    if over.any():
        findings.note(f"{int(over.sum())} runs cut at their requested time, by the strong filter")
    draft.duration_ms = np.where(over, limit_ms, draft.duration_ms)


def _named(codes: NDArray[np.int64], what: str) -> list[str]:
    names = {code: f"{what}{code}" if code >= 0 else "" for code in set(codes.tolist())}
    return [names[code] for code in codes.tolist()]


def _statuses(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    out = np.zeros(len(codes), np.int64)
    for theirs, ours in STATUS.items():
        out[codes == theirs] = ours
    return out


def _origin_s(data: bytes) -> float | None:
    found = START.search(data[:65_536])
    return float(found[1]) if found else None
