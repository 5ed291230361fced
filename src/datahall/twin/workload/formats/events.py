"""Our own record of events, as `GET /v1/events` gives it: a list of rows, or one row per line.

A job runs from the start of its last attempt, when it takes its places, to the end of that attempt, when it gives them back.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from datahall.foundation.errors import Problem, Refused
from datahall.platform.lifecycle import Ending
from datahall.platform.spec import JobSpec
from datahall.twin.workload.draft import FAR_MS, Draft
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source

ENDINGS: dict[str, int] = {Ending.TIME_LIMIT: 4, Ending.LOST: 5, Ending.SUSPENDED: 5, Ending.STOPPED: 3}


@dataclass
class _Job:
    line: int
    spec: JobSpec
    submit_s: float
    start_s: float | None = None
    end_s: float | None = None
    first_start_s: float | None = None
    attempts: int = 0
    status: int = 0


class _Submission(NamedTuple):
    line: int
    number: int
    at_s: float
    spec: object


class Events:
    """Jobs with all their attempts; those that never ended, or never began, are bad rows."""

    def recognises(self, source: Source) -> bool:
        head = source.head.lstrip()
        return head[:1] in (b"[", b"{") and b'"kind"' in head and b'"at_s"' in head

    def draft(self, source: Source, findings: Findings, options: Options) -> Draft:  # noqa: ARG002  the port's signature
        jobs: dict[int, _Job] = {}
        for line, row in _rows(source, findings):
            _take(jobs, line, row, findings)
        if not jobs:
            what = "there is no `job_submitted` among the events"
            raise Refused(Problem("TWIN-005", source.name, what, "export all events from the first on: GET /v1/events?after=0"))
        ended = {number: job for number, job in jobs.items() if job.start_s is not None and job.end_s is not None}
        for number, job in jobs.items():
            if number not in ended:
                what = f"job {number} has not {'ended' if job.start_s is not None else 'begun'} within this record"
                findings.row("TWIN-015", job.line, what, phrase="of jobs without a whole attempt")
        return _draft(ended, len(jobs))


def _draft(jobs: dict[int, _Job], count: int) -> Draft:
    rows = list(jobs.values())
    resources = [job.spec.per_worker() for job in rows]
    draft = Draft(
        _whole(job.line for job in rows), _whole(jobs), _whole(_ms(job.submit_s) for job in rows),
        # At least a millisecond: an attempt of less than half of one did run.
        _whole(max(1, _ms(job.end_s) - _ms(job.start_s)) for job in rows), count, np.zeros(len(rows), np.bool_),
        requested_ms=_whole(_ms(job.spec.time_limit) if job.spec.time_limit else -1 for job in rows),
        workers=_whole(job.spec.workers for job in rows), accelerators=_whole(each.accelerators for each in resources),
        cpu_milli=_whole(each.cpu_milli for each in resources), memory_bytes=_whole(each.memory_bytes for each in resources),
        queue=[job.spec.tenant for job in rows], status=_whole(job.status for job in rows), origin_s=np.nan,
    )  # fmt: skip
    draft.extra = {
        "wait_ms": _whole(_ms(job.first_start_s) - _ms(job.submit_s) for job in rows),
        "last_start_ms": _whole(_ms(job.start_s) - _ms(rows[0].submit_s) for job in rows),
        "attempts": _whole(job.attempts for job in rows),
        "priority": _whole(job.spec.priority for job in rows),
    }
    return draft


def _whole(values: Iterable[int]) -> NDArray[np.int64]:
    return np.array(list(values), np.int64)


def _ms(seconds: float | None) -> int:
    return round((seconds or 0.0) * 1000)


def _rows(source: Source, findings: Findings) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line, or number in the list, and each event; text that is no event is told."""
    try:
        whole = json.loads(source.data)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, list):
        found: Iterator[tuple[int, Any]] = iter(enumerate(whole, 1))
    else:
        found = ((line, _parsed(text)) for line, text in enumerate(source.data.splitlines(), 1) if text.strip())
    for line, row in found:
        if isinstance(row, dict) and isinstance(row.get("kind"), str) and _is_time(row.get("at_s")):
            yield line, row
        else:
            findings.row("TWIN-006", line, "this is no event: an object with kind, at_s and data", phrase="that are no events")


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < FAR_MS / 1e3


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _take(jobs: dict[int, _Job], line: int, row: dict[str, Any], findings: Findings) -> None:
    data = row.get("data")
    data = _parsed(data.encode()) if isinstance(data, str) else data
    if row["kind"] not in ("job_submitted", "attempt_starting", "attempt_ended") or not isinstance(data, dict):
        return
    number, at_s = data.get("job_id"), float(row["at_s"])
    if row["kind"] == "job_submitted" and isinstance(number, int):
        _submitted(jobs, _Submission(line, number, at_s, data.get("spec")), findings)
    elif number in jobs:
        _attempt(jobs[number], row["kind"], at_s, data)
    else:
        what = f"an attempt of job {number}, whose submission is not in this record"
        findings.row("TWIN-015", line, what, phrase="of attempts without a submission")


def _submitted(jobs: dict[int, _Job], new: _Submission, findings: Findings) -> None:
    if new.number in jobs:
        what = f"job {new.number} was submitted before"
        findings.row("TWIN-013", new.line, what, phrase="with a job id that was there before")
        return
    try:
        jobs[new.number] = _Job(new.line, JobSpec.model_validate(new.spec), new.at_s)
    except ValidationError as error:
        what = f"the spec of job {new.number} is not valid: {error.errors()[0]['msg']}"
        findings.row("TWIN-006", new.line, what, phrase="with a spec that is not valid")


def _attempt(job: _Job, kind: str, at_s: float, data: dict[str, Any]) -> None:
    if kind == "attempt_starting":
        job.attempts += 1
        job.start_s, job.end_s = at_s, None
        job.first_start_s = at_s if job.first_start_s is None else job.first_start_s
        return
    job.end_s = at_s
    ending = str(data.get("ending"))
    job.status = ENDINGS.get(ending, 2) if ending != Ending.EXITED else (1 if data.get("code") == 0 else 2)
