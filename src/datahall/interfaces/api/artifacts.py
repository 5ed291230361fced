"""Artifacts over HTTP: folders go in and out as tar streams."""

import errno
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from datahall.foundation import files
from datahall.foundation.errors import Conflict, Missing, Problem, Refused, TooLarge
from datahall.foundation.spec import Name
from datahall.interfaces.api.context import ThePlatform, Who
from datahall.interfaces.bootstrap import Platform
from datahall.platform.artifacts import MAX_TREE_FILES, Stored
from datahall.platform.identity import Right
from datahall.platform.retention import prune_job_folders

router = APIRouter(prefix="/v1/artifacts", tags=["artifacts"])

MAX_UPLOAD_BYTES = 8 * 1024**3
Key = Annotated[str, Query(min_length=1, max_length=200)]


@router.get("")
def artifacts(platform: ThePlatform, who: Who, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[dict[str, Any]]:
    """Artifacts, newest first, each with what made it and from what."""
    who.require(Right.READ)
    return platform.catalogue.page(who.scope, limit=limit)


@router.get("/files")
def artifact_files(platform: ThePlatform, who: Who, reference: Key) -> dict[str, Any]:
    """The files of an artifact (`key:…` or `sha256:…`)."""
    who.require(Right.READ)
    row = platform.catalogue.require(who.tenant, reference)
    return {"artifact": row, "files": platform.catalogue.artifacts.tree_files(row["digest"])}


@router.get("/content", response_class=StreamingResponse)
def content(platform: ThePlatform, who: Who, reference: Key) -> StreamingResponse:
    """An artifact as a tar stream, every file checked against its digest."""
    who.require(Right.READ)
    row = platform.catalogue.require(who.tenant, reference)
    folder = platform.catalogue.artifacts.lay_out(row["digest"])
    return StreamingResponse(_packed(folder), media_type="application/x-tar")


@router.get("/file", response_class=Response)
def one_file(
    platform: ThePlatform, who: Who, reference: Key, path: Annotated[str, Query(min_length=1, max_length=4096)]
) -> Response:
    """One file of an artifact, checked against its digest."""
    who.require(Right.READ)
    row = platform.catalogue.require(who.tenant, reference)
    entry = platform.catalogue.artifacts.tree_files(row["digest"]).get(path)
    if entry is None:
        raise Missing(Problem("ART-013", path[:200], "is not in this artifact", "see `datahall artifacts files`"))
    return Response(platform.catalogue.artifacts.read(str(entry["digest"])), media_type="application/octet-stream")


def _packed(folder: FilePath) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.add(folder, arcname=".")
        file.seek(0)
        while chunk := file.read(1 << 20):
            yield chunk


@router.put("", status_code=201)
async def store(
    platform: ThePlatform,
    who: Who,
    request: Request,
    key: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    tenant: Annotated[Name | None, Query()] = None,
) -> dict[str, Any]:
    """Store a folder, sent as a plain tar stream, under a key of the tenant (the caller's); without one, under its digest."""
    tenant = tenant or who.tenant
    who.require(Right.WRITE, tenant=tenant)
    await run_in_threadpool(platform.identity.tenant, tenant)
    with tempfile.TemporaryDirectory(dir=platform.home.artifacts / "incoming") as name:
        packed = FilePath(name) / "upload.tar"
        await _receive(request, packed)
        stored = await run_in_threadpool(_unpack, platform, tenant, packed)
    key = key or f"source/{stored.digest}"
    await run_in_threadpool(platform.catalogue.add, tenant, key, stored, by=who.name, lineage={"uploaded_by": who.name})
    return {"key": key, "digest": stored.digest, "size_bytes": stored.size_bytes}


async def _receive(request: Request, packed: FilePath) -> None:
    """Raises TooLarge, or Unavailable when the disk is full."""
    size = 0
    with packed.open("wb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_UPLOAD_BYTES:
                what = f"more than {MAX_UPLOAD_BYTES} bytes"
                raise TooLarge(Problem("ART-011", "body", what, "store it in parts"))
            try:
                file.write(chunk)
            except OSError as error:
                raise files.unwritable(packed, error) from error


def _unpack(platform: Platform, tenant: str, packed: FilePath) -> Stored:
    folder = packed.with_suffix("")
    try:
        # Plain only: a compressed archive of a few bytes could unpack into more than the disk holds.
        with tarfile.open(packed, "r:") as tar:
            platform.catalogue.check_quota(tenant, _promised_bytes(tar))
            tar.extractall(folder, filter="data")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise files.unwritable(folder, error) from error
        raise _unsafe(error) from None
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise _unsafe(error) from None
    folder.mkdir(exist_ok=True)
    return platform.catalogue.artifacts.put_tree(folder)


def _promised_bytes(tar: tarfile.TarFile) -> int:
    """What the members will hold; a sparse one promises more than it brings. Raises TooLarge."""
    size = count = 0
    for member in tar:
        size, count = size + max(member.size, 0), count + 1
        if size > MAX_UPLOAD_BYTES or count > MAX_TREE_FILES:
            what = f"more than {MAX_UPLOAD_BYTES} bytes or {MAX_TREE_FILES} files when unpacked"
            raise TooLarge(Problem("ART-011", "body", what, "store it in parts"))
    return size


def _unsafe(error: Exception) -> Refused:
    return Refused(Problem("ART-012", "body", f"is not a safe tar archive: {error}"[:300], "send a plain tar"))


@router.delete("", status_code=204)
def delete(platform: ThePlatform, who: Who, key: Key) -> None:
    """Forget an artifact; its bytes go with the next garbage collection if nothing else needs them."""
    who.require(Right.WRITE)
    row = platform.catalogue.require(who.tenant, f"key:{key}")
    if row["digest"] in platform.book.bundles():
        fix = "`datahall undeploy` the endpoint first"
        raise Conflict(Problem("ART-014", key, "is served, or may be rolled back to", fix))
    platform.catalogue.delete(who.tenant, key, by=who.name)


@router.post("/collect")
def collect_garbage(
    platform: ThePlatform, who: Who, jobs_older_than_s: Annotated[float, Query(ge=0, le=1e10)] = 30 * 86400
) -> dict[str, int]:
    """Delete what no artifact, live job or endpoint refers to, and the folders and logs of jobs that ended long ago."""
    who.require(Right.GOVERN)
    before_s = platform.clock.now_s() - jobs_older_than_s
    jobs, job_bytes = prune_job_folders(platform.database, platform.home.jobs, ended_before_s=before_s)
    count, freed = platform.catalogue.collect_garbage(also=platform.book.bundles(), by=who.name)
    return {"objects": count, "jobs": jobs, "bytes": freed + job_bytes}


@router.post("/verify")
def verify(platform: ThePlatform, who: Who) -> dict[str, list[str]]:
    """Read every stored object and compare it with its name."""
    who.require(Right.READ_ALL)
    return {"damaged": list(platform.catalogue.artifacts.damaged())}
