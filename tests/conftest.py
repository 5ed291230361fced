"""Fixtures for all tests: a home folder, a store, a scheduler with real processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from datahall.foundation.clock import SystemClock
from datahall.infrastructure.spec import Cpu, Hall, Node
from datahall.platform.artifacts import Artifacts
from datahall.platform.catalogue import Catalogue
from datahall.platform.engines.limits import Watchdog
from datahall.platform.engines.local import LocalEngine
from datahall.platform.events import NodeJoined
from datahall.platform.home import Home
from datahall.platform.identity import DEFAULT_TENANT, Identity
from datahall.platform.metering import JobMeter
from datahall.platform.policies.fifo import Fifo
from datahall.platform.resources import Resources
from datahall.platform.service import Scheduler
from datahall.platform.stage import FolderStage
from datahall.platform.store.database import open_database
from datahall.platform.store.journal import SqlJournal


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests that need the reference data skip loudly: their number stands at the end."""
    skipped = [r for r in terminalreporter.getreports("skipped") if "DATAHALL_SHARED" in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests were skipped: they need DATAHALL_SHARED (see CONTRIBUTING.md)")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data; skips when it is not there."""
    folder = Path(os.environ.get("DATAHALL_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no reference data at {folder}; set DATAHALL_SHARED")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    root = tmp_path / "home"
    monkeypatch.setenv("DATAHALL_HOME", str(root))
    for name in ("DATAHALL_URL", "DATAHALL_TOKEN", "DATAHALL_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    made = Home(root)
    made.prepare()
    return made


def small_hall(*, threads: int = 2) -> Hall:
    cpu = Cpu(model="test", sockets=1, cores=threads, threads=threads)
    return Hall(schema_version=1, name="test", nodes=(Node(name="n1", cpu=cpu, memory_bytes=8 * 1024**3),))


class Parts:
    """A scheduler with everything under it, on a home folder."""

    def __init__(self, home: Home, *, cpu_milli: int = 2000, database_url: str | None = None) -> None:
        self.home = home
        self.database = open_database(database_url or home.database_url)
        self.journal = SqlJournal(self.database)
        self.clock = SystemClock(not_before_s=self.journal.last_at_s)
        self.identity = Identity(self.database, self.clock, self.journal.change)
        if not self.identity.tenants():
            self.identity.make_tenant(DEFAULT_TENANT, by="test")
        self.catalogue = Catalogue(self.database, Artifacts(home.artifacts), self.clock, self.journal.change)
        self.stage = FolderStage(self.catalogue, home.secrets)
        self.engine = LocalEngine(
            home.jobs,
            cores=sorted(os.sched_getaffinity(0)),
            clock=self.clock,
            stage=self.stage,
            enforcement=Watchdog("test"),
            meter=JobMeter(small_hall()),
        )
        node = NodeJoined(at_s=self.clock.now_s(), node="n1", capacity=Resources(cpu_milli, 8 * 1024**3))
        self.scheduler = Scheduler(
            policy=Fifo(), engine=self.engine, journal=self.journal, stage=self.stage, clock=self.clock, nodes=[node]
        )

    def close(self) -> None:
        self.scheduler.stop(suspend=True)
        self.database.dispose()


@pytest.fixture
def parts(home: Home) -> Iterator[Parts]:
    made = Parts(home)
    made.scheduler.start()
    yield made
    made.close()
