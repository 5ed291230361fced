"""An endpoint's whole life on the real platform: canary, promotion, return, death of a replica, more replicas, the end."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.shell import UserShell, eventually

RECIPE = """\
name: digits
seed: {seed}
data: {{source: {{kind: digits}}}}
model: {{family: mlp, hidden: [16]}}
train: {{epochs: 5, optimiser: {{name: adam, learning_rate: 0.01}}}}
deploy: {{endpoint: digits, canary_ratio: {canary}}}
"""


class User:
    """A shell, a folder with recipes, and a way to ask."""

    def __init__(self, shell: UserShell, folder: Path) -> None:
        self.shell, self.folder = shell, folder
        server = json.loads((shell.home / "server.json").read_text())
        token = (shell.home / "admin.token").read_text().strip()
        self.http = httpx.Client(
            base_url=server["url"], headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
        )

    def runs(self, *, seed: int, canary: float) -> dict[str, Any]:
        """Run the recipe; its result."""
        (self.folder / "digits.yaml").write_text(RECIPE.format(seed=seed, canary=canary))
        made: dict[str, Any] = self.shell.json("run", "digits.yaml", folder=self.folder)
        return made

    def asks(self, name: str = "digits", *, samples: int = 1) -> httpx.Response:
        return self.http.post(f"/predict/{name}", json={"input": [[[0.0] * 8] * 8] * samples})

    def versions(self, count: int) -> list[int]:
        """The versions that answered so many requests."""
        return [self.asks().raise_for_status().json()["version"] for _ in range(count)]

    def now(self, name: str = "digits") -> dict[str, Any]:
        spec: dict[str, Any] = self.http.get(f"/v1/endpoints/{name}").raise_for_status().json()
        return spec["now"] or {"state": "", "replicas": [], "versions": []}

    def ready(self, name: str = "digits", *, replicas: int = 1, patience_s: float = 20) -> bool:
        """Wait until it is ready with exactly so many replicas."""

        def is_so() -> bool:
            now = self.now(name)
            return now["state"] == "ready" and [row["phase"] for row in now["replicas"]] == ["ready"] * replicas

        return eventually(is_so, patience_s=patience_s)

    @contextmanager
    def load(self, name: str = "digits", *, clients: int = 2, samples: int = 1) -> Iterator[list[int]]:
        """Ask from several threads for as long as the block; the statuses of all answers."""
        statuses: list[int] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                statuses.append(self.asks(name, samples=samples).status_code)

        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield statuses
        finally:
            stop.set()
            for thread in threads:
                thread.join()


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    folder = tmp_path_factory.mktemp("life")
    with UserShell(folder / "home") as shell:
        made = User(shell, folder)
        yield made
        made.http.close()


@pytest.mark.timeout(200)
def test_from_canary_to_the_end(user: User):
    """Given version 1 and a canary with 0.3 of the traffic: both answer, it is promoted, taken back, and all is removed."""
    first = user.runs(seed=1, canary=1)
    assert user.ready()
    assert user.versions(5) == [1] * 5
    second = user.runs(seed=2, canary=0.3)
    assert first["bundle"] != second["bundle"]
    assert user.ready(replicas=2)
    assert sorted(user.versions(20)) == [1] * 14 + [2] * 6
    user.shell.run("promote", "digits", "2")
    assert user.ready()
    assert set(user.versions(5)) == {2}
    user.shell.run("rollback", "digits")
    assert user.ready(replicas=2)
    assert set(user.versions(10)) == {1, 2}

    with user.load() as statuses:
        dead = [row["pid"] for row in user.now()["replicas"]]
        for pid in dead:
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: not {row["pid"] for row in user.now()["replicas"]} & set(dead), patience_s=10)
        assert user.ready(replicas=2)
    assert set(statuses) == {200}
    assert user.now()["errors"] == 0

    user.shell.run("undeploy", "digits")
    assert user.asks().status_code == 404
    user.shell.run("deploy", "digits", f"sha256:{second['bundle']}", "--timeout", "5 s", "--rate", "0.001")
    assert user.ready()
    assert user.versions(1) == [1]  # numbers begin anew
    assert {user.asks().status_code for _ in range(60)} == {200, 429}  # a burst of 50 is let through
    user.shell.run("undeploy", "digits")
    assert user.http.get("/healthz", headers={"X-Long": "v" * 100_000}).status_code == 431


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_replicas_come_with_the_load_and_go_after_it(user: User):
    """Given an endpoint of one to two replicas under load, there are two; half a minute after it, there is one again."""
    bundle = f"sha256:{user.runs(seed=1, canary=1)['bundle']}"
    wanted = {"endpoint": "busy", "max_replicas": 2, "target_in_flight": 0.5, "timeout": "20 s"}
    user.http.post("/v1/endpoints", json={"bundle": bundle, "deploy": wanted}).raise_for_status()
    assert user.ready("busy")
    with user.load("busy", clients=4, samples=200) as statuses:
        assert user.ready("busy", replicas=2)
    assert set(statuses) == {200}
    assert user.ready("busy", patience_s=60)
