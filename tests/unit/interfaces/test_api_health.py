"""Jobs over HTTP from start to end, and how the platform says that it is well."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.interfaces.answers import JOB, problem

from datahall.interfaces.bootstrap import Platform
from datahall.interfaces.server import Server

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
