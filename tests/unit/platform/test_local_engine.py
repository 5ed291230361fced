"""Real processes: started, limited, stopped, adopted."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Parts

from datahall.foundation.errors import Busy, Conflict, Denied, Missing, Refused
from datahall.platform.home import Home
from datahall.platform.identity import LOCAL_ADMIN, Principal, Role
from datahall.platform.logs import read_log
from datahall.platform.spec import JobSpec

PATIENCE_S = 20.0


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def finished(parts: Parts, *, patient: bool = True, **words: Any) -> dict[str, Any]:
    [number] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec.model_validate({"cpus": 0.5} | words))
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["ended_s"] is not None)
    return parts.scheduler.job(LOCAL_ADMIN, number)


def output(parts: Parts, job: dict[str, Any], rank: int = 0) -> str:
    folder = parts.home.jobs / str(job["id"])
    return read_log(folder, attempt=job["attempt"], rank=rank, offset=0)[0].decode()


def test_a_command_runs_and_is_accounted_for(parts: Parts):
    """Given a command that computes for a moment, its output, code, time, memory and energy are on record."""
    job = finished(parts, command=("python3", "-c", "sum(range(3_000_000)); print('hello')"))
    assert (job["state"], output(parts, job)) == ("succeeded", "hello\n")
    used = job["usage"]
    assert used["wall_s"] > 0
    assert used["cpu_s"] > 0.01
    assert used["peak_memory_bytes"] > 1_000_000
    assert used["energy_j"] > 0
    assert used["energy_source"]


def test_a_program_that_is_not_there_is_named(parts: Parts):
    """Given a mistyped program, the job fails saying which."""
    job = finished(parts, command=("pyhton3",))
    assert (job["state"], job["reason"]) == ("failed", "could not be started: pyhton3: No such file or directory")


def test_an_exit_code_fails_the_job(parts: Parts):
    """Given a command that ends with 3, so does the job."""
    job = finished(parts, command=("sh", "-c", "exit 3"))
    assert (job["state"], job["reason"]) == ("failed", "ended with code 3")


def test_memory_beyond_the_limit_ends_the_job(parts: Parts):
    """Given 64 MiB and a program that takes 300 MiB, it is ended and the sentence says what was used."""
    program = "import time; x = bytearray(300 * 2**20); x[::4096] = b'1' * len(x[::4096]); time.sleep(20)"
    job = finished(parts, command=("python3", "-c", program), memory=64 * 2**20)
    assert job["state"] == "failed"
    assert job["reason"].startswith("used more memory than it was given: ")


def test_the_time_limit_ends_the_job(parts: Parts):
    """Given 0.3 s, a sleeper is ended."""
    job = finished(parts, command=("sleep", "30"), time_limit=0.3)
    assert (job["state"], job["reason"]) == ("failed", "ran past its time limit: 0.3 s allowed")


def test_cancelling_ends_what_the_command_started_too(parts: Parts, tmp_path: Path):
    """Given a command with a child of its own that ignores SIGTERM's parent, both are gone after the cancel."""
    marker = tmp_path / "pid"
    program = f"sleep 60 & echo $! > {marker}; wait"
    [number] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sh", "-c", program)))
    until(lambda: marker.exists() and marker.read_text().strip() != "")
    parts.scheduler.cancel(LOCAL_ADMIN, number)
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["state"] == "cancelled")
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.kill(int(marker.read_text()), 0)


def test_a_daemon_left_behind_is_ended(parts: Parts, tmp_path: Path):
    """Given a command that leaves a process in a session of its own, it does not outlive the job."""
    marker = tmp_path / "pid"
    job = finished(parts, command=("sh", "-c", f"setsid sleep 60 & echo $! > {marker}"))
    assert job["state"] == "succeeded"
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.kill(int(marker.read_text()), 0)


def test_a_gang_finds_itself(parts: Parts):
    """Given two workers, each knows its rank, the world and the same meeting place."""
    program = "import os; e = os.environ; print(e['RANK'], e['WORLD_SIZE'], e['MASTER_ADDR'], e['MASTER_PORT'])"
    job = finished(parts, command=("python3", "-c", program), workers=2)
    first, second = output(parts, job, 0).split(), output(parts, job, 1).split()
    assert (first[:3], second[:3]) == (["0", "2", "127.0.0.1"], ["1", "2", "127.0.0.1"])
    assert first[3] == second[3]


def test_a_gang_falls_with_its_first_worker(parts: Parts):
    """Given worker 1 fails while worker 0 would sleep, the job fails at once and names worker 1."""
    program = "import os, sys, time; sys.exit(5) if os.environ['RANK'] == '1' else time.sleep(60)"
    job = finished(parts, command=("python3", "-c", program), workers=2)
    assert (job["state"], job["reason"]) == ("failed", "ended with code 5 (worker 1)")


def test_only_the_allowed_part_of_our_environment_is_seen(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    """Given a token in the control plane's environment, a job does not see it; its own variables it does."""
    monkeypatch.setenv("SOME_API_TOKEN", "hunter2")
    job = finished(parts, command=("env",), environment={"MINE": "yes"})
    seen = output(parts, job)
    assert "hunter2" not in seen
    assert "MINE=yes" in seen


def test_a_secret_reaches_the_job_and_nothing_else(parts: Parts):
    """Given a secret by reference, the job has its value and the database does not."""
    parts.stage.set_secret("default", "key", "s3cr3t-value")
    job = finished(parts, command=("sh", "-c", "echo $KEY | tr a-z b-za"), secrets={"KEY": "key"})
    assert output(parts, job) == "t3ds3u-wbmvf\n"
    kept = [path for path in parts.home.root.rglob("*") if path.is_file() and path.parent.parent != parts.home.secrets]
    assert not [path for path in kept if b"s3cr3t-value" in path.read_bytes()]


def test_output_files_rotate(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    """Given a log limit of 1,000 bytes and 3 older files, a chatty job keeps its newest words only."""
    monkeypatch.setattr("datahall.platform.engines.run.LOG_BYTES", 1000)
    job = finished(parts, command=("python3", "-u", "-c", "for i in range(900): print(i, flush=True)"))
    text = output(parts, job)
    assert text.endswith("899\n")
    assert len(text) <= 4000


def test_outputs_become_an_artifact_and_inputs_of_the_next(parts: Parts):
    """Given a job that leaves a file in outputs/, a later one reads it under inputs/."""
    job = finished(parts, command=("sh", "-c", "echo 42 > outputs/answer"), output_key="answer-key")
    assert job["state"] == "succeeded", job["reason"]
    next_job = finished(parts, command=("cat", "inputs/first/answer"), inputs={"first": "key:answer-key"})
    assert output(parts, next_job) == "42\n"
    row = parts.catalogue.require("default", "key:answer-key")
    assert row["made_by_job"] == job["id"]


def test_an_input_that_is_missing_fails_the_job_with_its_name(parts: Parts):
    """Given an input that nobody made, the job says which."""
    job = finished(parts, command=("true",), inputs={"first": "key:nothing"})
    assert job["state"] == "failed"
    assert "`key:nothing` is not in tenant `default`" in job["reason"]


def test_an_unmade_output_fails_the_job(parts: Parts):
    """Given a job that should leave outputs and does not, it fails saying so."""
    job = finished(parts, command=("true",), output_key="k")
    assert (job["state"], "left nothing there" in job["reason"]) == ("failed", True)


def test_what_cannot_ever_fit_is_refused_with_the_nearest_that_fits(parts: Parts):
    """Given a 2-CPU hall, 64 CPUs are refused naming 2; three 1-CPU workers naming 2."""
    with pytest.raises(Refused, match=r"cpus: JOB-010 64 asked for, but the largest node has 2\. Ask for at most 2"):
        parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("true",), cpus=64))
    with pytest.raises(Refused, match="Ask for at most 2 workers"):
        parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("true",), workers=3))
    with pytest.raises(Refused, match="Ask for none: no node has any"):
        parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("true",), accelerators=1))


def test_all_problems_of_a_job_come_at_once(parts: Parts):
    """Given an unknown dependency, an unknown secret and too many CPUs, all three are named."""
    spec = JobSpec(command=("true",), cpus=9, needs=(77,), secrets={"A": "nope"})
    with pytest.raises(Refused, match="JOB-010") as caught:
        parts.scheduler.submit(LOCAL_ADMIN, spec)
    assert [problem.code for problem in caught.value.problems] == ["JOB-010", "JOB-011", "JOB-012"]


def test_tenants_do_not_see_each_other(parts: Parts):
    """Given a job of one tenant, another's member neither sees nor cancels it, and a viewer may not submit."""
    parts.identity.make_tenant("other", by="test")
    job = finished(parts, command=("true",))
    stranger = Principal("eve", "other", Role.MEMBER)
    assert parts.scheduler.jobs(stranger) == []
    with pytest.raises(Missing, match="there is no such job"):
        parts.scheduler.job(stranger, job["id"])
    with pytest.raises(Missing, match="there is no such job"):
        parts.scheduler.cancel(stranger, job["id"])
    with pytest.raises(Denied, match="may not write"):
        parts.scheduler.submit(Principal("joe", "default", Role.VIEWER), JobSpec(command=("true",)))


def test_cancelling_what_is_over_is_refused(parts: Parts):
    """Given an ended job, a cancel says how it ended."""
    job = finished(parts, command=("true",))
    with pytest.raises(Conflict, match="it has succeeded"):
        parts.scheduler.cancel(LOCAL_ADMIN, job["id"])


def test_a_full_queue_says_so(parts: Parts, monkeypatch: pytest.MonkeyPatch):
    """Given a queue that may hold one job, the second submit of two is told to come later."""
    monkeypatch.setattr("datahall.platform.service.MAX_WAITING", 1)
    with pytest.raises(Busy, match="0 jobs are waiting or running"):
        parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("true",)), JobSpec(command=("true",)))


def test_running_workers_are_adopted(home: Home):
    """Given a control plane that lets go of its jobs, the next one takes them up and sees their end."""
    first = Parts(home)
    first.scheduler.start()
    [number] = first.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sh", "-c", "sleep 0.7; echo done")))
    until(lambda: first.scheduler.job(LOCAL_ADMIN, number)["state"] == "running")
    first.scheduler.stop(suspend=False)
    first.database.dispose()
    second = Parts(home)
    second.scheduler.start()
    until(lambda: second.scheduler.job(LOCAL_ADMIN, number)["state"] == "succeeded")
    assert second.scheduler.job(LOCAL_ADMIN, number)["attempt"] == 1
    assert output(second, second.scheduler.job(LOCAL_ADMIN, number)) == "done\n"
    second.close()


def test_a_killed_shim_takes_its_worker_along_and_the_job_runs_again(parts: Parts, tmp_path: Path):
    """Given kill -9 of the shim, its worker dies too and the job starts a second attempt without using up a retry."""
    marker = tmp_path / "starts"
    program = f"echo start >> {marker}; test $(wc -l < {marker}) -ge 2 || sleep 60"
    [number] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sh", "-c", program)))
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["state"] == "running" and marker.exists())
    [run] = parts.engine._runs.values()
    os.kill(run.pids[0], signal.SIGKILL)
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["state"] == "succeeded")
    assert [a["ending"] for a in parts.scheduler.job(LOCAL_ADMIN, number)["attempts"]] == ["lost", "exited"]


def test_suspending_starts_jobs_again_later(home: Home):
    """Given a platform that is shut down, its running job waits and runs again under the next."""
    first = Parts(home)
    first.scheduler.start()
    [number] = first.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sh", "-c", "test -e again || { touch again; sleep 60; }")))
    until((home.jobs / str(number) / "work" / "again").exists)
    first.close()
    second = Parts(home)
    second.scheduler.start()
    until(lambda: second.scheduler.job(LOCAL_ADMIN, number)["state"] == "succeeded")
    assert [a["ending"] for a in second.scheduler.job(LOCAL_ADMIN, number)["attempts"]] == ["suspended", "exited"]
    second.close()
