"""Route by route and role by role: who is let in, and who is not."""

import io
import tarfile
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from datahall.interfaces.api.app import api_of
from datahall.interfaces.bootstrap import Platform
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec
from datahall.platform.identity import Role

ROLES = ("viewer", "member", "operator", "admin", "stranger")
"""Of tenant vision, but for the admin (of default) and the stranger (a member of speech)."""

JOB = {"command": ["true"], "cpus": 0.1, "tenant": "vision"}
RECIPE = {
    "name": "r",
    "data": {"source": {"kind": "csv", "file": "nothing.csv", "label": "y"}},
    "model": {"family": "mlp", "hidden": [4]},
}
DEPLOY = {"bundle": "key:nothing", "deploy": {"endpoint": "e"}}
SEE, OWN, RULE, ALL = (200, 200, 200, 200, 200), (200, 200, 200, 200, 404), (403, 403, 403, 200, 403), (403, 403, 200, 200, 403)

TABLE: list[tuple[str, str, Any, tuple[int, ...]]] = [
    ("POST", "/v1/jobs", JOB, (403, 201, 201, 201, 403)),
    ("POST", "/v1/jobs/batch", {"jobs": [JOB]}, (403, 201, 201, 201, 403)),
    ("GET", "/v1/jobs", None, SEE),
    ("GET", "/v1/jobs/{job_id}", None, OWN),
    ("GET", "/v1/jobs/{job_id}/logs", None, OWN),
    ("GET", "/v1/jobs/{job_id}/metrics", None, OWN),
    ("POST", "/v1/jobs/{job_id}/cancel", {}, (403, 409, 409, 409, 404)),
    ("POST", "/v1/jobs/{job_id}/priority", {"priority": 1}, (403, 409, 409, 409, 404)),
    ("POST", "/v1/jobs/{job_id}/retry", {}, (403, 200, 200, 200, 404)),
    ("GET", "/v1/events", None, SEE),
    ("POST", "/v1/workflows", {"recipe": RECIPE}, (403, 404, 404, 404, 404)),
    ("GET", "/v1/workflows", None, SEE),
    ("GET", "/v1/workflows/{number}", None, (404, 404, 404, 404, 404)),
    ("GET", "/v1/endpoints", None, SEE),
    ("POST", "/v1/endpoints", DEPLOY, (403, 404, 404, 404, 404)),
    ("GET", "/v1/endpoints/{name}", None, OWN),
    ("POST", "/v1/endpoints/{name}/promote", {"version": 1}, (403, 200, 200, 200, 404)),
    ("POST", "/v1/endpoints/{name}/rollback", {}, (403, 409, 409, 409, 404)),
    ("DELETE", "/v1/endpoints/{name}", None, (403, 204, 204, 204, 404)),
    ("GET", "/v1/artifacts", None, SEE),
    ("GET", "/v1/artifacts/files?reference=key:data", None, (200, 200, 200, 404, 404)),
    ("GET", "/v1/artifacts/content?reference=key:data", None, (200, 200, 200, 404, 404)),
    ("GET", "/v1/artifacts/file?reference=key:data&path=a.txt", None, (200, 200, 200, 404, 404)),
    ("PUT", "/v1/artifacts?key=k&tenant=vision", "tar", (403, 201, 201, 201, 403)),
    ("DELETE", "/v1/artifacts?key=nothing", None, (403, 404, 404, 404, 404)),
    ("POST", "/v1/artifacts/collect", {}, RULE),
    ("POST", "/v1/artifacts/verify", {}, ALL),
    ("GET", "/v1/runs", None, SEE),
    ("GET", "/v1/models", None, SEE),
    ("GET", "/v1/status", None, SEE),
    ("GET", "/v1/hall", None, SEE),
    ("GET", "/v1/tenants", None, SEE),
    ("POST", "/v1/tenants", {"name": "new"}, (403, 403, 403, 201, 403)),
    ("PUT", "/v1/tenants/{tenant}/quota", {"quota_bytes": None}, RULE),
    ("GET", "/v1/tokens", None, SEE),
    ("POST", "/v1/tokens", {"name": "t", "tenant": "vision"}, (403, 403, 403, 201, 403)),
    ("PUT", "/v1/tokens/{token}/role", {"role": "viewer"}, RULE),
    ("DELETE", "/v1/tokens/{token}", None, (403, 403, 403, 204, 403)),
    ("GET", "/v1/secrets", None, (403, 200, 200, 200, 200)),
    ("PUT", "/v1/secrets/{secret}", {"value": "x"}, (403, 204, 204, 204, 204)),
    ("GET", "/v1/audit", None, ALL),
    ("POST", "/v1/shutdown", {}, (403, 403, 403, 202, 403)),
    ("GET", "/metrics", None, ALL),
]


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        info = tarfile.TarInfo("a.txt")
        info.size = 5
        packed.addfile(info, io.BytesIO(b"hello"))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def heads(token: Callable[..., dict[str, str]]) -> dict[str, dict[str, str]]:
    stranger = token("member", "speech")
    return {role: token(role) for role in ("viewer", "member", "operator")} | {
        "admin": token("admin", "default"),
        "stranger": stranger,
    }


@pytest.fixture(scope="module")
def things(platform: Platform, http: httpx.Client, heads: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What the paths name: an ended job of vision, an artifact, a token."""
    job = http.post("/v1/jobs", json=JOB, headers=heads["member"]).json()["id"]
    http.put("/v1/artifacts?key=data", content=tar(), headers=heads["member"])
    number, _ = platform.identity.make_token("victim", tenant="vision", role=Role.MEMBER, by="test")
    return {"job_id": job, "number": 999, "name": "digits", "tenant": "vision", "token": number, "secret": "s"}


def ended(http: httpx.Client, job: int, head: dict[str, str]) -> None:
    while not http.get(f"/v1/jobs/{job}", headers=head).json()["ended_s"]:
        time.sleep(0.01)


def call(http: httpx.Client, method: str, path: str, body: Any, head: dict[str, str]) -> Any:
    if body == "tar":
        return http.request(method, path, content=tar(), headers=head)
    return http.request(method, path, json=body, headers=head) if body is not None else http.request(method, path, headers=head)


def test_the_table_has_every_route(platform: Platform):
    """Given the OpenAPI document, each operation stands in the table; health alone needs no token."""
    paths = api_of(platform).openapi()["paths"]
    known = {(method.upper(), path) for path, item in paths.items() for method in item}
    renamed = {"/v1/tenants/{tenant}/quota": "/v1/tenants/{name}/quota", "/v1/secrets/{secret}": "/v1/secrets/{name}"}
    renamed |= {"/v1/tokens/{token}": "/v1/tokens/{number}", "/v1/tokens/{token}/role": "/v1/tokens/{number}/role"}
    tabled = {(method, renamed.get(path.split("?")[0], path.split("?")[0])) for method, path, _, _ in TABLE}
    assert known - tabled == {("GET", "/healthz"), ("GET", "/readyz")}
    assert tabled - known == set()


@pytest.mark.parametrize(("method", "path", "body", "expected"), TABLE, ids=[f"{m} {p}" for m, p, _, _ in TABLE])
def test_each_role_at_each_route(http, platform, heads, things, *, monkeypatch, method, path, body, expected):
    """Given a route, each role gets the answer of its row, and whoever has no token or a wrong one gets 401."""
    monkeypatch.setattr(platform, "shut_down", lambda _keep_jobs: None)
    monkeypatch.setattr(platform.book, "changed", lambda: None)  # nobody needs replicas of a bundle that is not there
    filled = path.format(**things)
    for head in ({}, {"Authorization": "Bearer dh_wrong"}, {"Authorization": "Basic dh"}):
        response = call(http, method, filled, body, head)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    seen = []
    for role in ROLES:
        version = VersionSpec(version=1, bundle="ab" * 32)
        if "digits" in filled and "digits" not in {spec.name for spec in platform.book.all()}:
            endpoint = EndpointSpec(name="digits", tenant="vision", versions=(version,))
            platform.book.deploy(endpoint, bundle="ab" * 32, canary_ratio=1, by="test")
        if "/jobs/" in filled and "batch" not in filled:
            ended(http, things["job_id"], heads["admin"])
        response = call(http, method, filled, body, heads[role])
        seen.append(response.status_code)
        if response.is_error:
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["problems"][0]["fix"]
    assert tuple(seen) == expected
