"""The states of a job and how one leads to another.

waiting ──start──> starting ──> running ──0──> succeeded
   ^  │               │            │ └──not 0, no retry left──> failed
   │  │               │            └──stop──> stopping ──> cancelled | failed (time limit)
   │  └──cancel──────────────────────────────────────────> cancelled
   └──retry with back-off, or lost with its machine──┘ (from starting, running, stopping)
succeeded, failed, cancelled ──retry by a person──> waiting
"""

from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in FINAL

    @property
    def is_placed(self) -> bool:
        """Whether it holds resources."""
        return self in PLACED


FINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
PLACED = frozenset({JobState.STARTING, JobState.RUNNING, JobState.STOPPING})

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset({JobState.STARTING, JobState.CANCELLED, JobState.FAILED}),
    JobState.STARTING: frozenset(
        {JobState.RUNNING, JobState.STOPPING, JobState.WAITING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
    ),
    JobState.RUNNING: frozenset({JobState.STOPPING, JobState.WAITING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}),
    JobState.STOPPING: frozenset({JobState.WAITING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset({JobState.WAITING}),
    JobState.FAILED: frozenset({JobState.WAITING}),
    JobState.CANCELLED: frozenset({JobState.WAITING}),
}

LOST_LIMIT = 5
"""Attempts that may be lost with their machine, or never get off the ground, before the job is failed."""
MAX_BACKOFF_S = 3600.0


class Ending(StrEnum):
    """How an attempt ended."""

    EXITED = "exited"
    """The command ended by itself; the code says how."""
    STOPPED = "stopped"
    """Ended because it was asked to: by us if the job is cancelled, otherwise by somebody else, and it starts again."""
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    LOST = "lost"
    """The machine or the supervising process went away under it."""
    SUSPENDED = "suspended"
    """Stopped, or never begun, because the platform went down; it goes on at the next start."""
    REFUSED = "refused"
    """It could not be started: program missing, input gone, output not storable."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from the end of an attempt."""

    state: JobState
    reason: str
    wait_s: float = 0.0


def verdict(
    ending: Ending,
    *,
    code: int | None,
    detail: str,
    failures: int,
    retries: int,
    backoff_s: float,
    lost: int,
    cancelled: bool,
    service: bool = False,
) -> Verdict:
    """Where a job goes after an attempt.

    failures: attempts that failed by themselves, this one included. lost: attempts lost so far, this one included.
    service: it was not supposed to end at all.
    """
    if ending is Ending.EXITED and code == 0 and not service:
        return Verdict(JobState.SUCCEEDED, "")
    if cancelled:
        return Verdict(JobState.CANCELLED, "cancelled on request")
    if ending is Ending.SUSPENDED:
        return Verdict(JobState.WAITING, "the platform was shut down meanwhile")
    if ending in (Ending.LOST, Ending.STOPPED) and lost <= LOST_LIMIT:
        seen = detail or "stopped from outside"
        return Verdict(JobState.WAITING, f"attempt lost ({seen}), starts again")
    words = _words(ending, code, detail)
    retriable = ending in (Ending.EXITED, Ending.MEMORY_LIMIT, Ending.TIME_LIMIT)
    if retriable and failures <= retries:
        wait_s = min(backoff_s * 2 ** min(failures - 1, 30), MAX_BACKOFF_S)
        return Verdict(JobState.WAITING, f"{words}; retry {failures} of {retries}", wait_s)
    return Verdict(JobState.FAILED, words)


def _words(ending: Ending, code: int | None, detail: str) -> str:
    if ending is Ending.EXITED:
        return f"ended with code {code}" + (f" ({detail})" if detail else "")
    names = {
        Ending.TIME_LIMIT: "ran past its time limit",
        Ending.MEMORY_LIMIT: "used more memory than it was given",
        Ending.STOPPED: "was stopped",
        Ending.LOST: "was lost too often",
        Ending.REFUSED: "could not be started",
        Ending.SUSPENDED: "was suspended",
    }
    words = names[ending] + (f": {detail}" if detail else "")
    return words + ("; ask for more with `--memory`" if ending is Ending.MEMORY_LIMIT else "")
