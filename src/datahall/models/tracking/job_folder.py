"""A job's folder as the tracking sees it: whose it is, and how its newest attempt goes.

jobs/<id>/job.json                         tenant, name, annotations and, of a script, its command; written by the platform
jobs/<id>/attempts/<n>/<rank>/launch.json  written when the worker is launched
jobs/<id>/attempts/<n>/<rank>/started.json pids, once it runs
jobs/<id>/attempts/<n>/<rank>/end.json     how it ended
jobs/<id>/work/                            the process's working folder
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datahall.models.ports import RunStatus
from datahall.platform.engines.attempt import AttemptFolder


@dataclass(frozen=True, slots=True)
class Job:
    """Whose job it is."""

    id: str
    folder: Path
    tenant: str
    name: str
    workflow: str | None
    command: tuple[str, ...] = ()
    """Of a user's script; empty when it is none."""

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def tags(self) -> dict[str, str]:
        return {"datahall.workflow": self.workflow} if self.workflow else {}


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest attempt. A job without one has not started."""

    number: int
    status: RunStatus
    started_ms: int
    at_ms: int
    """When it ended, or now."""

    @property
    def is_over(self) -> bool:
        return self.status != "RUNNING"


def job_of(folder: Path) -> Job | None:
    """From `job.json`; None without one: nothing that the job itself could have written says whose it is."""
    told = read_json(folder / "job.json")
    if not told.get("tenant"):
        return None
    annotations = told.get("annotations") or {}
    workflow = annotations.get("workflow") or annotations.get("workflow-key")
    name = str(told.get("name") or f"job-{folder.name}")
    command = tuple(map(str, told.get("command") or ()))
    return Job(folder.name, folder, str(told["tenant"]), name, str(workflow) if workflow else None, command)


def newest_attempt(folder: Path) -> Attempt | None:
    """None before the first worker was launched."""
    number = newest_number(folder)
    if number is None:
        return None
    ranks = [path for path in (folder / "attempts" / str(number)).glob("*") if path.is_dir()]
    if not ranks:
        return None
    started_ms = min(_started_ms(rank) for rank in ranks)
    ends = [_end(rank) for rank in ranks]
    if any(end is None for end in ends):
        return Attempt(number, "RUNNING", started_ms, started_ms)
    known = [end for end in ends if end is not None]
    worst = max((status for status, _ in known), key=("FINISHED", "KILLED", "FAILED").index)
    return Attempt(number, worst, started_ms, max(at_ms for _, at_ms in known))


def newest_number(folder: Path) -> int | None:
    """Number of the newest attempt; None before the first."""
    try:
        return max((int(path.name) for path in (folder / "attempts").iterdir() if path.name.isdigit()), default=None)
    except OSError:
        return None


def read_json(path: Path) -> dict[str, Any]:
    """A JSON mapping; empty when there is none that can be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _end(rank: Path) -> tuple[RunStatus, int] | None:
    """Status and instant of a worker's end; None while it lives."""
    end = read_json(rank / "end.json")
    if end:
        well = end.get("reason") == "exited" and end.get("code") == 0
        status: RunStatus = "FINISHED" if well else "KILLED" if end.get("reason") == "stopped" else "FAILED"
        return status, int(float(end.get("at_s") or 0) * 1000)
    started = read_json(rank / "started.json")
    if started and not _is_alive(rank, started):
        return "KILLED", _milliseconds(rank / "started.json")  # killed with its watcher: nobody wrote how it ended
    return None


def _is_alive(rank: Path, started: dict[str, Any]) -> bool:
    """Whether the worker's watcher lives: its pid is there, and it is its own, for it holds the lock.

    The lock is asked for second: to ask is to hold it for a moment, which nobody may notice who waits for the watcher.
    """
    try:
        os.kill(int(started.get("shim") or 0), 0)
    except (ProcessLookupError, ValueError, TypeError, OverflowError):
        return False
    except PermissionError:
        pass
    return AttemptFolder(rank).is_alive()


def _started_ms(rank: Path) -> int:
    """As the worker's watcher wrote it; until then, when it was launched. The launch's own file is deleted once read."""
    at_s = read_json(rank / "started.json").get("at_s")
    return int(float(at_s) * 1000) if at_s else _milliseconds(rank)


def _milliseconds(path: Path) -> int:
    try:
        return int(path.stat().st_mtime * 1000)
    except OSError:
        return 0
