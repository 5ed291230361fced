"""Runs and models in MLflow's own format, in one SQLite file: any `mlflow ui` reads it, and no MLflow server runs.

Importing this module takes about a second and 150 MB, so only the process that takes runs in does.
"""

import os

os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")  # before MLflow is imported: it phones home otherwise

import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from datahall.foundation import files
from datahall.foundation.digest import digest_of
from datahall.foundation.errors import Problem, Refused, Unavailable
from datahall.models.ports import About, Point, Registration, RunStatus
from datahall.models.tracking.names import (
    KEY_TAG,
    MODEL_TAG,
    REQUEST_TAG,
    TAG_LENGTH,
    TENANT_TAG,
    experiment_name,
    model_name,
    plain_name,
)
from datahall.models.tracking.upgrade import bring_up_to_date

METRICS_A_BATCH, WORDS_A_BATCH = 1000, 100
"""MLflow's limits for one call."""
ALIASED_TAG = "datahall.aliased"
"""The request that moved an alias here last: carried out again, it leaves the alias where someone has moved it since."""


class MlflowStore:
    """The tracker and the model registry on `<home>/mlflow.db`, files under `<home>/mlflow-artifacts`."""

    def __init__(self, home: Path) -> None:
        """Opens the store, made or brought up to date when needed. Raises Unavailable."""
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        self._artifacts = home / "mlflow-artifacts"
        database = home / "mlflow.db"
        with _clear(database):
            bring_up_to_date(database)
            uri = f"sqlite:///{database}"
            self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
            self._client.search_experiments(max_results=1)
            self._look = sqlite3.connect(database, isolation_level=None)
            self._look.execute("PRAGMA journal_mode=WAL")  # readers never wait for us, nor we for them
        self._database = database
        self._folders: dict[str, Path] = {}

    def close(self) -> None:
        self._look.close()

    def run(self, about: About) -> str:
        """Raises Unavailable."""
        with _clear(self._database):
            if (found := self._run_with(about.key)) is not None:
                return found
            experiment = self._experiment(experiment_name(about.tenant, about.experiment))
            tags = {**_words(about.tags), KEY_TAG: about.key, TENANT_TAG: about.tenant}
            made = self._client.create_run(experiment, start_time=about.started_ms, tags=tags, run_name=about.name or None)
            return str(made.info.run_id)

    def log(
        self,
        run: str,
        *,
        points: Sequence[Point] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Raises Unavailable."""
        if not self._is_active(run):
            return
        metrics = [Metric(plain_name(point.name), point.value, point.at_ms, point.step) for point in points]
        params_, tags_ = [Param(*word) for word in _words(params).items()], [RunTag(*word) for word in _words(tags).items()]
        with _clear(self._database):
            for batch in _batches(metrics, METRICS_A_BATCH):
                self._client.log_batch(run, metrics=batch)
            for few in _batches(params_, WORDS_A_BATCH):
                self._client.log_batch(run, params=few)
            for some in _batches(tags_, WORDS_A_BATCH):
                self._client.log_batch(run, tags=some)

    def attach(self, run: str, file: Path, name: str) -> None:
        """Raises Unavailable, and Refused when the name leads out of the run's folder."""
        target = files.confined(self._folder(run), name)
        with files.atomic_path(target) as temporary:
            shutil.copyfile(file, temporary, follow_symlinks=False)

    def set_status(self, run: str, status: RunStatus, at_ms: int) -> None:
        """Raises Unavailable."""
        if not self._is_active(run):
            return
        with _clear(self._database):
            if status == "RUNNING":
                self._client.update_run(run, status=status)
            else:
                self._client.set_terminated(run, status=status, end_time=at_ms)

    def withdraw(self, key: str) -> None:
        """Raises Unavailable."""
        run = self._run_with(key)
        if run is not None and self._is_active(run):
            with _clear(self._database):
                self._client.delete_run(run)

    def register(self, request: Registration) -> int:
        name = model_name(request.tenant, request.model)
        with _clear(self._database):
            if not self._client.search_registered_models(f"name = '{name}'"):
                self._client.create_registered_model(name, tags={TENANT_TAG: request.tenant, MODEL_TAG: request.model})
            versions = self._client.search_model_versions(f"name = '{name}'")
            found = next((v for v in versions if v.tags.get(REQUEST_TAG) == request.id or v.source == request.bundle), None)
            if found is None:
                tags = {**_words(request.tags), REQUEST_TAG: request.id}
                found = self._client.create_model_version(
                    name, request.bundle, run_id=self._run_with(request.run_key), tags=tags
                )
            if request.alias and found.tags.get(ALIASED_TAG) != request.id:
                self._client.set_registered_model_alias(name, request.alias, found.version)
                self._client.set_model_version_tag(name, found.version, ALIASED_TAG, request.id)
            return int(found.version)

    def _run_with(self, key: str | None) -> str | None:
        found = self._look.execute("SELECT run_uuid FROM tags WHERE key = ? AND value = ?", (KEY_TAG, key)).fetchone()
        return str(found[0]) if found else None

    def _is_active(self, run: str) -> bool:
        """Whether it takes more in: a run that was deleted by hand does not."""
        found = self._look.execute("SELECT lifecycle_stage FROM runs WHERE run_uuid = ?", (run,)).fetchone()
        return found is not None and found[0] == "active"

    def _experiment(self, name: str) -> str:
        """Id of the experiment of this name; one that was deleted by hand comes back."""
        known = self._client.get_experiment_by_name(name)
        if known is None:
            folder = self._artifacts / digest_of(name)[:16]
            return str(self._client.create_experiment(name, artifact_location=str(folder)))
        if known.lifecycle_stage != "active":
            self._client.restore_experiment(known.experiment_id)
        return str(known.experiment_id)

    def _folder(self, run: str) -> Path:
        if run not in self._folders:
            with _clear(self._database):
                address = urlparse(self._client.get_run(run).info.artifact_uri)
            if address.scheme not in ("", "file"):
                what = f"its files are kept at {address.scheme}://, which is not a folder"
                raise Refused(Problem("TRACK-004", f"run {run}", what, "keep the store's files on a file system"))
            self._folders[run] = Path(unquote(address.path))
        return self._folders[run]


def _words(words: Mapping[str, str] | None) -> dict[str, str]:
    return {plain_name(name): str(value)[:TAG_LENGTH] for name, value in (words or {}).items()}


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


@contextlib.contextmanager
def _clear(database: Path) -> Iterator[None]:
    """What MLflow, SQLAlchemy and SQLite raise, as ours."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error) as error:
        what = f"the tracking store refuses: {str(error).splitlines()[0][:300]}"
        raise Unavailable(
            Problem("TRACK-003", str(database), what, "it is tried again; see docs/tracking.md if it stays")
        ) from error
