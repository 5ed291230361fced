"""The doors to the queue: several jobs at once, retries, a store that is away for a while."""

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from tests.conftest import Parts

from datahall.foundation.clock import SystemClock
from datahall.foundation.errors import Conflict, Late, Refused
from datahall.platform.audit import broken_links
from datahall.platform.engines import local
from datahall.platform.home import Home
from datahall.platform.identity import LOCAL_ADMIN
from datahall.platform.spec import JobSpec
from datahall.platform.store import queries
from datahall.platform.store.journal import SqlJournal

PATIENCE_S = 30.0
TRUE = JobSpec(command=("true",), cpus=0.1)


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_jobs_of_one_call_are_written_together(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    """Given a turn that takes in two events at most, a batch of nine is still written in one transaction."""
    monkeypatch.setattr(local, "EVENTS_A_TURN", 2)
    written: list[int] = []
    parts.scheduler.listeners.append(lambda events: written.append(sum(event.kind == "job_submitted" for event in events)))
    parts.scheduler.submit(LOCAL_ADMIN, *[TRUE] * 9)
    assert [count for count in written if count] == [9]


def test_no_jobs_at_all_are_fine(parts: Parts):
    """Given a call without jobs, nothing is queued and the queue turns on."""
    assert parts.scheduler.submit(LOCAL_ADMIN) == []
    assert parts.scheduler.submit(LOCAL_ADMIN, TRUE) == [1]


def test_needs_within_a_call_count_its_jobs(parts: Parts):
    """Given jobs of one call that need -1 and -2, these are its first and its second."""
    [first] = parts.scheduler.submit(LOCAL_ADMIN, TRUE)
    needing = TRUE.model_copy(update={"needs": (-1, -2, first)})
    numbers = parts.scheduler.submit(LOCAL_ADMIN, TRUE, TRUE, needing)
    assert parts.scheduler.job(LOCAL_ADMIN, numbers[2])["spec"]["needs"] == [numbers[0], numbers[1], first]


@pytest.mark.parametrize("needed", [-1, -2, 0, 2, 99])
def test_a_job_cannot_need_itself_or_what_comes_later(parts: Parts, needed: int):
    """Given a first job that needs itself, a later one or an unknown one, the call is refused and nothing is queued."""
    with pytest.raises(Refused, match=r"JOB-011 there is no job -?\d+ that you may see"):
        parts.scheduler.submit(LOCAL_ADMIN, TRUE.model_copy(update={"needs": (needed,)}), TRUE)
    assert queries.last_job_id(parts.database) == 0


def test_a_refused_retry_leaves_nothing_behind(parts: Parts):
    """Given 1 <- 2 where 1 failed, retrying 2 is refused, and the queue holds no trace of it."""
    numbers = parts.scheduler.submit(LOCAL_ADMIN, TRUE.model_copy(update={"command": ("false",)}), TRUE)
    [second] = parts.scheduler.submit(LOCAL_ADMIN, TRUE.model_copy(update={"needs": (numbers[0],)}))
    until(lambda: not parts.scheduler.state.jobs)
    with pytest.raises(Conflict, match=f"JOB-007 it needs job {numbers[0]}, which failed"):
        parts.scheduler.retry(LOCAL_ADMIN, second)
    assert parts.scheduler.state.jobs == {}
    parts.scheduler.retry(LOCAL_ADMIN, numbers[1])
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, numbers[1])["attempt"] == 2)


def test_retries_by_several_people_at_once(parts: Parts):
    """Given an ended job that six people retry in the same moment, it runs again, and the record stays whole."""
    [number] = parts.scheduler.submit(LOCAL_ADMIN, TRUE)
    until(lambda: not parts.scheduler.state.jobs)

    def retry() -> None:
        for _ in range(3):
            with_conflict(lambda: parts.scheduler.retry(LOCAL_ADMIN, number))

    people = [threading.Thread(target=retry) for _ in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    until(lambda: not parts.scheduler.state.jobs)
    assert parts.scheduler.failure == ""
    attempts = [attempt["attempt"] for attempt in parts.scheduler.job(LOCAL_ADMIN, number)["attempts"]]
    assert attempts == list(range(1, len(attempts) + 1))
    assert len(attempts) > 1
    assert broken_links(queries.all_events(parts.database)) == []


def with_conflict(do: Callable[[], None]) -> None:
    try:
        do()
    except Conflict as error:
        assert error.problems[0].code in {"JOB-001", "JOB-003"}


# --- a store that is away -----------------------------------------------------------------------------------


def test_a_locked_database_is_waited_for(parts: Parts, home: Home, monkeypatch: pytest.MonkeyPatch):
    """Given another program that holds the write lock for a while, the trouble shows, then everything is written."""
    monkeypatch.setattr("datahall.platform.store.journal.RETRY_S", 0.02)
    other = sqlite3.connect(home.root / "database.db", isolation_level=None)
    with parts.database.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    other.execute("BEGIN IMMEDIATE")
    answers: list[list[int]] = []
    asking = threading.Thread(target=lambda: answers.append(parts.scheduler.submit(LOCAL_ADMIN, TRUE)))
    asking.start()
    until(lambda: parts.journal.trouble == "database is locked")
    assert answers == []
    other.execute("ROLLBACK")
    other.close()
    asking.join()
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, answers[0][0])["state"] == "succeeded")
    assert parts.journal.trouble == ""


def test_nobody_waits_for_ever_on_a_queue_that_stands(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    """Given a turn that does not end, a submission is told so, with the trouble, instead of hanging."""
    monkeypatch.setattr("datahall.platform.service.ACKNOWLEDGE_S", 0.2)
    parts.journal.trouble = "database is locked"
    holding = threading.Event()

    def hold() -> None:
        with parts.scheduler.lock:
            holding.set()
            time.sleep(1)

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait()
    for ask in (lambda: parts.scheduler.submit(LOCAL_ADMIN, TRUE), lambda: parts.scheduler.why(1)):
        with pytest.raises(Late, match=r"JOB-030 no answer in 0\.2 s: database is locked"):
            ask()
    holder.join()


def failing(times: int, message: str) -> Callable[..., Any]:
    real, left = SqlJournal._transact, [times]

    def write(journal: SqlJournal, *words: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError("INSERT", {}, sqlite3.OperationalError(message))
        return real(journal, *words)

    return write


def test_a_full_disk_is_waited_for(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    """Given a disk that is full for three tries, the answer comes once the job is written, and not before."""
    monkeypatch.setattr("datahall.platform.store.journal.RETRY_S", 0.02)
    monkeypatch.setattr(SqlJournal, "_transact", failing(3, "database or disk is full"))
    [number] = parts.scheduler.submit(LOCAL_ADMIN, TRUE)
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["state"] == "succeeded")
    assert parts.journal.trouble == ""
    assert broken_links(queries.all_events(parts.database)) == []


def test_a_clock_set_back_does_not_turn_the_record_back(home: Home, monkeypatch: pytest.MonkeyPatch):
    """Given a machine whose clock is set back by a day between two starts, the events' times never fall."""
    first = Parts(home)
    first.scheduler.start()
    first.scheduler.submit(LOCAL_ADMIN, TRUE)
    until(lambda: not first.scheduler.state.jobs)
    first.close()
    real = time.time
    monkeypatch.setattr("datahall.foundation.clock.time.time", lambda: real() - 86400)
    second = Parts(home)
    second.scheduler.start()
    second.scheduler.submit(LOCAL_ADMIN, TRUE)
    until(lambda: not second.scheduler.state.jobs)
    times = [event["at_s"] for event in queries.event_page(second.database, tenant=None)]
    assert times == sorted(times)
    assert len(times) >= 9
    assert SystemClock().now_s() < times[0]
    second.close()
