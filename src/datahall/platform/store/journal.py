"""Writes down what happens: the chained record of events, and the rows of what they changed, in one transaction."""

import hashlib
import json
import logging
import platform
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from datahall import __version__
from datahall.foundation.digest import canonical_json
from datahall.platform.events import (
    AttemptEnded,
    AttemptRunning,
    AttemptStarting,
    Changed,
    Event,
    JobEvent,
    JobSubmitted,
    StoredOutput,
    Woken,
    kind_of,
    record_of,
    subject_of,
)
from datahall.platform.state import Job, State
from datahall.platform.store import schema
from datahall.platform.store.artifact_rows import enter_artifact
from datahall.platform.store.queries import reading

log = logging.getLogger(__name__)
GENESIS = "0" * 64
RETRY_S = 0.5

Committed = Callable[[Sequence[Event]], None]


def link(previous: str, row: dict[str, Any]) -> str:
    """The chain value of an event's row: SHA-256 over the one before it and all its fields."""
    fields = [row[name] for name in ("seq", "at_s", "kind", "subject", "tenant", "actor", "data")]
    return hashlib.sha256(previous.encode() + canonical_json(fields)).hexdigest()


class SqlJournal:
    """The one writer of the database. `record` gathers; `commit` writes all of it or nothing."""

    def __init__(self, engine: Engine, *, committed: Committed = lambda _: None) -> None:
        self.engine, self.committed = engine, committed
        self.trouble: str = ""
        self._lock = threading.RLock()
        self._pending: list[tuple[Event, str]] = []
        self._state: State | None = None
        with reading(engine) as connection:
            last = connection.execute(select(schema.events).order_by(schema.events.c.seq.desc()).limit(1)).first()
        self._seq: int = last.seq if last else 0
        self._chain: str = last.chain if last else GENESIS
        self.last_at_s: float = last.at_s if last else 0.0

    @property
    def head(self) -> tuple[int, str]:
        """Number and chain value of the newest event that this journal wrote or found."""
        with self._lock:
            return self._seq, self._chain

    def record(self, event: Event, state: State) -> None:
        if isinstance(event, Woken):
            return
        self._state = state
        tenant = event.tenant if isinstance(event, Changed) else ""
        if isinstance(event, JobEvent) and event.job_id in state.jobs:
            tenant = state.jobs[event.job_id].spec.tenant
        self._pending.append((event, tenant))

    def commit(self) -> None:
        """Write what was recorded. Waits, and says so in `trouble`, while the disk is full or the database is locked."""
        touched = list(self._state.touched.values()) if self._state else []
        if not self._pending and not touched:
            return
        try:
            self._persistently(self._pending, touched)
        except Exception:  # one event that no database takes must not keep all others, of every tenant, from being written
            log.exception("a turn could not be written at once; its events are written one by one")
            self._singly(touched)
        events = [event for event, _ in self._pending]
        self._pending.clear()
        self.committed(events)

    def _persistently(self, events: Sequence[tuple[Event, str]], touched: Sequence[Job]) -> None:
        def statements(connection: Connection) -> None:
            if touched:
                _upsert_jobs(connection, touched)
            for event, _ in events:
                _write_detail(connection, event)

        while True:
            try:
                self._transact(events, statements)
            except OperationalError as error:
                self.trouble = str(error.orig).splitlines()[0]
                log.error("the database cannot be written (%s); trying again", self.trouble)  # noqa: TRY400
                time.sleep(RETRY_S)
            else:
                self.trouble = ""
                return

    def _singly(self, touched: Sequence[Job]) -> None:
        """Each event in a transaction of its own, with its job's row; one that fails leaves a note in its place."""
        rest = {job.id: job for job in touched}
        for event, tenant in self._pending:
            own = [rest.pop(event.job_id)] if isinstance(event, JobEvent) and event.job_id in rest else []
            try:
                self._persistently([(event, tenant)], own)
            except Exception as error:
                log.exception("event %s of %s could not be written", kind_of(event), subject_of(event))
                lost = {"kind": kind_of(event), "error": repr(error)[:500]}
                note = Changed(at_s=event.at_s, subject=subject_of(event), what="unwritable", tenant=tenant, data=lost)
                self._persistently([(note, tenant)], [])
        self._persistently([], list(rest.values()))

    def change(self, event: Changed, statements: Callable[[Connection], Any]) -> Any:
        """Carry out a change outside the queue and its record, together. Returns what `statements` returned."""
        return self._transact([(event, event.tenant)], statements)

    def _transact(self, events: Sequence[tuple[Event, str]], statements: Callable[[Connection], Any]) -> Any:
        with self._lock:
            before = self._seq, self._chain, self.last_at_s
            try:
                with self.engine.begin() as connection:
                    rows = self._rows(events)
                    if rows:
                        connection.execute(insert(schema.events), rows)
                    return statements(connection)
            except BaseException:
                self._seq, self._chain, self.last_at_s = before
                raise

    def _rows(self, events: Sequence[tuple[Event, str]]) -> list[dict[str, Any]]:
        rows = []
        for event, tenant in events:
            self._seq += 1
            # Events made at once by several threads may come in either order: the record still never goes backwards.
            self.last_at_s = max(self.last_at_s, float(event.at_s))
            row = {
                "seq": self._seq,
                "at_s": self.last_at_s,
                "kind": kind_of(event),
                "subject": plain_text(subject_of(event))[:200],
                "tenant": tenant,
                "actor": plain_text(event.actor),
                "data": json.dumps(record_of(event), sort_keys=True),
            }
            row["chain"] = self._chain = link(self._chain, row)
            rows.append(row)
        return rows


def plain_text(text: str) -> str:
    """Text that any database takes: halves of surrogate pairs and NUL, as in odd file names, become escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def _upsert_jobs(connection: Connection, jobs: Any) -> None:
    rows = [job_row(job) for job in jobs]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(schema.jobs)
    changing = [c.name for c in schema.jobs.columns if c.name not in ("id", "spec", "submitted_s", "usage", "submitted_by")]
    connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={name: statement.excluded[name] for name in changing}),
        rows,
    )


def job_row(job: Job) -> dict[str, Any]:
    """The job's row as it is inserted; usage and submitter are kept by an update."""
    return {
        "id": job.id,
        "tenant": job.spec.tenant,
        "name": job.spec.name,
        "state": str(job.state),
        "priority": job.priority,
        "reason": plain_text(job.reason),
        "submitted_s": job.submitted_s,
        "started_s": job.started_s,
        "ended_s": job.ended_s,
        "attempt": job.attempt,
        "failures": job.failures,
        "lost": job.lost,
        "not_before_s": job.not_before_s,
        "cancelled": job.cancelled,
        "placements": [asdict(place) for place in job.placements],
        "spec": job.spec.model_dump_json(exclude_defaults=True),
        "usage": {},
        "submitted_by": job.submitted_by,
    }


def _write_detail(connection: Connection, event: Event) -> None:
    match event:
        case AttemptStarting():
            _attempt_starting(connection, event)
        case AttemptRunning():
            _update_attempt(connection, event, running_s=event.at_s)
        case AttemptEnded():
            _attempt_ended(connection, event)
        case JobSubmitted() | _:
            pass


def _attempt_starting(connection: Connection, event: AttemptStarting) -> None:
    row = {
        "job_id": event.job_id,
        "attempt": event.attempt,
        "placements": [asdict(place) for place in event.placements],
        "starting_s": event.at_s,
    }
    connection.execute(insert(schema.attempts), row)


def _update_attempt(connection: Connection, event: AttemptRunning | AttemptEnded, **values: Any) -> None:
    table = schema.attempts
    here = (table.c.job_id == event.job_id) & (table.c.attempt == event.attempt)
    connection.execute(update(table).where(here).values(**values))


def _attempt_ended(connection: Connection, event: AttemptEnded) -> None:
    usage = asdict(event.usage)
    _update_attempt(
        connection,
        event,
        ended_s=event.at_s,
        ending=str(event.ending),
        code=event.code,
        detail=plain_text(event.detail),
        usage=usage,
    )
    table = schema.jobs
    row = connection.execute(select(table.c.usage, table.c.tenant).where(table.c.id == event.job_id)).one()
    total = _added(row.usage, usage)
    connection.execute(update(table).where(table.c.id == event.job_id).values(usage=total))
    for output in event.outputs:
        _keep_output(connection, event, row.tenant, output)


def _added(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Usage of all attempts together; energy counts as measured only if all of it was."""
    if not before:
        return now
    summed = {name: before[name] + now[name] for name in ("wall_s", "cpu_s", "energy_j")}
    peak = max(before["peak_memory_bytes"], now["peak_memory_bytes"])
    measured = before["energy_measured"] and now["energy_measured"]
    return now | summed | {"peak_memory_bytes": peak, "energy_measured": measured}


def _lineage(job_id: int, spec: dict[str, Any]) -> dict[str, Any]:
    """What made an artifact: the job, its command, its code, what it read, and with which versions."""
    return {
        "job": job_id,
        "command": spec["command"],
        "inputs": spec.get("inputs", {}),
        "source": spec.get("source"),
        "annotations": spec.get("annotations", {}),
        "versions": {"datahall": __version__, "python": platform.python_version()},
    }


def _keep_output(connection: Connection, event: AttemptEnded, tenant: str, output: StoredOutput) -> None:
    spec = connection.execute(select(schema.jobs.c.spec).where(schema.jobs.c.id == event.job_id)).scalar_one()
    row = {
        "tenant": tenant,
        "key": output.key,
        "digest": output.digest,
        "size_bytes": output.size_bytes,
        "made_by_job": event.job_id,
        "made_s": event.at_s,
        "lineage": _lineage(event.job_id, json.loads(spec)),
    }
    enter_artifact(connection, row)
