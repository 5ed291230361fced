"""What one job does must not stop the others: odd bytes, forged records, pipes, forged annotations."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import StatementError
from tests.conftest import Parts
from tests.unit.platform.test_local_engine import finished, until

from datahall.foundation import files
from datahall.foundation.errors import Refused
from datahall.platform.admission import forged
from datahall.platform.home import Home
from datahall.platform.identity import LOCAL_ADMIN, Principal, Role
from datahall.platform.loop import launch_of
from datahall.platform.replicas import ServiceReplicas
from datahall.platform.spec import JobSpec
from datahall.platform.store import queries
from datahall.platform.store.journal import SqlJournal

TRUE = JobSpec(command=("true",), cpus=0.1)


def test_half_a_surrogate_pair_is_refused():
    """Given text that no database takes, the spec is refused with its field."""
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        JobSpec(command=("true",), annotations={"a": "\ud800"})


def test_a_file_name_that_is_no_text_fails_its_job_only(parts: Parts):
    """Given outputs with a name of odd bytes, that job says so once and the next one runs."""
    program = "import os; os.mkfifo(b'outputs/\\xff')"
    job = finished(parts, command=("python3", "-c", program), output_key="odd")
    assert job["state"] == "failed"
    assert "neither a file nor a folder" in job["reason"]
    assert finished(parts, command=("true",))["state"] == "succeeded"


def test_an_event_that_cannot_be_written_leaves_a_note(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    """Given one event that the database refuses for good, the others of its turn are written and a note stands for it."""
    real = SqlJournal._rows

    def picky(journal: SqlJournal, events):  # type: ignore[no-untyped-def]
        if any(getattr(event, "job_id", 0) == 1 and event.kind == "attempt_running" for event, _ in events):
            raise StatementError("cannot", "INSERT", {}, ValueError("odd"))
        return real(journal, events)

    monkeypatch.setattr(SqlJournal, "_rows", picky)
    first = finished(parts, command=("true",))
    assert first["state"] == "succeeded"
    kinds = [row["kind"] for row in queries.event_page(parts.database, tenant=None, subject="job/1")]
    assert kinds == ["job_submitted", "attempt_starting", "unwritable", "attempt_ended"]


def test_a_forged_end_is_no_end(parts: Parts):
    """Given a job that writes nonsense as its own end and kills its shim, it counts as lost; the scheduler goes on."""
    program = 'test -e state/again && exit 0; touch state/again; echo "{}" > ../attempts/1/0/end.json; kill -9 $PPID; sleep 5'
    job = finished(parts, command=("sh", "-c", program))
    assert [attempt["ending"] for attempt in job["attempts"]] == ["lost", "exited"]
    assert parts.scheduler.trouble == ""


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    """Given a named pipe where a log was expected, opening it fails at once instead of hanging the server."""
    import os

    os.mkfifo(tmp_path / "pipe")
    began = time.monotonic()
    with pytest.raises(OSError, match="is not a regular file"):
        files.open_regular(tmp_path / "pipe")
    assert time.monotonic() - began < 1


def test_annotations_of_the_platforms_own_are_refused():
    """Given a job from outside that calls itself a replica, it is a forgery."""
    [problem] = forged(TRUE.model_copy(update={"annotations": {"replica": "digits-v1-0"}}))
    assert (problem.code, problem.where) == ("JOB-017", "annotations.replica")


def test_a_forged_replica_does_not_keep_the_platform_from_starting(parts: Parts):
    """Given a job that was annotated as a replica without a plan, or with another's, it is not adopted as one."""
    plan = json.dumps({"replica": "r2", "tenant": "other"})
    specs = [
        JobSpec(command=("sleep", "20"), cpus=0.1, annotations={"replica": "r1"}),
        JobSpec(command=("sleep", "20"), cpus=0.1, annotations={"replica": "r2", "replica-plan": plan}),
    ]
    numbers = parts.scheduler.submit(LOCAL_ADMIN, *specs)
    assert asyncio.run(ServiceReplicas(parts.scheduler, parts.home.jobs).survivors()) == []
    for number in numbers:
        parts.scheduler.cancel(LOCAL_ADMIN, number)


def test_a_member_cannot_stand_above_replicas(parts: Parts):
    """Given a member, priorities above 900 are refused; an operator may."""
    member = Principal("eve", "default", Role.MEMBER)
    with pytest.raises(Refused, match="JOB-018 950 is above 900"):
        parts.scheduler.submit(member, TRUE.model_copy(update={"priority": 950}))
    parts.scheduler.submit(LOCAL_ADMIN, TRUE.model_copy(update={"priority": 950}))


def test_a_short_worker_runs_once_however_slow_we_are(parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Given a control plane that is held up between starting a worker and looking at it, the command runs once."""
    from datahall.platform.engines import local

    real = local.LocalEngine._watch

    def slow(*words):  # type: ignore[no-untyped-def]
        real(*words)
        time.sleep(0.3)

    monkeypatch.setattr(local.LocalEngine, "_watch", slow)
    mark = tmp_path / "mark"
    job = finished(parts, command=("sh", "-c", f"echo x >> {mark}; echo kept > outputs/f"), output_key="k")
    assert (job["state"], job["attempt"], mark.read_text()) == ("succeeded", 1, "x\n")


def test_a_stop_that_was_written_down_is_carried_out_after_a_crash(home: Home):
    """Given a control plane that died between writing a cancel down and doing it, the next one does it."""
    parts = Parts(home)
    parts.scheduler.start()
    [number] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sleep", "30"), cpus=0.1))
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["state"] == "running")
    engine = parts.engine
    parts.scheduler._loop.engine = _Deaf(engine)  # type: ignore[assignment]
    parts.scheduler.cancel(LOCAL_ADMIN, number)
    launch = launch_of(parts.scheduler.state.jobs[number])
    parts.scheduler.stop(suspend=False)
    parts.database.dispose()
    again = Parts(home)
    again.scheduler.start()
    until(lambda: again.scheduler.job(LOCAL_ADMIN, number)["state"] == "cancelled")
    again.close()
    assert launch.job_id == number


class _Deaf:
    """An engine that does not hear a stop: the control plane died just before it."""

    def __init__(self, engine: object) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> object:
        return (lambda *_: None) if name == "stop" else getattr(self._engine, name)


def test_content_that_was_replaced_is_found_by_its_digest(parts: Parts):
    """Given a step that ran again with another result, what was served before is still there for its replicas."""
    first = finished(parts, command=("sh", "-c", "echo 1 > outputs/x"), output_key="k")
    old = parts.catalogue.require("default", "key:k")
    finished(parts, command=("sh", "-c", "echo 2 > outputs/x"), output_key="k")
    new = parts.catalogue.require("default", "key:k")
    assert new["digest"] != old["digest"]
    assert parts.catalogue.require("default", f"sha256:{old['digest']}")["made_by_job"] == first["id"]
    parts.catalogue.collect_garbage(also={old["digest"]}, by="test")
    parts.catalogue.require("default", f"sha256:{old['digest']}")
    parts.catalogue.collect_garbage(also=set(), by="test")
    assert parts.catalogue.find("default", f"sha256:{old['digest']}") is None


def test_a_job_too_large_beside_services_lets_others_pass(parts: Parts):
    """Given a service on a 2-CPU hall, a 2-CPU job waits for its end, says so, and a small one behind it runs."""
    [service] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sleep", "60"), cpus=0.1, service=True))
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, service)["state"] == "running")
    [large] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("true",), cpus=2))
    assert finished(parts, command=("true",))["state"] == "succeeded"
    why = parts.scheduler.job(LOCAL_ADMIN, large)["why"]
    assert why["code"] == "services"
    parts.scheduler.cancel(LOCAL_ADMIN, service)
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, large)["state"] == "succeeded")


def test_reasons_do_not_describe_other_tenants_jobs(parts: Parts):
    """Given a job of another tenant that holds the hall, a member learns neither its name nor its size."""
    parts.identity.make_tenant("other", by="test")
    [holder] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sleep", "60"), cpus=2, name="merger", tenant="other"))
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, holder)["state"] == "running")
    member = Principal("eve", "default", Role.MEMBER)
    [number] = parts.scheduler.submit(member, JobSpec(command=("true",)))
    why = parts.scheduler.job(member, number)["why"]
    assert "merger" not in json.dumps(why)
    assert why["unblock"] == "another tenant's job holds the rest"
    parts.scheduler.cancel(LOCAL_ADMIN, holder)


def test_a_start_that_never_came_to_pass_is_not_held_against_the_job(home: Home):
    """Given ten control planes in a row that die between the decision and the first process, the job still runs."""
    for _ in range(10):
        parts = Parts(home)
        parts.scheduler._loop.engine = _Idle(parts.engine)  # type: ignore[assignment]
        parts.scheduler.start()
        if not parts.scheduler.jobs(LOCAL_ADMIN):
            parts.scheduler.submit(LOCAL_ADMIN, TRUE)
        until(lambda jobs=parts.scheduler.state.jobs: any(job.state == "starting" for job in jobs.values()))
        parts.scheduler.stop(suspend=False)
        parts.database.dispose()
    again = Parts(home)
    again.scheduler.start()
    until(lambda: again.scheduler.job(LOCAL_ADMIN, 1)["state"] == "succeeded")
    assert again.scheduler.job(LOCAL_ADMIN, 1)["lost"] == 0
    again.close()


class _Idle(_Deaf):
    """An engine that never starts anything: the control plane died just before it."""

    def __getattr__(self, name: str) -> object:
        return (lambda *_: None) if name == "start" else getattr(self._engine, name)
