"""Artifacts over HTTP: folders go in and out as tar streams."""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from datahall.foundation import files
from datahall.foundation.errors import Conflict, Missing, Problem, Refused, TooLarge
from datahall.interfaces.api.context import ThePlatform, Who
from datahall.platform.artifacts import Stored
from datahall.platform.identity import Right

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


@router.get("/content")
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


def _packed(folder: Path) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            tar.add(folder, arcname=".")
        file.seek(0)
        while chunk := file.read(1 << 20):
            yield chunk


@router.put("", status_code=201)
async def store(
    platform: ThePlatform, who: Who, request: Request, key: Annotated[str | None, Query(min_length=1, max_length=200)] = None
) -> dict[str, Any]:
    """Store a folder, sent as a tar stream, under a key of the caller's tenant; without a key, under its digest."""
    who.require(Right.WRITE)
    with tempfile.TemporaryDirectory(dir=platform.home.artifacts / "incoming") as name:
        packed = Path(name) / "upload.tar"
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
        stored = await run_in_threadpool(_unpack, platform, who.tenant, packed)
    key = key or f"source/{stored.digest}"
    await run_in_threadpool(platform.catalogue.add, who.tenant, key, stored, by=who.name, lineage={"uploaded_by": who.name})
    return {"key": key, "digest": stored.digest, "size_bytes": stored.size_bytes}


def _unpack(platform: ThePlatform, tenant: str, packed: Path) -> Stored:
    platform.catalogue.check_quota(tenant, packed.stat().st_size)
    folder = packed.with_suffix("")
    try:
        with tarfile.open(packed) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise Refused(Problem("ART-012", "body", f"is not a safe tar archive: {error}"[:300], "send a plain tar")) from None
    try:
        return platform.catalogue.artifacts.put_tree(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
def collect_garbage(platform: ThePlatform, who: Who) -> dict[str, int]:
    """Delete what no artifact, live job or endpoint refers to."""
    who.require(Right.GOVERN)
    count, freed = platform.catalogue.collect_garbage(also=platform.book.bundles(), by=who.name)
    return {"objects": count, "bytes": freed}


@router.post("/verify")
def verify(platform: ThePlatform, who: Who) -> dict[str, list[str]]:
    """Read every stored object and compare it with its name."""
    who.require(Right.READ_ALL)
    return {"damaged": list(platform.catalogue.artifacts.damaged())}
