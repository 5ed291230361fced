"""The run of a script that logs none: its name, command, state and duration, so that the list of runs misses no job.

A script that logs for itself has the runs that it made, and no other.
"""

import time
from collections.abc import Callable
from typing import Any

from datahall.models.ports import About, Tracker
from datahall.models.tracking.job_folder import Attempt, Job
from datahall.models.tracking.names import run_key

EXPERIMENT = "jobs"
WITHDRAWN = "withdrawn"
PATIENCE_S = 5.0
"""A running script has this long to begin a run of its own."""


def take_plain(job: Job, attempt: Attempt, tracker: Callable[[], Tracker], state: dict[str, Any]) -> None:
    """state: what the job's taking-in has written down; `runs` holds those that the script made itself."""
    if not job.command:
        return
    if state.get("runs"):
        if state.get("plain") != WITHDRAWN:
            tracker().withdraw(_key(job))
        state["plain"] = WITHDRAWN
        return
    mark = [attempt.number, attempt.status]
    waited = attempt.is_over or time.time() - attempt.started_ms / 1000 > PATIENCE_S
    if waited and state.get("plain") != mark:
        _tell(job, attempt, tracker())
        state["plain"] = mark


def _tell(job: Job, attempt: Attempt, tracker: Tracker) -> None:
    tags = job.tags | {"datahall.job": job.id, "datahall.command": " ".join(job.command)}
    run = tracker.run(About(_key(job), job.tenant, EXPERIMENT, job.name, attempt.started_ms, tags))
    tracker.set_status(run, attempt.status, attempt.at_ms)


def _key(job: Job) -> str:
    return run_key(job.tenant, None, job.id)
