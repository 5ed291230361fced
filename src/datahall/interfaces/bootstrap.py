"""Wires the floors together: the one place that knows which parts make a running platform."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.core import Metric
from sqlalchemy import Engine

from datahall import __version__
from datahall.foundation import files
from datahall.foundation.clock import SystemClock
from datahall.foundation.errors import Unauthenticated
from datahall.infrastructure.spec import Hall, capacity_of
from datahall.interfaces.endpoints import BookDeployer
from datahall.interfaces.live_hall import hall_of
from datahall.models.data.keras_stage import KerasStage
from datahall.models.tracking.stage import TrackedStage
from datahall.models.workflows import Workflows
from datahall.platform.artifacts import Artifacts
from datahall.platform.audit import Head, note_head
from datahall.platform.catalogue import Catalogue
from datahall.platform.endpoints import EndpointBook
from datahall.platform.engines.limits import Enforcement, detect
from datahall.platform.engines.local import LocalEngine
from datahall.platform.events import NodeJoined
from datahall.platform.home import Home
from datahall.platform.identity import DEFAULT_TENANT, Identity, Role
from datahall.platform.metering import JobMeter
from datahall.platform.policies import POLICIES
from datahall.platform.resources import Resources
from datahall.platform.service import Scheduler
from datahall.platform.stage import FolderStage
from datahall.platform.store.claim import Release, claimed_database
from datahall.platform.store.database import in_words, private_file
from datahall.platform.store.journal import SqlJournal


@dataclass(slots=True)
class Platform:
    """All parts of a running platform, for the API, the command line and the console."""

    home: Home
    hall: Hall
    clock: SystemClock
    database: Engine
    release: Release
    """Gives the database up to another control plane."""
    journal: SqlJournal
    identity: Identity
    catalogue: Catalogue
    stage: FolderStage
    enforcement: Enforcement
    scheduler: Scheduler
    book: EndpointBook
    workflows: Workflows
    endpoint_statuses: Callable[[], dict[str, Any]] = dict
    """What each endpoint is doing now; the gateway's controller puts itself here."""
    samples: Callable[[], Iterable[Metric]] = tuple
    """The gateway's own figures for /metrics."""
    shut_down: Callable[[bool], None] = lambda _keep_jobs: None
    """Ends the server that this platform runs in."""
    version: str = __version__

    def start(self) -> None:
        """Go on where the last control plane stopped."""
        self.scheduler.start()
        self.workflows.resume()

    def stop(self, *, suspend: bool) -> None:
        """suspend: running jobs are stopped and start again at the next start; otherwise they run on and are adopted."""
        self.scheduler.stop(suspend=suspend)
        self.close()

    def close(self) -> None:
        """Once the scheduler has stopped: let go of the database and of the home."""
        try:
            note_head(self.home.audit_head, Head(*self.journal.head))
        finally:
            self.database.dispose()
            self.release()
            self.home.disown()


def build(home: Home) -> Platform:
    """A platform on `home`, owned by this process, not started yet. Raises Conflict, Refused, Unavailable."""
    home.prepare()
    home.own()
    try:
        return _wired(home)
    except BaseException:
        home.disown()
        raise


def _wired(home: Home) -> Platform:
    hall = hall_of(home)
    if home.database_url.startswith("sqlite"):
        private_file(home.root / "database.db")
    database, release = claimed_database(home.database_url)
    try:
        with in_words(database):
            return _on(home, hall, database, release)
    except BaseException:
        release()
        raise


def _on(home: Home, hall: Hall, database: Engine, release: Release) -> Platform:
    journal = SqlJournal(database)
    clock = SystemClock(not_before_s=journal.last_at_s)
    identity = Identity(database, clock, journal.change)
    first_identity(home, identity, hall)
    catalogue = Catalogue(database, Artifacts(home.artifacts), clock, journal.change)
    stage = FolderStage(catalogue, home.secrets)
    tracked = TrackedStage(KerasStage(stage, catalogue), home)
    enforcement = detect()
    engine = LocalEngine(
        home.jobs, cores=usable_cores(), clock=clock, stage=tracked, enforcement=enforcement, meter=JobMeter(hall)
    )
    scheduler = Scheduler(
        policy=POLICIES.load(hall.platform.policy, where="platform.policy")(),
        engine=engine,
        journal=journal,
        stage=tracked,
        clock=clock,
        nodes=joined(hall, clock.now_s()),
    )
    book = EndpointBook(database, clock, journal.change)
    workflows = Workflows(scheduler, catalogue, clock, BookDeployer(book), home=home.root)
    return Platform(
        home,
        hall,
        clock,
        database,
        release,
        journal,
        identity,
        catalogue,
        stage,
        enforcement,
        scheduler,
        book,
        workflows,
    )


def usable_cores() -> list[int]:
    """CPUs that this process, and so its jobs, may run on."""
    return sorted(os.sched_getaffinity(0))


def joined(hall: Hall, now_s: float) -> list[NodeJoined]:
    """The hall's nodes as the scheduler counts them."""
    events = []
    for node in hall.nodes:
        room = capacity_of(node, hall.platform.reserved)
        capacity = Resources(round(room.cpus * 1000), room.memory_bytes, len(room.accelerators))
        events.append(NodeJoined(at_s=now_s, node=node.name, capacity=capacity, accelerators=room.accelerators))
    return events


def first_identity(home: Home, identity: Identity, hall: Hall) -> None:
    """The tenants of the hall file, and an admin token in `admin.token` when there is none that works."""
    known = {row["name"] for row in identity.tenants()}
    for tenant in dict.fromkeys((DEFAULT_TENANT, *hall.platform.tenants)):
        if tenant not in known:
            identity.make_tenant(tenant, by="platform")
    if not _works(home.admin_token_file, identity):
        _, secret = identity.make_token("admin", tenant=DEFAULT_TENANT, role=Role.ADMIN, by="platform")
        files.write_text(home.admin_token_file, f"{secret}\n", mode=0o600)


def _works(path: Path, identity: Identity) -> bool:
    try:
        identity.authenticate(path.read_text(encoding="utf-8").strip())
    except (OSError, Unauthenticated):
        return False
    return True
