"""Where runs and models are kept, as the rest of the models floor sees it.

Each call may be repeated after a crash: the second time changes nothing. That is what makes taking in exactly once possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

RunStatus = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric. Equal points are one point."""

    name: str
    value: float
    step: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class About:
    """What a run is, before anything is logged to it."""

    key: str
    """Its own for all time: whoever comes with the same key gets the same run."""
    tenant: str
    experiment: str
    """Runs of one experiment are compared with each other. The tenant is put in front."""
    name: str
    started_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registration:
    """A new version of a model, and the alias that moves to it."""

    id: str
    """Its own for all time, like a run's key."""
    tenant: str
    model: str
    bundle: str
    """The packaged model: an artifact's digest or an address. The same again is the same version."""
    alias: str | None = None
    run_key: str | None = None
    """The run that made it."""
    tags: Mapping[str, str] = field(default_factory=dict)


class Tracker(Protocol):
    """Keeps runs."""

    def run(self, about: About) -> str:
        """The id of the run with this key, made when it is not there yet."""
        ...

    def log(
        self,
        run: str,
        *,
        points: Sequence[Point] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None: ...

    def attach(self, run: str, file: Path, name: str) -> None:
        """Keep a copy of `file` with the run, as `name`."""
        ...

    def set_status(self, run: str, status: RunStatus, at_ms: int) -> None: ...

    def withdraw(self, key: str) -> None:
        """Take the run with this key out of the list, if there is one."""
        ...


class ModelRegistry(Protocol):
    """Keeps the versions of models."""

    def register(self, request: Registration) -> int:
        """The version of the request's bundle: made now, or by an earlier request. The alias moves to it once a request."""
        ...
