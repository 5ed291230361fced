"""What it costs to watch jobs that are over: nothing but a look at the clock of their folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datahall.models.tracking import ingest as module
from datahall.models.tracking import watched
from datahall.models.tracking.ingest import Ingest
from datahall.models.tracking.watched import WatchedJobs


def numbers(folders: list[Path]) -> list[str]:
    return [folder.name for folder in folders]


def one_pass(ingest: Ingest, jobs: WatchedJobs) -> None:
    ingest.take(jobs.due(), jobs.done)


def test_ended_jobs_are_not_read_again(
    home: Path, job: Callable[..., Any], memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an ended step, an ended one-liner and a running step, from the second pass on only the running one is due."""
    job(1).start().step("train").metrics(0).end()
    job(2).start().end()
    running = job(10).start().step("train")
    ingest, jobs = Ingest(home, lambda: memory), WatchedJobs(home / "jobs")
    assert numbers(jobs.due()) == ["1", "2", "10"]
    one_pass(ingest, jobs)
    assert numbers(jobs.due()) == ["10"]
    running.metrics(0).end()
    one_pass(ingest, jobs)
    assert jobs.due() == []
    assert {run["status"] for run in memory.runs.values()} == {"FINISHED"}


def test_after_a_restart_an_ended_job_is_known_by_what_was_written_down(
    home: Path, job: Callable[..., Any], memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an ended step that an earlier process has taken in, the next one does not even read whose it is."""
    job(1).start().step("train").metrics(0).end()
    one_pass(Ingest(home, lambda: memory), WatchedJobs(home / "jobs"))
    monkeypatch.setattr(module, "job_of", lambda _folder: pytest.fail("the job was read again"))
    jobs = WatchedJobs(home / "jobs")
    one_pass(Ingest(home, lambda: memory), jobs)
    assert jobs.due() == []


def test_a_new_attempt_and_a_new_job_are_noticed(
    home: Path, job: Callable[..., Any], memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an ended job that is tried again and one that comes new, both are due; a folder that is removed is forgotten."""
    monkeypatch.setattr(watched, "SWEEP_INTERVAL_S", 0.0)
    first = job(1).start().step("train").metrics(0).end(code=1)
    ingest, jobs = Ingest(home, lambda: memory), WatchedJobs(home / "jobs")
    one_pass(ingest, jobs)
    assert jobs.due() == []
    first.start()
    job(2).start().end()
    assert numbers(jobs.due()) == ["1", "2"]
    first.end()
    one_pass(ingest, jobs)
    assert [run["status"] for run in memory.runs.values()] == ["FINISHED"]
    first.path.rename(home / "elsewhere")
    assert jobs.due() == []


def test_what_could_not_be_taken_in_stays_due(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given an ended job whose store is no database, it is tried again in each pass."""
    bad = job(1).start()
    (bad.work / "mlflow.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    bad.end()
    ingest, jobs = Ingest(home, lambda: memory), WatchedJobs(home / "jobs")
    one_pass(ingest, jobs)
    assert numbers(jobs.due()) == ["1"]


def test_before_the_first_job_nothing_is_due(tmp_path: Path) -> None:
    """Given a home without jobs, the list is empty."""
    assert WatchedJobs(tmp_path / "jobs").due() == []
