"""Our own record of events becomes a trace that can be played again."""

import json
from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.platform.events import AttemptEnded, AttemptStarting, Event, JobSubmitted, kind_of, record_of
from datahall.platform.lifecycle import Ending
from datahall.platform.spec import JobSpec
from datahall.twin.workload import STATUSES, read_trace


def rows(*events: Event) -> list[dict]:
    """Rows as the store keeps them, `data` as JSON text."""
    return [
        {
            "seq": number,
            "at_s": event.at_s,
            "kind": kind_of(event),
            "subject": "",
            "tenant": "",
            "data": json.dumps(record_of(event)),
        }
        for number, event in enumerate(events, 1)
    ]


def submitted(job: int, at_s: float, **spec: object) -> JobSubmitted:
    return JobSubmitted(at_s=at_s, job_id=job, spec=JobSpec(command=("true",), **spec))


def ended(job: int, at_s: float, attempt: int = 1, ending: Ending = Ending.EXITED, code: int | None = 0) -> AttemptEnded:
    return AttemptEnded(at_s=at_s, job_id=job, attempt=attempt, ending=ending, code=code)


def begun(job: int, at_s: float, attempt: int = 1) -> AttemptStarting:
    return AttemptStarting(at_s=at_s, job_id=job, attempt=attempt, placements=())


RECORD = rows(
    submitted(1, 1000.0, workers=2, accelerators=4, cpus=0.5, tenant="nlp", time_limit=60, priority=3),
    begun(1, 1001.5),
    submitted(2, 1002.0),
    ended(1, 1004.0, ending=Ending.LOST, code=None),
    begun(1, 1010.0, 2),
    begun(2, 1011.0),
    ended(1, 1020.25, 2),
    ended(2, 1012.0, code=3),
    submitted(3, 1013.0),
)


def test_the_last_attempt_counts(tmp_path):
    """Given a job that was lost once, its duration is that of its last attempt, its wait that of its first."""
    path = tmp_path / "events.json"
    path.write_text(json.dumps([row | {"data": json.loads(row["data"])} for row in RECORD]))
    trace = read_trace(path)
    assert trace.format == "events" and trace.job_id.tolist() == [1, 2] and trace.origin_s == 1000
    assert trace.submit_ms.tolist() == [0, 2000] and trace.duration_ms.tolist() == [10_250, 1000]
    assert (trace.workers[0], trace.accelerators[0], trace.cpu_milli[0], trace.requested_ms[0]) == (2, 4, 500, 60_000)
    assert trace.extra["wait_ms"].tolist() == [1500, 9000] and trace.extra["attempts"].tolist() == [2, 1]
    assert trace.extra["last_start_ms"].tolist() == [10_000, 11_000] and trace.extra["priority"].tolist() == [3, 0]
    assert [STATUSES[code] for code in trace.status] == ["completed", "failed"]
    assert trace.queue_names == ("nlp", "default")


def test_rows_of_the_store_one_per_line(tmp_path):
    """Given the store's rows one per line, with data as text, the trace is the same; job 3 never began, which is told."""
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in RECORD))
    trace = read_trace(path)
    assert trace.duration_ms.tolist() == [10_250, 1000] and trace.rows_read == 3
    [problem] = trace.problems
    assert problem.where == f"{path}:9" and "job 3 has not begun" in problem.what


def test_rubbish_among_events_is_told(tmp_path):
    """Given a cut line, an endless time, a second submission, a bad spec and an orphan, each is told and the rest is read."""
    broken = [
        '{"kind": "job_sub',
        json.dumps({"kind": "woken", "at_s": 1e300, "data": {}}),
        json.dumps(RECORD[0]),
        json.dumps(RECORD[2] | {"data": {"job_id": 9, "spec": {"command": []}}}),
        json.dumps(RECORD[5] | {"data": {"job_id": 77, "attempt": 1}}),
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join([*(json.dumps(row) for row in RECORD[:8]), *broken]))
    trace = read_trace(path)
    assert len(trace) == 2
    told = [(problem.code, int(problem.where.rpartition(":")[2])) for problem in trace.problems]
    assert told == [("TWIN-006", 9), ("TWIN-006", 10), ("TWIN-013", 11), ("TWIN-006", 12), ("TWIN-015", 13)]


def test_a_record_without_jobs_is_refused(tmp_path):
    """Given only other events, or brackets without end, it is refused."""
    path = tmp_path / "events.json"
    path.write_text(json.dumps([{"kind": "woken", "at_s": 1.0, "data": {}}]))
    with pytest.raises(Refused, match="no `job_submitted`"):
        read_trace(path)
    path.write_text("[" * 100_000)
    with pytest.raises(Refused, match="no `job_submitted`"):
        read_trace(Path(path), "events")
