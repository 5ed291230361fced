"""The API over a real socket: what it refuses, how it says so, and what goes in comes out."""

import io
import json
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from datahall.interfaces.api.app import MAX_BODY_BYTES
from datahall.interfaces.bootstrap import Platform
from datahall.interfaces.server import Server

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


# --- artifacts -----------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(packed(member("../x")), id="leads out"),
        pytest.param(packed(member("a/../../x")), id="leads out in the middle"),
        pytest.param(packed(member("x", tarfile.SYMTYPE, "/etc/passwd")), id="a link to elsewhere"),
        pytest.param(packed(member("x", tarfile.SYMTYPE, ".."), member("x/y")), id="through a link"),
        pytest.param(packed(member("x", tarfile.LNKTYPE, "../../../etc/passwd")), id="a hard link to elsewhere"),
        pytest.param(packed(member("x", tarfile.CHRTYPE)), id="a device"),
        pytest.param(packed(member("x"), mode="w:gz"), id="compressed"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"this is no tar", id="no tar"),
        pytest.param(packed(member("x"))[:700], id="cut short"),
    ],
)
def test_an_unsafe_archive_is_refused_and_leaves_nothing(http, admin, platform: Platform, content: bytes):
    """Given an archive that would write elsewhere, or none at all, it is refused and nothing of it is kept."""
    objects = set(platform.catalogue.artifacts.all_digests())
    found = problem(http.put("/v1/artifacts?key=bad", content=content, headers=admin), 400)
    assert found["code"] in {"ART-012", "ART-005"}
    assert set(platform.catalogue.artifacts.all_digests()) == objects
    assert list(platform.catalogue.artifacts.incoming.iterdir()) == []


def test_an_absolute_name_is_taken_inside(http, admin):
    """Given a member called /etc/x, it is stored as etc/x within the folder."""
    made = http.put("/v1/artifacts?key=abs", content=packed(member("/etc/x")), headers=admin)
    assert made.status_code == 201
    assert list(http.get("/v1/artifacts/files?reference=key:abs", headers=admin).json()["files"]) == ["etc/x"]


def test_an_archive_that_promises_too_much_is_refused(http, admin, monkeypatch):
    """Given a limit of ten bytes, an archive of three files of five is refused before it is unpacked."""
    content = packed(member("a"), member("b"), member("c"))
    monkeypatch.setattr("datahall.interfaces.api.artifacts.MAX_UPLOAD_BYTES", len(content))
    assert http.put("/v1/artifacts?key=k", content=content, headers=admin).status_code == 201
    monkeypatch.setattr("datahall.interfaces.api.artifacts.MAX_UPLOAD_BYTES", len(content) - 1)
    assert problem(http.put("/v1/artifacts?key=k", content=content, headers=admin), 413)["code"] == "ART-011"


def test_a_quota_stops_an_upload(http, admin, token):
    """Given a quota of 7 bytes, a folder of 5 comes in and one more does not."""
    http.post("/v1/tenants", json={"name": "small", "quota_bytes": 7}, headers=admin)
    member_of_small = token("member", "small")
    assert http.put("/v1/artifacts?key=a", content=packed(member("a")), headers=member_of_small).status_code == 201
    found = problem(http.put("/v1/artifacts?key=b", content=packed(member("b")), headers=member_of_small), 400)
    assert found["what"] == "5 B are used and 5 B would come, of 7 B"


def test_a_folder_comes_back(http, admin, tmp_path: Path):
    """Given a stored folder, its tar and its single file come back as they went in; storing again under the key is newer."""
    content = packed(member("a.txt"), member("sub/b.txt"))
    made = http.put("/v1/artifacts?key=data", content=content, headers=admin).json()
    answer = http.get(f"/v1/artifacts/content?reference=sha256:{made['digest']}", headers=admin)
    assert answer.headers["content-type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    assert (tmp_path / "out" / "sub" / "b.txt").read_text() == "hello"
    one = http.get("/v1/artifacts/file?reference=key:data&path=a.txt", headers=admin)
    assert one.content == b"hello"
    problem(http.get("/v1/artifacts/file?reference=key:data&path=../a.txt", headers=admin), 404)
    newer = http.put("/v1/artifacts?key=data", content=packed(member("a.txt")), headers=admin).json()
    assert http.get("/v1/artifacts/files?reference=key:data", headers=admin).json()["artifact"]["digest"] == newer["digest"]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_mangled_archive_never_ends_in_a_fault(http, admin, data):
    """Given a good archive with some bytes changed or cut, the answer is a yes or a refusal."""
    content = bytearray(packed(member("a/b.txt"), member("c", tarfile.SYMTYPE, "a")))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 1600))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    response = http.put("/v1/artifacts?key=fuzz", content=bytes(content[:cut]), headers=admin)
    assert response.status_code in {201, 400}, response.text


# --- jobs ----------------------------------------------------------------------------------------------------


def test_a_job_from_its_submission_to_its_log(http, admin):
    """Given a job that prints, its state, log and events follow, and the log goes on from where one stopped."""
    number = http.post("/v1/jobs", json={"command": ["sh", "-c", "echo one; echo two"], "cpus": 0.1}, headers=admin).json()[
        "id"
    ]
    while http.get(f"/v1/jobs/{number}", headers=admin).json()["state"] != "succeeded":
        time.sleep(0.01)
    answer = http.get(f"/v1/jobs/{number}/logs", headers=admin)
    assert (answer.text, answer.headers["x-next-offset"], answer.headers["x-job-state"]) == ("one\ntwo\n", "8", "succeeded")
    assert http.get(f"/v1/jobs/{number}/logs?offset=4", headers=admin).text == "two\n"
    assert http.get(f"/v1/jobs/{number}/logs?offset=-4", headers=admin).text == "two\n"
    assert problem(http.get(f"/v1/jobs/{number}/logs?rank=1", headers=admin), 404)["code"] == "LOG-001"
    assert problem(http.get(f"/v1/jobs/{number}/logs?attempt=2", headers=admin), 404)["code"] == "LOG-002"
    kinds = [event["kind"] for event in http.get(f"/v1/events?subject=job/{number}", headers=admin).json()]
    assert kinds == ["job_submitted", "attempt_starting", "attempt_running", "attempt_ended"]


def test_a_waiting_job_says_why(http, admin, platform: Platform):
    """Given a job that needs one that sleeps, its answer holds the sentence and the way out."""
    first = http.post("/v1/jobs", json={"command": ["sleep", "60"], "cpus": 0.1}, headers=admin).json()["id"]
    second = http.post("/v1/jobs", json=JOB | {"needs": [first]}, headers=admin).json()["id"]
    why = http.get(f"/v1/jobs/{second}", headers=admin).json()["why"]
    assert (why["code"], why["unblock"]) == ("needs", f"`datahall job {first}` shows how it goes")
    http.post(f"/v1/jobs/{first}/cancel", headers=admin)
    while http.get(f"/v1/jobs/{second}", headers=admin).json()["state"] != "cancelled":
        time.sleep(0.01)


# --- health, figures, document ---------------------------------------------------------------------------------


def test_health_needs_no_token_and_tells_trouble(http, platform: Platform, monkeypatch):
    """Given a database in trouble, /healthz lives on and /readyz says 503 and what the trouble is."""
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json() == {"status": "ready"}
    monkeypatch.setattr(platform.journal, "trouble", "database is locked")
    assert http.get("/healthz").status_code == 200
    response = http.get("/readyz")
    assert problem(response, 503)["what"] == "database is locked"
    assert response.headers["retry-after"] == "1"


def test_health_answers_while_every_caller_waits(http, admin, server: Server, platform: Platform):
    """Given sixty submissions that wait for a turn of the queue, /healthz still answers at once."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60, limits=httpx.Limits(max_connections=100)) as many:
        waiting = [
            threading.Thread(target=many.post, args=("/v1/jobs",), kwargs={"json": JOB, "headers": admin}) for _ in range(60)
        ]
        with platform.scheduler.lock:
            for thread in waiting:
                thread.start()
            time.sleep(0.3)
            began = time.monotonic()
            assert http.get("/healthz").status_code == 200
            assert time.monotonic() - began < 2
        for thread in waiting:
            thread.join()


def test_the_figures_are_in_prometheus_form(http, admin):
    """Given /metrics, Prometheus's own parser reads it, and the jobs and nodes are there."""
    families = {family.name: family for family in text_string_to_metric_families(http.get("/metrics", headers=admin).text)}
    states = {sample.labels["state"] for sample in families["datahall_jobs"].samples}
    assert {"waiting", "running", "succeeded", "failed"} <= states
    parts = {sample.labels["part"]: sample.value for sample in families["datahall_node_cpus"].samples}
    assert parts["capacity"] >= parts["free"] >= 0
    assert families["datahall_resident_memory_bytes"].samples[0].value > 1e6


def test_the_document_describes_every_answer(http):
    """Given /openapi.json, every operation documents its problems as problem+json and none as FastAPI's own 422."""
    document = http.get("/openapi.json").json()
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert len(operations) > 40
    for operation in operations:
        assert "application/problem+json" in operation["responses"]["default"]["content"]
        assert "422" not in operation["responses"]
    assert "swagger" in http.get("/docs").text


def test_a_database_that_fails_is_503_and_a_fault_500(admin, server: Server, platform: Platform, monkeypatch):
    """Given a handler that meets a database error or an unforeseen one, the body is a problem and no traceback."""
    from sqlalchemy.exc import OperationalError

    def locked(*_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("database is locked"))

    monkeypatch.setattr(platform.catalogue, "page", locked)
    assert problem(httpx.get(f"{server.url}/v1/artifacts", headers=admin), 503)["what"] == "database is locked"
    monkeypatch.setattr(platform.catalogue, "page", lambda *_, **__: 1 / 0)
    response = httpx.get(f"{server.url}/v1/artifacts", headers=admin)  # the connection ends after a fault
    assert problem(response, 500)["what"] == "ZeroDivisionError"
    assert "Traceback" not in response.text


def test_a_shut_down_can_be_asked_for_by_an_admin(http, admin, platform: Platform, monkeypatch):
    """Given the call, the server's own way down is taken, with what was asked about the jobs."""
    asked: list[bool] = []
    monkeypatch.setattr(platform, "shut_down", asked.append)
    assert http.post("/v1/shutdown?keep_jobs=true", headers=admin).status_code == 202
    assert http.post("/v1/shutdown", headers=admin).json() == {"keep_jobs": False}
    assert asked == [True, False]


def test_json_is_what_it_says(http, admin, make_json: Callable[[Any], str] = json.dumps):
    """Given a recipe and a job with words in three scripts, they come back as they were sent."""
    words = "données 数据 データ \u202e 🙂"
    number = http.post("/v1/jobs", json=JOB | {"annotations": {"note": words}}, headers=admin).json()["id"]
    assert http.get(f"/v1/jobs/{number}", headers=admin).json()["spec"]["annotations"] == {"note": words}
