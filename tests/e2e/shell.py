"""A user's shell: `datahall` commands on a home of its own, with the platform up."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

EXAMPLES = Path(__file__).parents[2] / "examples"
T = TypeVar("T")
LEFT_OUT = ("DATAHALL_", "VIRTUAL_ENV", "CONDA_")


@dataclass(frozen=True)
class Ended:
    """How a submitted job went, as its user saw it."""

    number: int
    code: int
    log: str
    said: str


class UserShell:
    """Start it with `with`; the platform is down again afterwards."""

    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
        self.environment = kept | {"DATAHALL_HOME": str(home)}

    def __enter__(self) -> "UserShell":
        self.run("up", "--detach", "--port", "0")
        return self

    def __exit__(self, *_: object) -> None:
        self.run("down")

    def call(self, *words: str, folder: Path = EXAMPLES, limit_s: float = 100, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "datahall.interfaces.cli.main", *words]
        environment = self.environment | more
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
        )

    def run(self, *words: str, folder: Path = EXAMPLES, **more: str) -> str:
        done = self.call(*words, folder=folder, **more)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str, **more: str) -> Any:
        return json.loads(self.run(words[0], "--json", *words[1:], **more))

    def submit(self, *words: str, folder: Path, limit_s: float = 100) -> Ended:
        """`datahall submit --wait` from `folder`."""
        done = self.call("submit", "--wait", *words, folder=folder, limit_s=limit_s)
        numbers = [int(line.split()[1]) for line in done.stderr.splitlines() if line.endswith("is queued")]
        return Ended(numbers[0] if numbers else 0, done.returncode, done.stdout, done.stderr)

    def runs_of(self, job: int, *, patience_s: float = 40, **more: str) -> list[dict[str, Any]]:
        """The ended runs of a job, waited for: the tracking takes them in within seconds."""

        def found() -> list[dict[str, Any]]:
            runs = self.json("runs", "--limit", "100", **more)
            return [run for run in runs if run["tags"].get("datahall.job") == str(job) and run["status"] != "RUNNING"]

        return eventually(found, patience_s=patience_s)


def eventually(look: Callable[[], T], *, patience_s: float) -> T:
    """What `look` finds once it finds something; the last that it found when it never does."""
    deadline = time.monotonic() + patience_s
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return seen
