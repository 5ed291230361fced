"""How the scheduling loop speaks to policies, engines, the store and the stage. One to four methods each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from datahall.platform.events import Event, Placement, StoredOutput
from datahall.platform.spec import JobSpec

if TYPE_CHECKING:
    from datahall.platform.state import Snapshot, State


@dataclass(frozen=True, slots=True)
class Start:
    """Give the job these places and start it, all workers or none."""

    job_id: int
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """End the job's running attempt."""

    job_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Wake:
    """Ask again at this time even if nothing happens."""

    at_s: float


Action = Start | Stop | Wake


class Policy(Protocol):
    """Decides. Sees no clock, no dice, no I/O: time is in the snapshot."""

    def observe(self, event: Event) -> None: ...
    def plan(self, snapshot: "Snapshot") -> Sequence[Action]: ...


@dataclass(frozen=True, slots=True)
class Launch:
    """A job's attempt as an engine needs it to start or to stop it."""

    job_id: int
    attempt: int
    spec: JobSpec
    placements: tuple[Placement, ...]


class Engine(Protocol):
    """Makes it happen: starts processes when live, pops a heap in the twin."""

    def next_events(self) -> Sequence[Event]:
        """What happened since, all that is simultaneous together; waits when live; empty when silent for good."""
        ...

    def start(self, launch: Launch) -> None: ...
    def stop(self, launch: Launch, reason: str) -> None: ...
    def wake(self, at_s: float) -> None: ...


class Journal(Protocol):
    """Keeps what happened. The loop commits before it carries an action out."""

    def record(self, event: Event, state: "State") -> None: ...
    def commit(self) -> None: ...


class Stage(Protocol):
    """Puts a job's inputs into its working folder, and takes its outputs out of it.

    `environment` gives the job's secrets and what else it is to find.
    """

    def prepare(self, spec: JobSpec, work: Path) -> None: ...
    def collect(self, spec: JobSpec, work: Path) -> tuple[StoredOutput, ...]: ...
    def environment(self, spec: JobSpec, work: Path) -> dict[str, str]: ...
    def secret_names(self, tenant: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job is expected to take, before it starts."""

    duration_s: float
    low_s: float
    """One job in ten is expected to be shorter, and one in ten longer than `high_s`."""
    high_s: float
    energy_j: float | None
    """At its accelerators' plugs; None where their power is not known."""
    memory_bytes: float | None
    """Of one accelerator."""
    source: str
    """Where it comes from, in words."""


class Estimator(Protocol):
    """Says how long, how much energy, how much memory a job will take; None where nothing is known of it."""

    def estimate(self, spec: JobSpec) -> Estimate | None: ...
