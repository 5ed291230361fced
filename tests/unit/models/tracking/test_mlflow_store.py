"""The adapter on a real MLflow store, and the reader beside it."""

import math
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from datahall.foundation.errors import Refused, Unavailable
from datahall.models.ports import About, Point, Registration
from datahall.models.tracking.names import flattened, model_name, plain_name
from datahall.models.tracking.reader import history, models, runs

ABOUT = About("vision/job/1", "vision", "digits", "digits-1", 1_790_000_000_000, {"datahall.recipe": "digits"})


@pytest.fixture
def store(ready_home: Path) -> Iterator[Any]:
    from datahall.models.tracking.mlflow_store import MlflowStore

    opened = MlflowStore(ready_home)
    yield opened
    opened.close()


def count(home: Path, table: str) -> int:
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_the_same_key_is_the_same_run(ready_home: Path, store: Any) -> None:
    """Given a key twice, also by another process, there is one run."""
    first = store.run(ABOUT)
    assert store.run(ABOUT) == first == type(store)(ready_home).run(ABOUT)
    assert count(ready_home, "runs") == 1


def test_points_arrive_once_however_often_they_are_sent(ready_home: Path, store: Any) -> None:
    """Given 2,500 points sent twice, half of the second time with new ones, each is there once, NaN and infinity too."""
    run = store.run(ABOUT)
    points = [Point("loss", step / 7, step, 1_790_000_000_000 + step) for step in range(2500)]
    points += [Point("odd", math.nan, 0, 5), Point("odd", math.nan, 1, 5), Point("odd", math.inf, 2, 5)]
    store.log(run, points=points)
    store.log(run, points=[*points[2000:], Point("loss", 9.0, 9999, 6)])
    assert count(ready_home, "metrics") == len(points) + 1
    assert history(ready_home, run, "loss")[3] == (3, 3 / 7, 1_790_000_000.003)
    assert math.isnan(history(ready_home, run, "odd")[0][1])


def test_words_and_files_of_a_run(ready_home: Path, store: Any, tmp_path: Path) -> None:
    """Given parameters, tags and a file, twice, the reader shows them; a name that leads out is refused."""
    run = store.run(ABOUT)
    (tmp_path / "r.html").write_text("<p>")
    for _ in range(2):
        store.log(run, params={f"p.{n}": str(n) for n in range(250)}, tags={"note": "x" * 9000, "bad?name": "ok"})
        store.attach(run, tmp_path / "r.html", "deep/r.html")
        store.set_status(run, "FINISHED", 1_790_000_060_000)
    [row] = runs(ready_home)
    assert (row.tenant, row.experiment, row.status, row.ended_s) == ("vision", "digits", "FINISHED", 1_790_000_060.0)
    assert (len(row.params), len(row.tags["note"]), row.tags["bad_name"]) == (250, 5000, "ok")
    assert [path.name for path in (ready_home / "mlflow-artifacts").rglob("*") if path.is_file()] == ["r.html"]
    with pytest.raises(Refused, match="FILE-002"):
        store.attach(run, tmp_path / "r.html", "../../x")


def test_a_run_deleted_by_hand_stays_deleted(ready_home: Path, store: Any) -> None:
    """Given a run that somebody deleted in `mlflow ui`, what still comes for it changes nothing and troubles nobody."""
    run = store.run(ABOUT)
    store._client.delete_run(run)
    store.log(run, points=[Point("loss", 1, 1, 1)])
    store.set_status(run, "FINISHED", 1)
    assert store.run(ABOUT) == run and runs(ready_home) == [] and count(ready_home, "metrics") == 0


def test_an_experiment_deleted_by_hand_comes_back_with_its_next_run(ready_home: Path, store: Any) -> None:
    """Given a deleted experiment, the next recipe of that name brings it back instead of failing for ever."""
    store.run(ABOUT)
    store._client.delete_experiment(store._client.get_experiment_by_name("vision/digits").experiment_id)
    assert runs(ready_home) == []
    store.run(About("vision/job/2", "vision", "digits", "digits-2", 1_790_000_000_000))
    assert {row.name for row in runs(ready_home)} == {"digits-1", "digits-2"}


def test_versions_and_aliases(ready_home: Path, store: Any) -> None:
    """Given three requests, the second sent again after the third, there are three versions and the alias stays at the last."""
    run = store.run(ABOUT)
    requests = [
        Registration(f"r{n}", "vision", "digits", f"sha256:{n}", "champion", ABOUT.key, {"metric.accuracy": "0.9"})
        for n in range(3)
    ]
    assert [store.register(requests[n]) for n in (0, 1, 2, 1)] == [1, 2, 3, 2]
    [model] = models(ready_home, tenant="vision")
    assert (model.name, model.tenant) == ("digits", "vision")
    newest = model.versions[0]
    assert (newest.version, newest.bundle, newest.aliases, newest.run) == (3, "sha256:2", ("champion",), run)
    assert model.versions[2].tags["metric.accuracy"] == "0.9" and model.versions[2].aliases == ()


def test_the_same_bundle_again_is_the_same_version(ready_home: Path, store: Any) -> None:
    """Given a package that was made twice with one digest, with another in between, there are two versions, and the alias
    moves back to the first; the request carried out once more leaves it where a person has put it since."""
    first, other, again = (
        Registration(f"r{n}", "default", "digits", f"sha256:{digest}", "champion") for n, digest in enumerate("aba")
    )
    assert [store.register(request) for request in (first, other, again)] == [1, 2, 1]
    [model] = models(ready_home)
    assert {version.version: version.aliases for version in model.versions} == {1: ("champion",), 2: ()}
    store._client.set_registered_model_alias("digits", "champion", 2)
    assert store.register(again) == 1
    assert {version.version: version.aliases for version in models(ready_home)[0].versions} == {1: (), 2: ("champion",)}


def test_tenants_stay_apart(ready_home: Path, store: Any) -> None:
    """Given two tenants with a model and a recipe of the same name, each sees its own, and nobody else's."""
    for tenant in ("default", "vision", "speech"):
        store.run(About(f"{tenant}/job/1", tenant, "digits", tenant, 1))
        store.register(Registration(tenant, tenant, "digits", "sha256:x"))
    assert [row.name for row in runs(ready_home, tenant="speech")] == ["speech"]
    assert [(m.name, m.tenant, len(m.versions)) for m in models(ready_home, tenant="speech")] == [("digits", "speech", 1)]
    assert len(runs(ready_home)) == len(models(ready_home)) == 3
    assert runs(ready_home, tenant="nobody") == models(ready_home, tenant="nobody") == []


def test_mlflow_itself_reads_it(ready_home: Path, store: Any) -> None:
    """Given what we wrote, MLflow's own client finds runs, metrics, the model and its alias."""
    run = store.run(ABOUT)
    store.log(run, points=[Point("loss", 0.5, 1, 1)], params={"a": "b"})
    store.register(Registration("r", "vision", "digits", "sha256:1", "champion", ABOUT.key))
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{ready_home}/mlflow.db"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = client.get_experiment_by_name("vision/digits")
    [found] = client.search_runs([experiment.experiment_id], "metrics.loss < 1 and params.a = 'b'")
    assert found.info.run_id == run
    assert client.get_model_version_by_alias("vision~digits", "champion").run_id == run


def test_the_reader_is_fast_and_empty_before_the_first_run(tmp_path: Path, ready_home: Path, store: Any) -> None:
    """Given no store, nothing is listed; given one with 60 runs, the page takes far less than it takes to import MLflow."""
    assert runs(tmp_path) == models(tmp_path) == history(tmp_path, "x", "y") == []
    for n in range(60):
        store.run(About(f"default/job/{n}", "default", "digits", f"run-{n}", n + 1))
    begun_s = time.perf_counter()
    page = runs(ready_home, limit=50)
    assert time.perf_counter() - begun_s < 0.5  # 5 ms when the machine is idle
    assert [row.name for row in page][:2] == ["run-59", "run-58"] and len(page) == 50


def test_a_store_that_is_no_store_is_told(tmp_path: Path) -> None:
    """Given another file under the store's name, reading it ends in a clear problem."""
    (tmp_path / "mlflow.db").write_bytes(b"something else entirely, not SQLite" * 100)
    with pytest.raises(Unavailable, match=r"TRACK-001 cannot be read: file is not a database"):
        runs(tmp_path)


def test_nothing_is_told_to_anybody_outside(ready_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a store at work, no connection to another machine is tried."""
    from datahall.models.tracking.mlflow_store import MlflowStore

    def no_connection(*_: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", no_connection)
    opened = MlflowStore(ready_home)
    opened.log(opened.run(ABOUT), points=[Point("loss", 1, 1, 1)])
    opened.close()


def test_names_within_what_mlflow_takes() -> None:
    """Given odd names, they become plain ones; given nested settings, they become dotted ones."""
    assert [plain_name(n) for n in ("a/b c-d.e_f", "x?y'z", "../up", "/", "损失")] == [
        "a/b c-d.e_f",
        "x_y_z",
        "_/up",
        "_",
        "损失",
    ]
    assert dict(flattened({"a": {"b": [1, 2], "c": None}, "d": True})) == {"a.b": "[1, 2]", "d": "True"}
    assert (model_name("default", "m"), model_name("a", "m")) == ("m", "a~m")
