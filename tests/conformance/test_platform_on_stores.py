"""The platform over every store: the scheduler over a restart, and `datahall up` as a process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Parts

from datahall.platform.audit import broken_links
from datahall.platform.home import Home
from datahall.platform.identity import LOCAL_ADMIN
from datahall.platform.spec import JobSpec
from datahall.platform.store import queries

PATIENCE_S = 40.0


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def ended(parts: Parts, number: int) -> dict[str, Any]:
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, number)["ended_s"] is not None)
    return parts.scheduler.job(LOCAL_ADMIN, number)


def shell(words: str, **more: Any) -> JobSpec:
    return JobSpec.model_validate({"command": ("sh", "-c", words), "cpus": 0.5} | more)


def test_jobs_run_and_depend_on_each_other(home: Home, url: str):
    """Given a job that leaves a file and one that reads it, both succeed and the record is whole."""
    parts = Parts(home, database_url=url)
    parts.scheduler.start()
    first = shell("echo 42 > outputs/answer", output_key="k")
    second = shell("grep 42 inputs/first/answer", inputs={"first": "key:k"}, needs=(-1,))
    numbers = parts.scheduler.submit(LOCAL_ADMIN, first, second)
    assert [ended(parts, number)["state"] for number in numbers] == ["succeeded", "succeeded"]
    assert broken_links(queries.all_events(parts.database)) == []
    parts.close()


def test_a_restart_goes_on(home: Home, url: str):
    """Given a running job, one that waits for it and one that ended, the next control plane finishes the first two."""
    first = Parts(home, database_url=url)
    first.scheduler.start()
    [done] = first.scheduler.submit(LOCAL_ADMIN, shell("true"))
    ended(first, done)
    numbers = first.scheduler.submit(LOCAL_ADMIN, shell("sleep 0.5"), shell("true", needs=(-1,)))
    until(lambda: first.scheduler.job(LOCAL_ADMIN, numbers[0])["state"] == "running")
    first.scheduler.stop(suspend=False)
    first.database.dispose()
    second = Parts(home, database_url=url)
    second.scheduler.start()
    assert [ended(second, number)["state"] for number in numbers] == ["succeeded", "succeeded"]
    assert second.scheduler.submit(LOCAL_ADMIN, shell("true")) == [numbers[-1] + 1]
    assert broken_links(queries.all_events(second.database)) == []
    second.close()


class Up:
    """`datahall up` as a process on a home folder and a database."""

    def __init__(self, home: Home, url: str) -> None:
        self.home = home
        self.environment = os.environ | {"DATAHALL_HOME": str(home.root), "DATAHALL_DATABASE": url}
        command = [sys.executable, "-m", "datahall.interfaces.cli.main", "up", "--port", "0"]
        self.process = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def answers(self) -> bool:
        server = self.home.server()
        if server is None or server["pid"] != self.process.pid:
            assert self.process.poll() is None, self.process.communicate()[0]
            return False
        return True

    def client(self) -> httpx.Client:
        until(self.answers)
        token = self.home.admin_token_file.read_text().strip()
        server = self.home.server()
        assert server is not None
        return httpx.Client(base_url=server["url"], headers={"Authorization": f"Bearer {token}"}, trust_env=False)

    def end(self, number: int) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=PATIENCE_S)[0]


@pytest.fixture
def up(url: str) -> Iterator[Callable[[Home], Up]]:
    started: list[Up] = []

    def start(home: Home) -> Up:
        started.append(Up(home, url))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def test_up_works_the_same_and_survives_kill_9(home: Home, up: Callable[[Home], Up]):
    """Given `datahall up` on the database that is killed during a job, the next one answers with the job's end."""
    first = up(home)
    with first.client() as client:
        number = client.post("/v1/jobs", json={"command": ["sleep", "0.7"], "cpus": 0.1}).json()["id"]
        until(lambda: client.get(f"/v1/jobs/{number}").json()["state"] == "running")
    first.end(signal.SIGKILL)
    second = up(home)
    with second.client() as client:
        until(lambda: client.get(f"/v1/jobs/{number}").json()["state"] == "succeeded")
        assert client.get("/v1/audit").json()["whole"]
    second.end(signal.SIGTERM)
    assert second.process.returncode == 0
    assert home.server() is None


def test_two_homes_on_one_database_are_refused(home: Home, tmp_path: Path, up: Callable[[Home], Up]):
    """Given a control plane on the database, one with another home and the same database ends naming the first."""
    first = up(home)
    first.client().close()
    second = up(Home(tmp_path / "other"))
    said = second.process.communicate(timeout=PATIENCE_S)[0]
    assert second.process.returncode == 1
    assert "STORE-004" in said
    assert f"process {first.process.pid} is writing to it" in said
    assert json.loads(httpx.get(f"{first.home.server()['url']}/healthz", trust_env=False).text) == {"status": "ok"}
