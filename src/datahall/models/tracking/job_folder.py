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
    numbers = [int(path.name) for path in (folder / "attempts").glob("*") if path.name.isdigit()]
    if not numbers:
        return None
    ranks = [path for path in (folder / "attempts" / str(max(numbers))).glob("*") if path.is_dir()]
    if not ranks:
        return None
    started_ms = min(_started_ms(rank) for rank in ranks)
    ends = [_end(rank) for rank in ranks]
    if any(end is None for end in ends):
        return Attempt(max(numbers), "RUNNING", started_ms, started_ms)
    known = [end for end in ends if end is not None]
    worst = max((status for status, _ in known), key=("FINISHED", "KILLED", "FAILED").index)
    return Attempt(max(numbers), worst, started_ms, max(at_ms for _, at_ms in known))


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
    if started and not _alive(int(started.get("shim") or 0)):
        return "KILLED", _milliseconds(rank / "started.json")  # killed with its watcher: nobody wrote how it ended
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _started_ms(rank: Path) -> int:
    """As the worker's watcher wrote it; until then, when it was launched. The launch's own file is deleted once read."""
    at_s = read_json(rank / "started.json").get("at_s")
    return int(float(at_s) * 1000) if at_s else _milliseconds(rank)


def _milliseconds(path: Path) -> int:
    try:
        return int(path.stat().st_mtime * 1000)
    except OSError:
        return 0
