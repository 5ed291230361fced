"""The API over a real socket: what it refuses, how it says so, and who is let in."""

import socket
from collections.abc import Iterator

import pytest
from tests.unit.interfaces.answers import JOB, member, packed, problem

from datahall.interfaces.api.app import MAX_BODY_BYTES
from datahall.interfaces.bootstrap import Platform
from datahall.interfaces.server import Server

# --- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "where", "what"),
    [
        ({"command": ["true"], "cpu": 1}, "API-003", "cpu", "is an unknown field"),
        ({}, "API-002", "command", "is missing"),
        ({"command": "true"}, "API-001", "command", "should be a valid tuple, but it is 'true'"),
        ({"command": []}, "API-001", "command", "should have at least 1 item"),
        ({"command": ["true"], "cpus": "many"}, "API-001", "cpus", "should be a valid number"),
        ({"command": ["true"], "memory": "4 GiBB"}, "API-001", "memory", "a size is a number or a number with one of B, KB"),
        ({"command": ["true"], "time_limit": "2 hours"}, "API-001", "time_limit", "a duration is a number or a number with"),
        ({"command": ["true"], "workers": 0}, "API-001", "workers", "should be greater than or equal to 1, but it is 0"),
        ({"command": ["true"], "cpus": -1}, "API-001", "cpus", "should be greater than 0"),
        ({"command": ["true"], "name": "../x"}, "API-001", "name", "should match pattern"),
        ({"command": ["true"], "tenant": "../x"}, "API-001", "tenant", "should match pattern"),
        ({"command": ["true"], "environment": {"A B": "1"}}, "API-001", "environment", "should match pattern"),
        ({"command": ["a\0b"]}, "API-001", "command", "a NUL character cannot be passed to a program"),
        ({"command": ["true"], "source": "abc"}, "API-001", "source", "should match pattern"),
        ({"command": ["true"], "inputs": {"x": "data"}}, "API-001", "inputs.x", "should match pattern"),
        ({"command": ["true"], "needs": [77]}, "JOB-011", "needs", "there is no job 77 that you may see"),
        ({"command": ["true"], "secrets": {"A": "no"}}, "JOB-012", "secrets.A", "tenant `default` has no secret `no`"),
        ({"command": ["true"], "cpus": 4000}, "JOB-010", "cpus", "4000 asked for, but the largest node has"),
    ],
)
def test_a_bad_job_is_refused_with_its_field(http, admin, *, body, code, where, what):
    """Given a job with one thing wrong, the answer names the field, what was seen and what is allowed."""
    found = problem(http.post("/v1/jobs", json=body, headers=admin), 400)
    assert (found["code"], found["where"].startswith(where)) == (code, True)
    assert what in found["what"]


def test_all_problems_come_at_once(http, admin):
    """Given a job with three things wrong, three problems come back."""
    response = http.post("/v1/jobs", json={"comand": ["x"], "workers": 0, "memory": "1 QB"}, headers=admin)
    assert [found["code"] for found in response.json()["problems"]] == ["API-002", "API-001", "API-001", "API-003"]


@pytest.mark.parametrize("content", [b"", b"{", b"nonsense", b"[]", b'"x"', b"\xff\xfe", b"null", b'{"command": NaN}'])
def test_bad_json_is_refused(http, admin, content: bytes):
    """Given bytes that are no JSON object, the answer is a problem, not a fault."""
    headers = admin | {"Content-Type": "application/json"}
    problem(http.post("/v1/jobs", content=content, headers=headers), 400)


def test_a_lone_surrogate_is_refused(http, admin):
    """Given half a character pair, which UTF-8 cannot hold, the job is refused before it reaches the record."""
    content = b'{"command": ["\\ud800"]}'
    problem(http.post("/v1/jobs", content=content, headers=admin | {"Content-Type": "application/json"}), 400)
    content = b'{"command": ["true"], "annotations": {"a": "\\udfff"}}'
    problem(http.post("/v1/jobs", content=content, headers=admin | {"Content-Type": "application/json"}), 400)


def test_unknown_places_and_methods(http, admin):
    """Given a path that is not there and a method that it does not take, 404 and 405 say so as problems."""
    assert problem(http.get("/v1/nothing", headers=admin), 404)["code"] == "API-004"
    assert problem(http.get("/nothing"), 404)["code"] == "API-004"
    assert problem(http.put("/v1/jobs", json={}, headers=admin), 405)["what"] == "does not take PUT"
    assert problem(http.post("/healthz"), 405)["code"] == "API-005"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/jobs/0",
        "/v1/jobs/x",
        "/v1/jobs/99999999999999999999",
        "/v1/jobs?limit=0",
        "/v1/jobs?limit=1001",
        "/v1/jobs?before=x",
        "/v1/jobs?state=asleep",
        "/v1/events?after=-1",
        "/v1/artifacts/files?reference=x",
        "/v1/artifacts/files",
        "/v1/endpoints/..%2fx",
    ],
)
def test_bad_parameters_are_refused(http, admin, path: str):
    """Given a number out of range, an unknown state or a missing parameter, the answer is 400 or 404, never a fault."""
    response = http.get(path, headers=admin)
    problem(response, response.status_code)
    assert response.status_code in {400, 404}


def test_a_priority_out_of_range_is_refused(http, admin):
    """Given priority 5000, the range is named."""
    job = http.post("/v1/jobs", json=JOB, headers=admin).json()["id"]
    found = problem(http.post(f"/v1/jobs/{job}/priority", json={"priority": 5000}, headers=admin), 400)
    assert found["fix"] == "choose -1000 to 1000"


def test_a_batch_is_whole_or_refused(http, admin):
    """Given a batch with one bad job or with more jobs than are taken, none is queued."""
    first = http.post("/v1/jobs", json=JOB, headers=admin).json()["id"]
    problem(http.post("/v1/jobs/batch", json={"jobs": [JOB, {"command": ["true"], "cpus": 4000}]}, headers=admin), 400)
    many = {"jobs": [{"command": ["x"]}] * 20_001}
    assert "at most 20000 items" in problem(http.post("/v1/jobs/batch", json=many, headers=admin), 400)["what"]
    assert http.get("/v1/jobs?limit=1", headers=admin).json()[0]["id"] == first
    assert http.post("/v1/jobs/batch", json={"jobs": []}, headers=admin).json() == {"ids": []}


@pytest.mark.parametrize("folder", ["/nowhere", "\0", "x" * 5000, "a/" * 3000])
def test_a_folder_that_is_none_is_refused(http, admin, folder: str):
    """Given a folder that the server does not have, or that no file system could have, the answer is 400."""
    source = {"kind": "csv", "file": "x.csv", "label": "y"}
    recipe = {"name": "r", "data": {"source": source}, "model": {"family": "mlp", "hidden": [4]}}
    body = {"recipe": recipe, "folder": folder}
    assert problem(http.post("/v1/workflows", json=body, headers=admin), 400)["code"] == "FLOW-002"


# --- large bodies --------------------------------------------------------------------------------------------


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536 + 1):
        yield b" " * 65536


def test_a_body_too_large_is_413_with_and_without_its_length(http, admin):
    """Given 17 MiB, announced or in chunks, the answer is 413 with the limit."""
    headers = admin | {"Content-Type": "application/json"}
    for content in (b" " * (MAX_BODY_BYTES + 1), chunks(MAX_BODY_BYTES)):
        found = problem(http.post("/v1/jobs", content=content, headers=headers), 413)
        assert (found["code"], f"at most {MAX_BODY_BYTES}" in found["what"]) == ("API-008", True)


def test_nobody_unknown_can_send_much(server: Server):
    """Given a large body announced without a token, the answer is 401 before any of it was sent."""
    host, port = server.socket.getsockname()
    with socket.create_connection((host, port), timeout=10) as raw:
        raw.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\nContent-Type: application/json\r\n\r\n{")
        assert raw.recv(100).startswith(b"HTTP/1.1 401")


# --- tokens --------------------------------------------------------------------------------------------------


def test_an_expired_and_a_revoked_token_are_out(http, token, admin, platform: Platform):
    """Given a token that ran out and one that was revoked, both get 401, each with its own words."""
    assert problem(http.get("/v1/jobs", headers=token("member", lifetime_s=0)), 401)["code"] == "AUTH-003"
    made = http.post("/v1/tokens", json={"name": "x", "tenant": "vision"}, headers=admin).json()
    head = {"Authorization": f"Bearer {made['token']}"}
    assert http.get("/v1/jobs", headers=head).status_code == 200
    assert http.delete(f"/v1/tokens/{made['id']}", headers=admin).status_code == 204
    assert problem(http.get("/v1/jobs", headers=head), 401)["code"] == "AUTH-001"


def test_a_role_changes_at_once(http, admin):
    """Given a member made a viewer, the next submission is refused."""
    made = http.post("/v1/tokens", json={"name": "x", "tenant": "vision"}, headers=admin).json()
    head = {"Authorization": f"Bearer {made['token']}"}
    assert http.post("/v1/jobs", json=JOB | {"tenant": "vision"}, headers=head).status_code == 201
    http.put(f"/v1/tokens/{made['id']}/role", json={"role": "viewer"}, headers=admin)
    assert problem(http.post("/v1/jobs", json=JOB | {"tenant": "vision"}, headers=head), 403)["code"] == "AUTH-002"


def test_tenants_see_their_own(http, token, admin):
    """Given jobs of two tenants, each member's lists hold its own only; the admin's hold both."""
    vision, speech = token("member", "vision"), token("member", "speech")
    mine = http.post("/v1/jobs", json=JOB | {"tenant": "vision"}, headers=vision).json()["id"]
    theirs = http.post("/v1/jobs", json=JOB | {"tenant": "speech"}, headers=speech).json()["id"]
    seen = {row["id"] for row in http.get("/v1/jobs?limit=1000", headers=vision).json()}
    assert mine in seen
    assert theirs not in seen
    assert {mine, theirs} <= {row["id"] for row in http.get("/v1/jobs?limit=1000", headers=admin).json()}
    assert http.get(f"/v1/events?subject=job/{theirs}", headers=vision).json() == []
    assert {row["tenant"] for row in http.get("/v1/tokens", headers=vision).json()} == {"vision"}
    assert [row["name"] for row in http.get("/v1/tenants", headers=vision).json()] == ["vision"]
    needs = JOB | {"tenant": "vision", "needs": [theirs]}
    assert problem(http.post("/v1/jobs", json=needs, headers=vision), 400)["code"] == "JOB-011"


def test_a_tenant_that_is_not_there_is_missing(http, admin):
    """Given an admin who mistypes a tenant, neither a job nor an artifact is made for it."""
    assert problem(http.post("/v1/jobs", json=JOB | {"tenant": "visoin"}, headers=admin), 404)["code"] == "AUTH-005"
    assert (
        problem(http.put("/v1/artifacts?tenant=visoin", content=packed(member("a")), headers=admin), 404)["where"]
        == "tenant visoin"
    )


def test_secrets_are_never_shown(http, admin):
    """Given a secret, its name is listed and its value stands in no answer and in no event."""
    assert http.put("/v1/secrets/api-key", json={"value": "hunter2"}, headers=admin).status_code == 204
    assert "api-key" in http.get("/v1/secrets", headers=admin).json()
    assert "hunter2" not in http.get("/v1/events?limit=1000", headers=admin).text
    problem(http.put("/v1/secrets/..%2fx", json={"value": "x"}, headers=admin), 404)
