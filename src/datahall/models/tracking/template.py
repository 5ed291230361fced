"""A small MLflow store for each user's job, ready made, so that its script does not pay for the migrations (one second).

Placing one is a file copy. Making the template needs MLflow, once: `python -m datahall.models.tracking.template PATH`.
"""

import importlib.metadata
import logging
import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from datahall.foundation import files

STORE = "mlflow.db"
ENVIRONMENT = {
    "MLFLOW_TRACKING_URI": "sqlite:///{work}/" + STORE,
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}
"""For a user's job; the stage puts its working folder in place of {work}."""
PAGE_BYTES = 1024
"""Small pages: MLflow has some 170 tables and indexes, each at least a page, and every job gets a copy."""


def template_path(home: Path) -> Path:
    """One for each version of MLflow: it takes only stores of its own. Without MLflow there is a name, and never a file."""
    try:
        version = importlib.metadata.version("mlflow-skinny")
    except importlib.metadata.PackageNotFoundError:
        version = "none"
    return home / "tracking" / f"template-{version}.db"


def template_store(path: Path) -> Path:
    """The template, made when it is not there. Imports MLflow only then. Raises Unavailable."""
    if not path.is_file():
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / STORE
            _migrate(made)
            _shrink(made)
            with files.atomic_path(path) as temporary:
                shutil.copyfile(made, temporary)
    return path


def place_store(template: Path, work: Path) -> bool:
    """Put a store into a working folder that has none; False when there is no template yet (MLflow then makes one itself)."""
    target = work / STORE
    if target.exists() or not template.is_file():
        return False
    with files.atomic_path(target) as temporary:
        shutil.copyfile(template, temporary)
        with closing(sqlite3.connect(temporary)) as store:
            place = str(work.absolute() / "mlflow-artifacts" / "0")
            store.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", (place,))
            store.commit()
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return True


def _migrate(path: Path) -> None:
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
    from mlflow.tracking import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments(max_results=1)


def _shrink(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode=DELETE")
        store.execute(f"PRAGMA page_size={PAGE_BYTES}")
        store.execute("VACUUM")
        store.execute("PRAGMA journal_mode=WAL")  # the script never waits for who reads along


if __name__ == "__main__":
    template_store(Path(sys.argv[1]))
