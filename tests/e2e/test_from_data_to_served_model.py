"""The main job, as a stranger does it: one command to an answer over HTTP, and a control plane that may be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]


class Shell:
    """`datahall` commands on one home folder."""

    def __init__(self, home: Path) -> None:
        self.home, self.said = home, ""
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DATAHALL_")} | {"DATAHALL_HOME": str(home)}

    def run(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "datahall.interfaces.cli.main", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=150, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.run(words[0], "--json", *words[1:]))

    @property
    def server(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "server.json").read_text())
        return found

    def http(self) -> httpx.Client:
        token = (self.home / "admin.token").read_text().strip()
        return httpx.Client(base_url=self.server["url"], headers={"Authorization": f"Bearer {token}"}, trust_env=False)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    made = Shell(tmp_path_factory.mktemp("run") / "home")
    made.said = made.run("quickstart", "--port", "0")
    yield made
    made.run("down")


@pytest.mark.timeout(240)
def test_one_command_ends_with_a_prediction(shell: Shell):
    """Given an empty home, `quickstart` trains, serves and shows an answer, a report and how to stop."""
    said = shell.said
    assert "the served model says: " in said
    assert "datahall down" in said
    report = next(line.removeprefix("report: ") for line in said.splitlines() if line.startswith("report: "))
    assert "<html" in Path(report).read_text()
    accuracy = float(said.split("accuracy ")[1].split(",")[0])
    assert accuracy >= 0.97


@pytest.mark.timeout(240)
def test_a_second_run_reuses_every_step(shell: Shell):
    """Given the same recipe again, nothing is run and the same bundle is served."""
    began = time.monotonic()
    result = shell.json("run", "recipes/digits.yaml")
    assert [step["state"] for step in result["steps"]] == ["cached"] * 5
    assert time.monotonic() - began < 20


def documented_body(pixels: int = 64) -> dict[str, Any]:
    return {"inputs": [{"name": "input", "shape": [1, pixels // 8, 8], "datatype": "FP32", "data": [0.0] * pixels}]}


@pytest.mark.timeout(240)
def test_the_open_inference_protocol_answers(shell: Shell):
    """Given the documented body, ten probabilities come back; with a wrong shape, 400 says which."""
    with shell.http() as http:
        good = http.post("/v2/models/digits/infer", json=documented_body())
        assert good.status_code == 200
        assert sum(good.json()["outputs"][0]["data"]) == pytest.approx(1, abs=1e-4)
        bad = http.post("/v2/models/digits/infer", json=documented_body(56))
        assert bad.status_code == 400
        assert "has shape [1, 7, 8], but the model expects [-1, 8, 8]" in bad.json()["detail"]
        assert bad.headers["content-type"] == "application/problem+json"


@pytest.mark.timeout(240)
def test_a_killed_server_comes_back_to_its_job_and_its_replica(shell: Shell):
    """Given kill -9 of the server during a job, the next `up` adopts both: same attempt, same replica process."""
    number = str(shell.json("submit", "--cpus", "0.1", "--", "sh", "-c", "sleep 4; echo survived")["id"])
    replica = shell.json("endpoints")[0]["now"]["replicas"][0]["pid"]
    os.kill(shell.server["pid"], signal.SIGKILL)
    shell.run("up", "--detach", "--port", "0")
    assert "survived" in shell.run("logs", "-f", number)
    job = shell.json("job", number)
    assert (job["state"], job["attempt"]) == ("succeeded", 1)
    with shell.http() as http:
        assert http.post("/v2/models/digits/infer", json=documented_body()).status_code == 200
    assert shell.json("endpoints")[0]["now"]["replicas"][0]["pid"] == replica


@pytest.mark.timeout(240)
def test_the_run_and_the_model_are_tracked(shell: Shell):
    """Given the recipe that was run, its run with the test accuracy and its model with an alias are listed."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs, models = shell.json("runs"), shell.json("models")
        found = [run for run in runs if any("accuracy" in name for name in run["metrics"])]
        if found and models:
            break
        time.sleep(0.5)
    assert found, runs
    assert (models[0]["name"], models[0]["aliases"]) == ("digits", "champion")
