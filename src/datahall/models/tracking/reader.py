"""Runs and models for people to look at, read from the store with SQLite alone: milliseconds, no MLflow."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from datahall.foundation.errors import Problem, Unavailable
from datahall.models.tracking.names import MODEL_TAG, TENANT_TAG

RUNS = """
SELECT r.run_uuid AS id, r.name, e.name AS experiment, r.status, r.start_time, r.end_time, t.value AS tenant
FROM runs r JOIN experiments e USING (experiment_id)
LEFT JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = :tenant_tag
WHERE r.lifecycle_stage = 'active' AND (:tenant IS NULL OR t.value = :tenant)
ORDER BY r.start_time DESC, r.run_uuid LIMIT :limit
"""
MODELS = """
SELECT m.name, m.creation_time, tenant.value AS tenant, plain.value AS model
FROM registered_models m
LEFT JOIN registered_model_tags tenant ON tenant.name = m.name AND tenant.key = :tenant_tag
LEFT JOIN registered_model_tags plain ON plain.name = m.name AND plain.key = :model_tag
WHERE :tenant IS NULL OR tenant.value = :tenant
ORDER BY m.name
"""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run, with the newest value of each metric."""

    id: str
    name: str
    tenant: str | None
    experiment: str
    status: str
    started_s: float | None
    ended_s: float | None
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a model."""

    version: int
    bundle: str
    made_s: float | None
    run: str | None
    aliases: tuple[str, ...]
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A registered model, newest version first."""

    name: str
    tenant: str | None
    versions: tuple[VersionRow, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def runs(home: Path, *, limit: int = 50, tenant: str | None = None) -> list[RunRow]:
    """Newest first; of one tenant, or of all. Empty before the first run. Raises Unavailable."""
    with _store(home) as store:
        words = {"tenant_tag": TENANT_TAG, "tenant": tenant, "limit": limit}
        return [_run(store, row) for row in store.execute(RUNS, words).fetchall()] if store else []


def history(home: Path, run: str, metric: str) -> list[tuple[int, float, float]]:
    """Step, value and instant (s) of each point of a metric, in order. Raises Unavailable."""
    question = "SELECT step, value, is_nan, timestamp FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY step, timestamp"
    with _store(home) as store:
        rows = store.execute(question, (run, metric)).fetchall() if store else []
    return [(step, float("nan") if is_nan else value, at_ms / 1000) for step, value, is_nan, at_ms in rows]


def models(home: Path, *, tenant: str | None = None) -> list[ModelRow]:
    """With versions and aliases; of one tenant, or of all. Raises Unavailable."""
    with _store(home) as store:
        if store is None:
            return []
        rows = store.execute(MODELS, {"tenant_tag": TENANT_TAG, "model_tag": MODEL_TAG, "tenant": tenant}).fetchall()
        return [ModelRow(row["model"] or row["name"], row["tenant"], tuple(_versions(store, row["name"]))) for row in rows]


def _run(store: sqlite3.Connection, row: sqlite3.Row) -> RunRow:
    values = store.execute("SELECT key, value, is_nan FROM latest_metrics WHERE run_uuid = ? ORDER BY key", (row["id"],))
    return RunRow(
        id=row["id"],
        name=row["name"],
        tenant=row["tenant"],
        experiment=row["experiment"].removeprefix(f"{row['tenant']}/"),
        status=row["status"],
        started_s=_seconds(row["start_time"]),
        ended_s=_seconds(row["end_time"]),
        metrics={key: float("nan") if is_nan else value for key, value, is_nan in values},
        params=dict(store.execute("SELECT key, value FROM params WHERE run_uuid = ? ORDER BY key", (row["id"],)).fetchall()),
        tags=dict(store.execute("SELECT key, value FROM tags WHERE run_uuid = ? ORDER BY key", (row["id"],)).fetchall()),
    )


def _versions(store: sqlite3.Connection, name: str) -> Iterator[VersionRow]:
    question = "SELECT version, source, creation_time, run_id FROM model_versions WHERE name = ? ORDER BY version DESC"
    aliases = store.execute(
        "SELECT version, alias FROM registered_model_aliases WHERE name = ? ORDER BY alias", (name,)
    ).fetchall()
    for version, source, made_ms, run in store.execute(question, (name,)).fetchall():
        tags = store.execute("SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?", (name, version))
        mine = tuple(alias for aliased, alias in aliases if aliased == version)
        yield VersionRow(version, source, _seconds(made_ms), run, mine, dict(tags.fetchall()))


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


@contextmanager
def _store(home: Path) -> Iterator[sqlite3.Connection | None]:
    """The store, read only; None before the first run. SQLite's errors become ours."""
    path = home / "mlflow.db"
    if not path.is_file():
        yield None
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=5)) as store:
            store.row_factory = sqlite3.Row
            yield store
    except sqlite3.Error as error:
        fix = "try again; see docs/tracking.md if it stays"
        raise Unavailable(Problem("TRACK-001", str(path), f"cannot be read: {error}", fix)) from error
