"""Requests of the control plane, and the process that carries them out."""

import importlib.metadata
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from datahall.foundation.errors import Conflict, Unavailable
from datahall.models.tracking import ingest
from datahall.models.tracking.ingest import Ingest, main, open_mlflow, own, watch_command
from datahall.models.tracking.reader import models, runs
from datahall.models.tracking.requests import RegisterRequest, WorkflowRequest, leave_request, requests_folder, waiting_requests
from datahall.models.tracking.template import template_path
from datahall.models.tracking.watched import job_folders

ROOT = Path(__file__).parents[4]


def take(home: Path, store: Any) -> None:
    Ingest(home, lambda: store).take(job_folders(home / "jobs"))


def test_requests_are_carried_out_in_order_and_once(home: Path, memory: Any) -> None:
    """Given a started recipe and two registrations, the run shows all parameters, and the alias is at the second version."""
    leave_request(home, WorkflowRequest(workflow="abc", recipe="digits", parameters={"name": "digits", "train": {"epochs": 3}}))
    for n in (1, 2):
        leave_request(
            home,
            RegisterRequest(name="digits", bundle=f"sha256:{n}", alias="champion", workflow="abc", metrics={"accuracy": 0.9}),
        )
    take(home, memory)
    take(home, memory)
    assert memory.runs["default/workflow/abc"]["params"] == {"train.epochs": "3"}
    assert [request.bundle for request in memory.versions] == ["sha256:1", "sha256:2"]
    assert memory.versions[0].run_key == "default/workflow/abc" and memory.versions[0].tags == {"metric.accuracy": "0.9"}
    assert memory.aliases == {("digits", "champion"): 2}
    assert waiting_requests(home) == []


def test_a_kill_between_carrying_out_and_removing_doubles_nothing(home: Path, memory: Any, killed: Any) -> None:
    """Given a kill at each write, after the next pass there is one version for each request."""
    for kill_at in (1, 2):
        store = type(memory)()
        store.kill_at = kill_at
        for n in (1, 2):
            leave_request(home, RegisterRequest(name="digits", bundle=f"sha256:{n}", alias="champion"))
        with pytest.raises(killed):
            take(home, store)
        take(home, store)
        assert len(store.versions) == store.aliases["digits", "champion"] == 2


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"kind": "register", "at_ms": 1, "name": "../x", "bundle": "b"}', '{"kind": "x", "at_ms": 1}']
)
def test_what_is_no_request_is_put_aside(home: Path, memory: Any, caplog: Any, text: str) -> None:
    """Given nonsense among the requests, it is named in the log and put aside, and the good one after it is carried out."""
    requests_folder(home).mkdir(parents=True)
    (requests_folder(home) / "0000-bad.json").write_text(text)
    leave_request(home, RegisterRequest(name="digits", bundle="b"))
    take(home, memory)
    assert len(memory.versions) == 1 and len(caplog.messages) == 1
    assert [path.name for path in requests_folder(home).iterdir()] == ["0000-bad.refused"]


def test_one_process_at_a_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a process that takes in, a second one waits for a while and then says why it ends."""
    lock = own(home)
    with pytest.raises(Conflict, match="TRACK-005 another process takes runs"):
        own(home, patience_s=0.05)
    monkeypatch.setattr(ingest, "LOCK_PATIENCE_S", 0.05)
    assert main(["--home", str(home)]) == 1
    assert lock is not None
    os.close(lock)
    assert own(home) is not None


def test_without_mlflow_runs_wait_and_it_is_told(
    home: Path, job: Callable[..., Any], caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an installation without MLflow, the log names the package, the run waits, and a job gets no template."""
    monkeypatch.delitem(sys.modules, "datahall.models.tracking.mlflow_store", raising=False)
    monkeypatch.setitem(sys.modules, "mlflow.entities", None)
    job(1).start().step("train").metrics(0)
    Ingest(home, lambda: open_mlflow(home)).take(job_folders(home / "jobs"))
    [line] = caplog.messages
    assert "TRACK-006" in line and "pip install 'datahall[models]'" in line
    assert not (home / "tracking" / "offsets").exists()

    def absent(_name: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", absent)
    assert template_path(home).name == "template-none.db"


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Given a file where the home should be, the process says so."""
    (tmp_path / "home").write_text("")
    with pytest.raises(Unavailable, match="FILE-001"):
        own(tmp_path / "home")


def command(home: Path, *words: str) -> list[str]:
    return [*watch_command(home, parent=os.getpid()), *words]


def test_a_pass_without_anything_to_take_does_not_import_mlflow(home: Path) -> None:
    """Given an empty home, the process ends at once, and MLflow was not imported."""
    code = "import sys; from datahall.models.tracking.ingest import main; main(sys.argv[1:]); sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, "--home", str(home)], check=True, timeout=60)


def progress(home: Path, number: int) -> dict[str, Any]:
    """How far the job has been taken in."""
    path = home / "tracking" / "offsets" / f"job-{number}.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_the_process_can_be_killed_at_any_moment(ready_home: Path, template: Path, job: Callable[..., Any], kills: int) -> None:
    """Given jobs that grow, requests that come, and kill -9 again and again, each point and version is there once."""
    (ready_home / "tracking").mkdir()
    template_path(ready_home).write_bytes(template.read_bytes())
    folders = [job(n, workflow=f"w{n}").start().step("train", x=n) for n in (1, 2)]
    epochs, dice = 0, random.Random(1)
    for kill in range(kills):
        before = progress(ready_home, 2)
        process = subprocess.Popen(command(ready_home, "--interval", "0.01"))
        leave_request(ready_home, RegisterRequest(name="digits", bundle=f"sha256:{kill}", alias="champion"))
        more = dice.randrange(30)
        while more > 0:  # grows until the process is at work, and then a little longer
            for folder in folders:
                folder.metrics(epochs)
            epochs, more = epochs + 1, more - (progress(ready_home, 2) != before)
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    for folder in folders:
        folder.end()
    process = subprocess.Popen(command(ready_home, "--interval", "0.01"))
    while waiting_requests(ready_home) or not all("done" in progress(ready_home, n) for n in (1, 2)):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    with closing(sqlite3.connect(ready_home / "mlflow.db")) as store:
        assert store.execute("SELECT count(*) FROM metrics").fetchone()[0] == 2 * 2 * epochs  # runs, metrics of a line
        assert store.execute("SELECT count(*) FROM runs").fetchone()[0] == 2
    assert {row.status for row in runs(ready_home)} == {"FINISHED"}
    [model] = models(ready_home)
    assert [version.bundle for version in model.versions] == [f"sha256:{n}" for n in reversed(range(kills))]
    assert model.versions[0].aliases == ("champion",)


def test_the_process_ends_with_its_parent(home: Path, template: Path) -> None:
    """Given a parent that is killed, the process makes a last pass and ends by itself, so that the next one can take over."""
    (home / "tracking").mkdir()
    template_path(home).write_bytes(template.read_bytes())
    words = command(home, "--interval", "0.05")
    words[words.index("--parent") + 1] = "MINE"
    code = "import os, subprocess, sys, time\n"
    code += f"words = [str(os.getpid()) if word == 'MINE' else word for word in {words!r}]\n"
    code += "print(subprocess.Popen(words).pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    while not (home / "tracking" / "lock").exists():
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    lock = own(home)
    assert lock is not None
    os.close(lock)
    assert pid > 0


def test_an_orphan_from_the_start_ends_too(home: Path, template: Path) -> None:
    """Given a parent that was gone before the process could ask for it, it ends by itself all the same."""
    (home / "tracking").mkdir()
    template_path(home).write_bytes(template.read_bytes())
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert subprocess.run(watch_command(home, parent=gone.pid), timeout=30, check=False).returncode == 0


def test_a_process_that_waits_for_its_turn_can_be_stopped(home: Path) -> None:
    """Given a process that waits for another to end, SIGTERM ends it at once and in order, not after its patience."""
    lock = own(home)
    assert lock is not None
    process = subprocess.Popen(command(home))
    while b"SigCgt" in (status := Path(f"/proc/{process.pid}/status").read_bytes()) and not caught(status, signal.SIGTERM):
        time.sleep(0.02)
    began = time.monotonic()
    process.terminate()
    assert process.wait(timeout=30) == 0
    assert time.monotonic() - began < ingest.LOCK_PATIENCE_S / 3
    os.close(lock)


def caught(status: bytes, number: signal.Signals) -> bool:
    """Whether the process of this /proc/<pid>/status has a handler for the signal."""
    mask = next(line for line in status.splitlines() if line.startswith(b"SigCgt"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)
