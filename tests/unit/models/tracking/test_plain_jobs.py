"""A script that logs nothing shows up too."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datahall.models.tracking.ingest import Ingest
from datahall.models.tracking.mlflow_store import MlflowStore
from datahall.models.tracking.offsets import Offsets
from datahall.models.tracking.plain_jobs import PATIENCE_S
from datahall.models.tracking.reader import runs
from datahall.models.tracking.template import place_store
from datahall.models.tracking.watched import job_folders

COMMAND = ("python", "train.py")


def take(home: Path, store: Any) -> None:
    Ingest(home, lambda: store).take(job_folders(home / "jobs"))


def test_a_script_without_mlflow_has_a_run(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given a script that ended after some seconds, one run has its name, command, state and duration."""
    job(5, tenant="vision", name="mine", command=COMMAND).start().end(at_s=time.time() + 7)
    take(home, memory)
    take(home, memory)
    [run] = memory.runs.values()
    about = run["about"]
    assert (about.tenant, about.name, about.tags["datahall.command"]) == ("vision", "mine", "python train.py")
    assert run["status"] == "FINISHED"
    assert 6 < run["at_ms"] / 1000 - about.started_ms / 1000 < 8


def test_its_state_is_the_jobs(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given a script that fails and succeeds when it is run again, its one run does the same."""
    folder = job(5, command=COMMAND).start().end(code=1)
    take(home, memory)
    assert [run["status"] for run in memory.runs.values()] == ["FAILED"]
    folder.start().end()
    take(home, memory)
    assert [run["status"] for run in memory.runs.values()] == ["FINISHED"]


def test_it_shows_while_it_runs(home: Path, job: Callable[..., Any], memory: Any, monkeypatch: Any) -> None:
    """Given a running script, it has a run after a while, and not at once: it may begin one of its own."""
    job(5, command=COMMAND).start()
    take(home, memory)
    assert memory.runs == {}
    now_s = time.time()
    monkeypatch.setattr("datahall.models.tracking.plain_jobs.time.time", lambda: now_s + PATIENCE_S + 1)
    take(home, memory)
    assert [run["status"] for run in memory.runs.values()] == ["RUNNING"]


def test_the_run_makes_room_for_the_scripts_own(
    home: Path, job: Callable[..., Any], memory: Any, scripted: Path, monkeypatch: Any
) -> None:
    """Given a script that begins to log after a while, its own runs stand in the list, and the one in its stead goes."""
    folder = job(5, command=COMMAND).start()
    monkeypatch.setattr("datahall.models.tracking.plain_jobs.PATIENCE_S", -1.0)
    take(home, memory)
    assert len(memory.runs) == 1
    shutil.copytree(scripted, folder.work, dirs_exist_ok=True)
    take(home, memory)
    assert {run["about"].name for run in memory.runs.values()} == {"outer", "inner"}


def test_an_unused_store_is_no_run(home: Path, job: Callable[..., Any], memory: Any, template: Path) -> None:
    """Given a script that never touched its store, it has the one run, and the store is gone."""
    folder = job(5, command=COMMAND)
    place_store(template, folder.work)
    folder.start().end()
    take(home, memory)
    assert len(memory.runs) == 1 and not (folder.work / "mlflow.db").exists()


def test_a_kill_at_any_write_leaves_one_run(home: Path, job: Callable[..., Any], memory: Any, killed: Any) -> None:
    """Given a kill at each write, the passes after it end with the same single run."""
    folder = job(5, command=COMMAND).start().end()
    for kill_at in range(1, 4):
        shutil.rmtree(home / "tracking", ignore_errors=True)
        memory.runs.clear()
        memory.calls, memory.kill_at = 0, kill_at
        for _ in range(2):
            try:
                take(home, memory)
            except killed:
                continue
        [run] = memory.runs.values()
        assert run["status"] == "FINISHED"
    assert Offsets(home / "tracking" / "offsets").load(f"job-{folder.path.name}")["done"] == 1


def test_mlflow_lists_it_until_it_is_withdrawn(ready_home: Path, job: Callable[..., Any]) -> None:
    """Given MLflow's own store, the run is read back with its command; withdrawn, it is no longer listed."""
    job(5, tenant="vision", name="mine", command=COMMAND).start().end()
    store = MlflowStore(ready_home)
    try:
        take(ready_home, store)
        [run] = runs(ready_home, tenant="vision")
        assert (run.name, run.experiment, run.status, run.tags["datahall.command"]) == (
            "mine",
            "jobs",
            "FINISHED",
            "python train.py",
        )
        store.withdraw("vision/job/5")
        store.withdraw("vision/job/5")
        store.withdraw("vision/job/6")
        assert runs(ready_home) == []
    finally:
        store.close()
