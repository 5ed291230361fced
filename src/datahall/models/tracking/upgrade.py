"""Brings the store's tables up to what the installed MLflow expects, with a copy of the old one kept beside it.

MLflow itself only refuses an older store. Its migrations are not safe against a kill, so a copy is taken first, whole or
absent; a copy found at the start means that a migration was cut short, and is put back before it is tried again.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic.util.exc import CommandError
from mlflow.store.db import utils
from sqlalchemy import create_engine

from datahall.foundation import files
from datahall.foundation.errors import Problem, Unavailable


def bring_up_to_date(database: Path) -> None:
    """Migrate the store if it is of an older MLflow. Raises Unavailable for one of a newer, and when the disk is full."""
    copy = database.with_name(f"{database.name}.migrating")
    if copy.is_file():
        _put_back(copy, database)
    old, new = _revision(database), utils._get_latest_schema_revision()
    if old in (None, new):
        return
    with (
        files.atomic_path(copy) as temporary,
        closing(sqlite3.connect(database)) as source,
        closing(sqlite3.connect(temporary)) as target,
    ):
        source.backup(target)
    engine = create_engine(f"sqlite:///{database}")
    try:
        utils._upgrade_db(engine)
    except CommandError as error:
        copy.unlink()
        what = f"the tracking store is of another MLflow: {error}"
        raise Unavailable(Problem("TRACK-003", str(database), what, "use the newer Datahall that made it")) from None
    finally:
        engine.dispose()
    copy.rename(database.with_name(f"{database.name}.before-{new}"))


def _put_back(copy: Path, database: Path) -> None:
    with files.atomic_path(database) as temporary:
        shutil.copyfile(copy, temporary)
        for rest in ("wal", "shm", "journal"):  # of the half-migrated store; they would be taken for the other's
            database.with_name(f"{database.name}-{rest}").unlink(missing_ok=True)


def _revision(database: Path) -> str | None:
    """None for a store that is not there or has no tables yet."""
    if not database.is_file():
        return None
    with closing(sqlite3.connect(database)) as store:
        try:
            found = store.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None
    return str(found[0]) if found else None
