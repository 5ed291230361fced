"""What the tests of the API share: a job, an archive, and the look at a problem."""

import io
import tarfile

import httpx

JOB = {"command": ["true"], "cpus": 0.1}


def problem(response: httpx.Response, status: int) -> dict[str, str]:
    """The first problem of an RFC 9457 body, whose every member is checked."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), response.text
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail", "problems"}
    assert body["status"] == status
    for found in body["problems"]:
        assert set(found) == {"code", "where", "what", "fix"}
        assert all(found.values())
    first: dict[str, str] = body["problems"][0]
    return first


def packed(*members: tarfile.TarInfo, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for info in members:
            info.size = 5 if info.type == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"hello"))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info
