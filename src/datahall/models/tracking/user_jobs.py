"""Takes in what a user's own script logged: the small MLflow store in its working folder, copied as it grows.

The store is read with SQLite alone, never written. Whatever a user's job may have put there is taken as data: files are
copied only from inside the job's folder, names and lengths are brought within limits.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlparse

from datahall.models.ports import About, Point, RunStatus, Tracker
from datahall.models.tracking.job_folder import Attempt, Job
from datahall.models.tracking.names import plain_name, run_key
from datahall.models.tracking.offsets import Offsets
from datahall.models.tracking.plain_jobs import take_plain

STORE = "mlflow.db"
ROWS_A_TIME = 5000
FILES_BYTES, FILES_COUNT = 4 * 1024**3, 10_000
"""Files of one job beyond this stay where they are."""
OWN_TAGS = ("mlflow.runName", "mlflow.parentRunId")
RUNS = "SELECT r.*, e.name AS experiment FROM runs r JOIN experiments e USING (experiment_id) ORDER BY start_time"
STATUSES: tuple[RunStatus, ...] = ("RUNNING", "FINISHED", "FAILED", "KILLED")


def has_store(job: Job) -> bool:
    path = job.work / STORE
    return path.is_file() and not path.is_symlink()


def take_user(job: Job, attempt: Attempt, tracker: Callable[[], Tracker], offsets: Offsets) -> None:
    """Take in what is new. tracker: asked for only when there is something. Raises sqlite3.Error when it cannot be read now."""
    state = offsets.load(f"job-{job.id}")
    if has_store(job):
        _take_store(job, attempt, tracker, offsets, state)
    take_plain(job, attempt, tracker, state)
    if attempt.is_over:
        state["done"] = attempt.number
    if state:
        offsets.save(f"job-{job.id}", state)
    if attempt.is_over and not state.get("runs"):
        _remove_unused(job.work)


def _take_store(job: Job, attempt: Attempt, tracker: Callable[[], Tracker], offsets: Offsets, state: dict[str, Any]) -> None:
    seen = _fingerprint(job.work / STORE)
    if not attempt.is_over and state.get("seen") == seen:
        return
    if state.get("inode") != seen[0]:
        state |= {"inode": seen[0], "rowid": 0}
    address = f"file:{quote(str((job.work / STORE).absolute()))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=5)) as store:
        taking = _Taking(job, attempt, tracker, store, state.setdefault("runs", {}))
        last = taking.last_rowid()  # before the runs are read: a run that begins after that has only later points
        taking.take_runs()
        offsets.save(f"job-{job.id}", state)
        for points, rowid in taking.new_points(state["rowid"], last):
            for run, few in points.items():
                tracker().log(state["runs"][run]["run"], points=few)
            state |= {"rowid": rowid}
            offsets.save(f"job-{job.id}", state)
        taking.take_files()
        taking.end_runs()
    state["seen"] = seen


class _Taking:
    """One pass over one store. known: for each of its runs, ours and what of it was taken."""

    def __init__(
        self, job: Job, attempt: Attempt, tracker: Callable[[], Tracker], store: sqlite3.Connection, known: dict[str, Any]
    ) -> None:
        self.job, self.attempt, self.tracker, self.store, self.known = job, attempt, tracker, store, known
        store.row_factory = sqlite3.Row

    def take_runs(self) -> None:
        """Runs with their parameters and tags; those unchanged since are passed over."""
        for row in self.rows(RUNS):
            theirs = str(row["run_uuid"])
            params = dict(self.rows("SELECT key, value FROM params WHERE run_uuid = ?", theirs))
            tags = dict(self.rows("SELECT key, value FROM tags WHERE run_uuid = ?", theirs))
            mark = hashlib.sha256(json.dumps([dict(row), params, tags], default=str).encode()).hexdigest()
            kept = self.known.get(theirs) or {"run": self.tracker().run(self._about(row))}
            self.known[theirs] = kept
            if kept.get("mark") != mark:
                parent = self.known.get(str(tags.get("mlflow.parentRunId")))
                ours = {name: value for name, value in tags.items() if name not in OWN_TAGS and value is not None}
                ours |= {"mlflow.parentRunId": parent["run"]} if parent else {}
                self.tracker().log(kept["run"], params={k: str(v) for k, v in params.items()}, tags=ours)
                kept |= {"mark": mark, "status": row["status"], "end_ms": row["end_time"], "uri": row["artifact_uri"]}

    def _about(self, row: sqlite3.Row) -> About:
        key = f"{run_key(self.job.tenant, None, self.job.id)}/{plain_name(str(row['run_uuid']))}"
        tags = self.job.tags | {"datahall.job": self.job.id, "datahall.run": str(row["run_uuid"])}
        started_ms = int(row["start_time"] or self.attempt.started_ms)
        return About(key, self.job.tenant, str(row["experiment"]), str(row["name"] or self.job.name)[:250], started_ms, tags)

    def last_rowid(self) -> int:
        return int(next(self.rows("SELECT coalesce(max(rowid), 0) FROM metrics"))[0])

    def new_points(self, rowid: int, last: int) -> Iterator[tuple[dict[str, list[Point]], int]]:
        """Points by run after `rowid` up to `last`, some at a time. MLflow only adds rows, and one writer commits at a time."""
        question = "SELECT rowid AS n, * FROM metrics WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?"
        while rows := list(self.rows(question, rowid, last, ROWS_A_TIME)):
            points: dict[str, list[Point]] = {}
            for row in rows:
                value = float("nan") if row["is_nan"] else float(row["value"])
                if str(row["run_uuid"]) in self.known:
                    point = Point(str(row["key"]), value, int(row["step"]), int(row["timestamp"]))
                    points.setdefault(str(row["run_uuid"]), []).append(point)
            rowid = int(rows[-1]["n"])
            yield points, rowid

    def take_files(self) -> None:
        """Copy new and changed artifacts; models that were logged stand under `models/<name>`."""
        room, count = FILES_BYTES, FILES_COUNT
        for theirs, kept in self.known.items():
            taken = kept.setdefault("files", {})
            for folder, prefix in [(kept.get("uri"), ""), *self._models_of(theirs)]:
                for path, name in self._files(folder):
                    status = path.stat()
                    room, count = room - status.st_size, count - 1
                    now = [status.st_size, status.st_mtime_ns]
                    if room >= 0 and count >= 0 and taken.get(prefix + name) != now:
                        self.tracker().attach(kept["run"], path, prefix + name)
                        taken[prefix + name] = now

    def _models_of(self, run: str) -> list[tuple[str, str]]:
        try:
            rows = list(self.rows("SELECT name, artifact_location AS place FROM logged_models WHERE source_run_id = ?", run))
        except sqlite3.OperationalError:
            return []  # before MLflow 3 there was no such table: models lay among the artifacts
        return [(str(row["place"]), f"models/{plain_name(str(row['name']))}/") for row in rows]

    def _files(self, uri: object) -> Iterator[tuple[Path, str]]:
        """Regular files below a folder that lies inside the job's; no links are followed."""
        address = urlparse(str(uri or ""))
        root = Path(unquote(address.path))
        inside = address.scheme in ("", "file") and address.path and root.resolve().is_relative_to(self.job.folder.resolve())
        for path in sorted(root.rglob("*")) if inside and root.is_dir() else ():
            if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(root.resolve()):
                yield path, str(path.relative_to(root))

    def end_runs(self) -> None:
        """Runs end as their script said; those that it left open, as the job itself."""
        for kept in self.known.values():
            status: RunStatus = next((known for known in STATUSES if known == kept.get("status")), "RUNNING")
            at_ms = int(kept.get("end_ms") or self.attempt.at_ms)
            if status == "RUNNING" and self.attempt.is_over:
                status = self.attempt.status
            if kept.get("told") != [status, at_ms]:
                self.tracker().set_status(kept["run"], status, at_ms)
                kept["told"] = [status, at_ms]

    def rows(self, question: str, *values: object) -> Iterator[Any]:
        return iter(self.store.execute(question, values))


def _fingerprint(path: Path) -> list[int]:
    """Changes whenever the store does."""
    found = list[int]()
    for part in (path, path.with_name(f"{path.name}-wal")):
        try:
            status = part.stat()
        except OSError:
            continue
        found += [status.st_ino, status.st_size, status.st_mtime_ns]
    return found


def _remove_unused(work: Path) -> None:
    """A store that the script never wrote a run to is only the template that was put there."""
    for name in (STORE, f"{STORE}-wal", f"{STORE}-shm"):
        (work / name).unlink(missing_ok=True)
