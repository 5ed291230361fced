"""What a user's unchanged script logs arrives in the platform's store."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from datahall.models.tracking.ingest import Ingest
from datahall.models.tracking.reader import history, runs
from datahall.models.tracking.template import place_store, template_store
from datahall.models.tracking.watched import job_folders


def used(folder: Any, scripted: Path) -> Any:
    """A job whose working folder is a copy of that one."""
    shutil.copytree(scripted, folder.work, dirs_exist_ok=True)
    with closing(sqlite3.connect(folder.work / "mlflow.db")) as store:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            store.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(scripted), str(folder.work)))
        store.commit()
    return folder


def take(home: Path, store: Any) -> None:
    Ingest(home, lambda: store).take(job_folders(home / "jobs"))


def test_a_real_script_shows_up(home: Path, job: Callable[..., Any], memory: Any, scripted: Path) -> None:
    """Given a script with nested runs, parameters, tags, metrics and a file, all of it arrives under its tenant and job."""
    used(job(5, tenant="vision"), scripted).start().end()
    take(home, memory)
    outer, inner = sorted(memory.runs.values(), key=lambda run: run["about"].started_ms)
    assert (outer["about"].name, outer["about"].experiment, outer["about"].tenant) == ("outer", "mine", "vision")
    assert outer["params"] == {"lr": "0.1", "layers": "[64, 10]"}
    assert outer["tags"]["team"] == "blue" and outer["about"].tags["datahall.job"] == "5"
    assert len(outer["points"]) == 50 and len(inner["points"]) == 2
    assert outer["files"] == {"notes/a.txt": b"hello"}
    assert inner["tags"]["mlflow.parentRunId"] == outer["about"].key
    assert outer["status"] == inner["status"] == "FINISHED"


def test_a_script_that_was_killed_leaves_no_run_running(
    home: Path, job: Callable[..., Any], memory: Any, scripted: Path
) -> None:
    """Given a run still open in its store and a job that was stopped, our run is KILLED."""
    folder = used(job(5), scripted).start()
    with closing(sqlite3.connect(folder.work / "mlflow.db")) as store:
        store.execute("UPDATE runs SET status = 'RUNNING', end_time = NULL")
        store.commit()
    take(home, memory)
    assert {run["status"] for run in memory.runs.values()} == {"RUNNING"}
    folder.end(reason="stopped", code=None)
    take(home, memory)
    assert {run["status"] for run in memory.runs.values()} == {"KILLED"}


def test_it_is_taken_as_it_grows(home: Path, job: Callable[..., Any], memory: Any, scripted: Path) -> None:
    """Given a store that gets a point and a parameter more, the next pass takes those; an unchanged one is left alone."""
    folder = used(job(5), scripted).start()
    take(home, memory)
    before = memory.calls
    take(home, memory)
    assert memory.calls == before
    with closing(sqlite3.connect(folder.work / "mlflow.db")) as store:
        [run] = store.execute("SELECT run_uuid FROM runs WHERE name = 'outer'").fetchone()
        store.execute("INSERT INTO metrics VALUES ('loss', 0.001, 1790000000000, ?, 999, 0)", (run,))
        store.execute("INSERT INTO params VALUES ('late', 'yes', ?)", (run,))
        store.commit()
    take(home, memory)
    outer = next(run for run in memory.runs.values() if run["about"].name == "outer")
    assert ("loss", "0.001", 999, 1790000000000) in outer["points"] and outer["params"]["late"] == "yes"
    assert len(outer["points"]) == 51


def test_files_outside_the_job_are_not_taken(
    home: Path, job: Callable[..., Any], memory: Any, scripted: Path, tmp_path: Path
) -> None:
    """Given an artifact address that points elsewhere, and a link among the artifacts, neither is copied."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "s.txt").write_text("secret")
    folder = used(job(5), scripted).start()
    [notes] = folder.work.rglob("notes")
    (notes / "link.txt").symlink_to(tmp_path / "secret" / "s.txt")
    (notes / "folder").symlink_to(tmp_path / "secret")
    with closing(sqlite3.connect(folder.work / "mlflow.db")) as store:
        store.execute("UPDATE runs SET artifact_uri = ? WHERE name = 'inner'", (f"file://{tmp_path}/secret",))
        store.commit()
    take(home, memory)
    assert sorted(name for run in memory.runs.values() for name in run["files"]) == ["notes/a.txt"]


def test_a_store_that_is_a_link_is_not_read(home: Path, job: Callable[..., Any], memory: Any, scripted: Path) -> None:
    """Given a link to another job's store, it is left alone."""
    folder = job(5).start()
    (folder.work / "mlflow.db").symlink_to(scripted / "mlflow.db")
    take(home, memory)
    assert memory.runs == {}


def test_a_kill_at_any_call_loses_and_doubles_nothing(
    home: Path, job: Callable[..., Any], memory: Any, killed: Any, scripted: Path
) -> None:
    """Given a kill at the first, second, … write, the same pass again ends in the same store."""
    used(job(5), scripted).start().end()
    expected = type(memory)()
    take(home, expected)
    for kill_at in range(1, expected.calls + 1):
        shutil.rmtree(home / "tracking")
        store = type(memory)()
        store.kill_at = kill_at
        try:
            take(home, store)
        except killed:
            take(home, store)
        assert store.runs == expected.runs
    assert expected.calls >= 8


def test_an_unused_store_is_taken_away_when_the_job_is_over(
    home: Path, job: Callable[..., Any], memory: Any, template: Path
) -> None:
    """Given a job that never logged, its store goes once it is over, and nobody had to open ours."""
    folder = job(5).start()
    assert place_store(template, folder.work) and not place_store(template, folder.work)
    take(home, memory)
    assert (folder.work / "mlflow.db").exists()
    folder.end()
    Ingest(home, lambda: pytest.fail("the store was opened")).take(job_folders(home / "jobs"))
    assert list(folder.work.glob("mlflow.db*")) == []


def test_the_template_is_small_and_without_one_nothing_is_placed(template: Path, tmp_path: Path) -> None:
    """Given the template, a copy costs a job little; it is made once."""
    assert template.stat().st_size < 500_000
    assert not place_store(tmp_path / "none.db", tmp_path) and not (tmp_path / "mlflow.db").exists()
    before = template.stat().st_mtime_ns
    assert template_store(template).stat().st_mtime_ns == before


def test_all_of_it_in_the_real_store(ready_home: Path, job: Callable[..., Any], scripted: Path) -> None:
    """Given the real adapter, taking the same job in twice from nothing gives the same rows."""
    from datahall.models.tracking.mlflow_store import MlflowStore

    used(job(5, tenant="vision"), scripted).start().end()
    for _ in range(2):
        shutil.rmtree(ready_home / "tracking", ignore_errors=True)
        store = MlflowStore(ready_home)
        take(ready_home, store)
        store.close()
    inner, outer = sorted(runs(ready_home, tenant="vision"), key=lambda row: row.name)
    assert len(history(ready_home, outer.id, "loss")) == 50
    assert inner.tags["mlflow.parentRunId"] == outer.id
    assert (outer.experiment, outer.status) == ("mine", "FINISHED")
    assert [path.read_text() for path in (ready_home / "mlflow-artifacts").rglob("*.txt")] == ["hello"]
