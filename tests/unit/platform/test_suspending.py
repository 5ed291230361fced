"""Going down and coming back: what ran starts again, and nothing fails because of it."""

import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Parts

from datahall.platform.home import Home
from datahall.platform.identity import LOCAL_ADMIN
from datahall.platform.spec import JobSpec
from datahall.platform.store import queries

PATIENCE_S = 40.0


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_no_job_is_lost_or_failed_by_restarts_in_order(home: Home):
    """Given twelve jobs and five platforms that each go down in order at some moment, all twelve succeed in the end."""
    dice = random.Random(3)
    for life in range(6):
        parts = Parts(home)
        parts.scheduler.start()
        if life == 0:
            spec = JobSpec(command=("sh", "-c", "sleep 0.2"), cpus=0.5)
            numbers = parts.scheduler.submit(LOCAL_ADMIN, *[spec] * 12)
        if life < 5:
            time.sleep(dice.uniform(0, 0.3))
        else:
            until(lambda state=parts.scheduler.state: not state.jobs)
        parts.close()
    after = Parts(home)
    found = {number: queries.job_row(after.database, number) for number in numbers}
    assert {row.state for row in found.values()} == {"succeeded"}
    assert {row.failures for row in found.values()} == {0}
    after.database.dispose()


def test_going_down_starts_nothing_new(home: Home):
    """Given two jobs for one place, going down stops the first and does not start the second in its stead."""
    parts = Parts(home, cpu_milli=1000)
    parts.scheduler.start()
    spec = JobSpec(command=("sleep", "60"))
    first, second = parts.scheduler.submit(LOCAL_ADMIN, spec, spec)
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, first)["state"] == "running")
    began = time.monotonic()
    parts.scheduler.stop(suspend=True)
    assert time.monotonic() - began < 10
    assert [a["ending"] for a in queries.attempts_of(parts.database, first)] == ["suspended"]
    assert queries.attempts_of(parts.database, second) == []
    assert {queries.job_row(parts.database, n).state for n in (first, second)} == {"waiting"}
    parts.database.dispose()


def test_what_the_last_turn_starts_is_suspended_too(parts: Parts, home: Home):
    """Given a platform that begins to go down in the middle of a turn, what that turn starts never runs, and waits."""
    parts.engine.suspend_all()
    mark = home.root / "mark"
    [number] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("touch", str(mark)), retries=0))
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["attempts"])
    parts.scheduler.stop(suspend=True)
    assert queries.job_row(parts.database, number).state == "waiting"
    assert {a["ending"] for a in queries.attempts_of(parts.database, number)} <= {"suspended", None}
    assert not mark.exists()


def test_a_shim_that_someone_else_stops_does_not_fail_the_job(parts: Parts, home: Home):
    """Given SIGTERM to the shim from outside, as at the machine's shutdown, the job starts again."""
    mark = home.root / "mark"
    [number] = parts.scheduler.submit(
        LOCAL_ADMIN, JobSpec(command=("sh", "-c", f"test -e {mark} || {{ touch {mark}; sleep 60; }}"))
    )
    until(lambda: mark.exists() and parts.scheduler.job(LOCAL_ADMIN, number)["state"] == "running")
    [run] = parts.engine._runs.values()
    os.kill(run.pids[0], signal.SIGTERM)
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["ended_s"])
    job = parts.scheduler.job(LOCAL_ADMIN, number)
    assert (job["state"], job["failures"], job["lost"]) == ("succeeded", 0, 1)
    assert [a["ending"] for a in job["attempts"]] == ["stopped", "exited"]


@pytest.mark.parametrize("where", ["prepare", "collect"])
def test_a_fault_in_the_stage_starts_the_job_again(parts: Parts, monkeypatch: pytest.MonkeyPatch, where: str):
    """Given a stage that fails once in a way nobody foresaw, the job is not stuck: its attempt counts as lost."""
    real = getattr(parts.stage, where)
    failures = iter([RuntimeError("a loop of links")])

    def once(*args: Any) -> Any:
        for error in failures:
            raise error
        return real(*args)

    monkeypatch.setattr(parts.stage, where, once)
    [number] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sh", "-c", "echo 1 > outputs/x"), output_key="k"))
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["ended_s"])
    job = parts.scheduler.job(LOCAL_ADMIN, number)
    assert (job["state"], [a["ending"] for a in job["attempts"]]) == ("succeeded", ["lost", "exited"])
    assert "RuntimeError: a loop of links" in job["attempts"][0]["detail"]


def test_a_stop_in_the_first_moment_is_not_a_loss(home: Home):
    """Given jobs that are cancelled or suspended the instant they start, none counts as lost with its machine."""
    parts = Parts(home)
    parts.scheduler.start()
    for _ in range(8):
        [number] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sleep", "60"), cpus=0.1))
        until(lambda number=number: parts.scheduler.job(LOCAL_ADMIN, number)["state"] in ("starting", "running"))
        parts.scheduler.cancel(LOCAL_ADMIN, number)
    until(lambda: not parts.scheduler.state.jobs)
    parts.close()
    after = Parts(home)
    rows = queries.job_page(after.database, tenant=None)
    assert {row["state"] for row in rows} == {"cancelled"}
    assert {a["ending"] for row in rows for a in queries.attempts_of(after.database, row["id"])} == {"stopped"}
    after.database.dispose()
