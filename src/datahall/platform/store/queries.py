"""Reading the database: pages of jobs, one job, events, what was going on when the control plane stopped."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from datahall.platform.events import Placement
from datahall.platform.lifecycle import FINAL, JobState
from datahall.platform.spec import JobSpec
from datahall.platform.state import Job
from datahall.platform.store import schema

MAX_PAGE = 1000
LIVE = [str(state) for state in JobState if state not in FINAL]


def reading(engine: Engine) -> Connection:
    """A connection for reading: sees one consistent state and never blocks the writer."""
    return engine.connect().execution_options(datahall_read=True)


def live_jobs(engine: Engine) -> tuple[list[Job], dict[int, JobState]]:
    """Jobs that were not over, and the final states of all others that somebody may need."""
    table = schema.jobs
    with reading(engine) as connection:
        rows = connection.execute(select(table).where(table.c.state.in_(LIVE)).order_by(table.c.id)).all()
        ended = connection.execute(select(table.c.id, table.c.state).where(table.c.state.not_in(LIVE))).all()
    over = {int(row.id): JobState(row.state) for row in ended}
    jobs = [job_of(row) for row in rows]
    for job in jobs:
        job.unmet = {needed for needed in job.spec.needs if over.get(needed) is not JobState.SUCCEEDED}
    return jobs, over


def job_of(row: Any) -> Job:
    """A job of the queue from its row."""
    return Job(
        id=row.id,
        spec=JobSpec.model_validate_json(row.spec),
        submitted_s=row.submitted_s,
        submitted_by=row.submitted_by,
        state=JobState(row.state),
        priority=row.priority,
        reason=row.reason,
        attempt=row.attempt,
        failures=row.failures,
        lost=row.lost,
        not_before_s=row.not_before_s,
        cancelled=row.cancelled,
        started_s=row.started_s,
        ended_s=row.ended_s,
        placements=tuple(Placement(p["node"], tuple(p["accelerators"])) for p in row.placements),
    )


def job_page(
    engine: Engine, *, tenant: str | None, state: str | None = None, before: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """A page of jobs, newest first. tenant: only its jobs; None means all."""
    table = schema.jobs
    wanted = [c for c in table.columns if c.name not in ("spec", "placements", "cancelled", "lost", "failures", "not_before_s")]
    query: Select[Any] = select(*wanted).order_by(table.c.id.desc()).limit(min(limit, MAX_PAGE))
    if tenant is not None:
        query = query.where(table.c.tenant == tenant)
    if state is not None:
        query = query.where(table.c.state == state)
    if before is not None:
        query = query.where(table.c.id < before)
    with reading(engine) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def job_row(engine: Engine, job_id: int) -> Any | None:
    """The job's whole row."""
    with reading(engine) as connection:
        return connection.execute(select(schema.jobs).where(schema.jobs.c.id == job_id)).first()


def attempts_of(engine: Engine, job_id: int) -> list[dict[str, Any]]:
    """The job's attempts, first to last."""
    table = schema.attempts
    query = select(table).where(table.c.job_id == job_id).order_by(table.c.attempt)
    with reading(engine) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def event_page(
    engine: Engine, *, tenant: str | None, subject: str | None = None, after: int = 0, limit: int = 100
) -> list[dict[str, Any]]:
    """Events after `after` (a sequence number), oldest first."""
    table = schema.events
    query = select(table).where(table.c.seq > after).order_by(table.c.seq).limit(min(limit, MAX_PAGE))
    if tenant is not None:
        query = query.where(table.c.tenant == tenant)
    if subject is not None:
        query = query.where(table.c.subject == subject)
    with reading(engine) as connection:
        return [dict(row._mapping) | {"data": json.loads(row.data)} for row in connection.execute(query)]


def all_events(engine: Engine) -> Iterator[dict[str, Any]]:
    """Every event row as it was written, for checking the chain."""
    with reading(engine) as connection:
        result = connection.execution_options(yield_per=1000).execute(select(schema.events).order_by(schema.events.c.seq))
        for row in result:
            yield dict(row._mapping)


def counts_by_state(engine: Engine) -> dict[str, int]:
    """How many jobs are in each state."""
    table = schema.jobs
    with reading(engine) as connection:
        rows = connection.execute(select(table.c.state, func.count().label("jobs")).group_by(table.c.state))
        return {str(row.state): int(row.jobs) for row in rows}


def last_job_id(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.max(schema.jobs.c.id))).scalar_one_or_none() or 0
