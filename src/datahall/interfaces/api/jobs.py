"""Jobs over HTTP."""

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from datahall.foundation import files
from datahall.foundation.errors import Refused
from datahall.foundation.spec import Spec
from datahall.interfaces.api.context import ThePlatform, Who
from datahall.interfaces.bootstrap import Platform
from datahall.platform.admission import forged
from datahall.platform.identity import Principal, Right
from datahall.platform.logs import check_rank, read_log
from datahall.platform.spec import JobSpec

router = APIRouter(prefix="/v1", tags=["jobs"])

JobId = Annotated[int, Path(ge=1, le=2**53)]
MAX_BATCH = 20_000


class JobBatch(Spec):
    """Several jobs, queued together or not at all. `needs` may count them: -1 is the first of this batch."""

    jobs: tuple[JobSpec, ...] = Field(max_length=MAX_BATCH)


class Priority(Spec):
    """Where a waiting job moves to."""

    priority: int


@router.post("/jobs", status_code=201)
def submit(platform: ThePlatform, who: Who, spec: JobSpec) -> dict[str, int]:
    """Queue one job. It is written down when the answer comes."""
    return {"id": _submitted(platform, who, spec)[0]}


@router.post("/jobs/batch", status_code=201)
def submit_batch(platform: ThePlatform, who: Who, batch: JobBatch) -> dict[str, list[int]]:
    """Queue several jobs, all or none."""
    return {"ids": _submitted(platform, who, *batch.jobs)}


def _submitted(platform: Platform, who: Principal, *specs: JobSpec) -> list[int]:
    if problems := [problem for spec in specs for problem in forged(spec)]:
        raise Refused(problems)
    for tenant in {spec.tenant for spec in specs} - {who.tenant}:
        who.require(Right.WRITE, tenant=tenant)
        platform.identity.tenant(tenant)  # or else a typing mistake would make a tenant that nobody sees
    return platform.scheduler.submit(who, *specs)


@router.get("/jobs")
def jobs(
    platform: ThePlatform,
    who: Who,
    state: str | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[dict[str, Any]]:
    """Jobs, newest first; `before` is the last number of the page before."""
    return platform.scheduler.jobs(who, state=state, before=before, limit=limit)


@router.get("/jobs/{job_id}")
def job(platform: ThePlatform, who: Who, job_id: JobId) -> dict[str, Any]:
    """Everything about one job; `why` says in a sentence why it waits."""
    return platform.scheduler.job(who, job_id)


@router.post("/jobs/{job_id}/cancel")
def cancel(platform: ThePlatform, who: Who, job_id: JobId) -> dict[str, Any]:
    """Take it out of the queue, or stop it."""
    platform.scheduler.cancel(who, job_id)
    return platform.scheduler.job(who, job_id)


@router.post("/jobs/{job_id}/retry")
def retry(platform: ThePlatform, who: Who, job_id: JobId) -> dict[str, Any]:
    """Run an ended job again."""
    platform.scheduler.retry(who, job_id)
    return platform.scheduler.job(who, job_id)


@router.post("/jobs/{job_id}/priority")
def set_priority(platform: ThePlatform, who: Who, job_id: JobId, body: Priority) -> dict[str, Any]:
    """Move a waiting job in the queue."""
    platform.scheduler.set_priority(who, job_id, body.priority)
    return platform.scheduler.job(who, job_id)


@router.get("/jobs/{job_id}/logs", response_class=Response)
def logs(
    platform: ThePlatform,
    who: Who,
    job_id: JobId,
    rank: Annotated[int, Query(ge=0, le=100_000)] = 0,
    attempt: Annotated[int | None, Query(ge=1, le=100_000)] = None,
    offset: Annotated[int, Query(ge=-(2**40), le=2**40)] = 0,
) -> Response:
    """What worker `rank` wrote, from `offset` on. `X-Next-Offset` says where to go on, `X-Job-State` whether it may."""
    found = platform.scheduler.job(who, job_id)
    attempt = attempt or max(found["attempt"], 1)
    check_rank(job_id, workers=found["spec"]["workers"], rank=rank, attempts=found["attempt"], attempt=attempt)
    data, following = read_log(platform.home.jobs / str(job_id), attempt=attempt, rank=rank, offset=offset)
    headers = {"X-Next-Offset": str(following), "X-Job-State": found["state"], "X-Attempt": str(attempt)}
    return Response(data, headers=headers, media_type="text/plain; charset=utf-8")


@router.get("/jobs/{job_id}/metrics", response_class=Response)
def metrics(platform: ThePlatform, who: Who, job_id: JobId, offset: Annotated[int, Query(ge=0, le=2**40)] = 0) -> Response:
    """Points that the job logged, one JSON object a line, from byte `offset` on."""
    platform.scheduler.job(who, job_id)
    data = _tail(platform.home.jobs / str(job_id) / "work" / "metrics.jsonl", offset)
    return Response(data, headers={"X-Next-Offset": str(offset + len(data))}, media_type="application/x-ndjson")


def _tail(path: FilePath, offset: int) -> bytes:
    try:
        with files.open_regular(path) as file:  # the job may have put a pipe there
            file.seek(offset)
            data = file.read(1024 * 1024)
    except OSError:
        return b""
    return data[: data.rfind(b"\n") + 1]


@router.get("/events")
def events(
    platform: ThePlatform,
    who: Who,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """Events after number `after`, oldest first. `subject` is such as `job/17`."""
    who.require(Right.READ)
    return platform.scheduler.events(who, subject=subject, after=after, limit=limit)
