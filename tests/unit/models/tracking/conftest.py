"""Job folders as the platform leaves them, and stores that count what they are told."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from datahall.models.ports import About, Point, Registration, RunStatus
from datahall.models.tracking.template import ENVIRONMENT, place_store

SCRIPT = """
import mlflow
mlflow.set_experiment("mine")
with mlflow.start_run(run_name="outer", tags={"team": "blue"}) as outer:
    mlflow.log_params({"lr": 0.1, "layers": [64, 10]})
    for step in range(50):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_text("hello", "notes/a.txt")
    with mlflow.start_run(run_name="inner", nested=True):
        mlflow.log_metrics({"acc": 0.5, "bad": float("nan")}, step=3)
"""


class Killed(BaseException):
    """A kill in the middle: nothing catches it."""


class MemoryStore:
    """Both ports in memory. `kill_at` kills at its n-th call: half the time before the write, half the time after."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.versions: list[Registration] = []
        self.aliases: dict[tuple[str, str], int] = {}
        self.aliased: set[str] = set()
        self.calls, self.kill_at = 0, -1

    def _call(self, write: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.calls == self.kill_at and self.calls % 2:
            raise Killed
        result = write()
        if self.calls == self.kill_at:
            raise Killed
        return result

    def run(self, about: About) -> str:
        fresh = {"about": about, "points": set(), "params": {}, "tags": {}, "files": {}, "status": "RUNNING"}
        self._call(lambda: self.runs.setdefault(about.key, fresh))
        return about.key

    def log(
        self,
        run: str,
        *,
        points: Sequence[Point] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        def write() -> None:
            kept = self.runs[run]
            kept["points"].update((p.name, repr(p.value), p.step, p.at_ms) for p in points)
            kept["params"].update(params or {})
            kept["tags"].update(tags or {})

        self._call(write)

    def attach(self, run: str, file: Path, name: str) -> None:
        self._call(lambda: self.runs[run]["files"].update({name: file.read_bytes()}))

    def set_status(self, run: str, status: RunStatus, at_ms: int) -> None:
        self._call(lambda: self.runs[run].update(status=status, at_ms=at_ms))

    def withdraw(self, key: str) -> None:
        self._call(lambda: self.runs.pop(key, None))

    def register(self, request: Registration) -> int:
        def write() -> int:
            same = [i for i, known in enumerate(self.versions, 1) if known.bundle == request.bundle]
            if not same:
                self.versions.append(request)
            version = same[0] if same else len(self.versions)
            if request.alias and request.id not in self.aliased:
                self.aliases[request.model, request.alias] = version
                self.aliased.add(request.id)
            return version

        return int(self._call(write))


class JobFolder:
    """`jobs/<id>` of a job, moved on by hand."""

    def __init__(
        self, path: Path, *, tenant: str = "default", name: str = "job", command: Sequence[str] = (), **annotations: str
    ) -> None:
        self.path, self.work, self.attempt = path, path / "work", 0
        self.work.mkdir(parents=True)
        self.write("job.json", {"tenant": tenant, "name": name, "annotations": annotations, "command": command})

    def write(self, name: str, data: Any) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(json.dumps(data))

    def start(self) -> "JobFolder":
        self.attempt += 1
        self.write(f"attempts/{self.attempt}/0/launch.json", {"argv": ["x"]})
        self.lock = os.open(self.path / f"attempts/{self.attempt}/0/lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.write(f"attempts/{self.attempt}/0/started.json", {"shim": os.getpid(), "worker": os.getpid(), "at_s": time.time()})
        return self

    def end(self, *, reason: str = "exited", code: int | None = 0, at_s: float = 1_790_000_100.0) -> "JobFolder":
        self.write(f"attempts/{self.attempt}/0/end.json", {"reason": reason, "code": code, "at_s": at_s})
        return self

    def die(self) -> "JobFolder":
        """The watcher is killed: nobody holds its lock any more, and nothing says how it ended."""
        os.close(self.lock)
        return self

    def step(self, name: str, **config: Any) -> "JobFolder":
        self.write("work/step.json", {"step": name, "config": {"recipe": "digits", "seed": 7, "folder": "/x", **config}})
        return self

    def metrics(self, *epochs: int, name: str = "loss") -> "JobFolder":
        with (self.work / "metrics.jsonl").open("a") as file:
            for epoch in epochs:
                line = {"step": epoch, "at_s": 1_790_000_000 + epoch / 8, "values": {name: 1 / (epoch + 1), "odd": "nan"}}
                file.write(json.dumps(line) + "\n")
        return self


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / "jobs").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def job(home: Path) -> Callable[..., JobFolder]:
    """Makes the folder of a job by its number."""
    return lambda number, **words: JobFolder(home / "jobs" / str(number), **words)


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def killed() -> type[BaseException]:
    return Killed


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow store, made once: the migrations take a second."""
    from datahall.models.tracking.template import template_store

    return template_store(tmp_path_factory.mktemp("template") / "template.db")


@pytest.fixture
def scripted(tmp_path_factory: Any, template: Path) -> Path:
    """The working folder after a real script with the real MLflow client; made once for all tests."""
    work = tmp_path_factory.getbasetemp() / "scripted" / "work"
    if not work.exists():
        work.mkdir(parents=True)
        place_store(template, work)
        words = {name: value.replace("{work}", str(work)) for name, value in ENVIRONMENT.items()}
        subprocess.run([sys.executable, "-c", SCRIPT], cwd=work, env=os.environ | words, check=True, capture_output=True)
    return work


@pytest.fixture
def ready_home(home: Path, template: Path) -> Path:
    """A home whose store is migrated already."""
    shutil.copyfile(template, home / "mlflow.db")
    return home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """MLflow 3.17 uses a loader of SQLAlchemy that 2.1 warns of; that is theirs to mend, not a fault of ours."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"))
