"""A store that an older or a newer MLflow left behind."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from datahall.foundation.errors import Unavailable
from datahall.models.ports import About
from datahall.models.tracking.reader import runs

ABOUT = About("default/job/1", "default", "digits", "digits-1", 1)


def revision(database: Path) -> str:
    with closing(sqlite3.connect(database)) as store:
        return str(store.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@pytest.fixture
def older(home: Path) -> Path:
    """A store of one migration ago, with an experiment in it."""
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine

    database = home / "mlflow.db"
    engine = create_engine(f"sqlite:///{database}")
    Base.metadata.create_all(engine)
    config = utils._get_alembic_config(str(engine.url))
    newest = ScriptDirectory.from_config(config).get_revision("head")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, str(newest.down_revision))
    engine.dispose()
    with closing(sqlite3.connect(database)) as store:
        words = (7, "default/digits", "active", str(home / "files"))
        store.execute(
            "INSERT INTO experiments (experiment_id, name, lifecycle_stage, artifact_location) VALUES (?, ?, ?, ?)", words
        )
        store.commit()
    return home


def opened(home: Path) -> Any:
    from datahall.models.tracking.mlflow_store import MlflowStore

    return MlflowStore(home)


def test_an_older_store_is_brought_up_to_date_and_a_copy_kept(older: Path) -> None:
    """Given a store of an older MLflow, it is migrated at opening, what it held is there, and the old one is beside it."""
    before = revision(older / "mlflow.db")
    store = opened(older)
    store.run(ABOUT)
    store.close()
    assert revision(older / "mlflow.db") != before
    assert [row.experiment for row in runs(older)] == ["digits"]
    [copy] = older.glob("mlflow.db.*")
    assert copy.name == f"mlflow.db.before-{revision(older / 'mlflow.db')}" and revision(copy) == before


def test_a_migration_that_was_cut_short_begins_again_from_the_copy(older: Path) -> None:
    """Given a half-migrated store with the copy from before, the copy is put back and migrated."""
    (older / "mlflow.db").rename(older / "mlflow.db.migrating")
    (older / "mlflow.db").write_bytes(b"half migrated")
    (older / "mlflow.db-wal").write_bytes(b"of the half migrated one")
    store = opened(older)
    store.run(ABOUT)
    store.close()
    assert [row.experiment for row in runs(older)] == ["digits"]
    assert not (older / "mlflow.db.migrating").exists()


def test_a_newer_store_is_left_as_it_is(ready_home: Path) -> None:
    """Given a store of an MLflow to come, it is refused with the way out, and no copy is left."""
    with closing(sqlite3.connect(ready_home / "mlflow.db")) as store:
        store.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        store.commit()
    with pytest.raises(Unavailable, match=r"TRACK-003 .*another MLflow.*(?s:.*)newer Datahall"):
        opened(ready_home)
    assert revision(ready_home / "mlflow.db") == "ffffffffffff"
    assert list(ready_home.glob("mlflow.db.*")) == []


def test_a_file_that_is_no_store_is_told(home: Path) -> None:
    """Given another file under the store's name, opening it ends in a clear problem."""
    (home / "mlflow.db").write_bytes(b"something else entirely, not SQLite" * 100)
    with pytest.raises(Unavailable, match="TRACK-003 the tracking store refuses: file is not a database"):
        opened(home)
