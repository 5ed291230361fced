"""What a policy sees: the live state, read-only."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datahall.platform.state import Job, Node, State


class Snapshot:
    """A read-only view of the live state; nothing is copied."""

    __slots__ = ("_state",)

    def __init__(self, state: "State") -> None:
        self._state = state

    @property
    def now_s(self) -> float:
        return self._state.now_s

    def waiting(self) -> "Iterator[Job]":
        """Jobs that could start now if there were room, in order of priority, then of arrival."""
        jobs = self._state.jobs
        return (jobs[job_id] for _, job_id in self._state.queue)

    def next_delayed_s(self) -> float | None:
        """When the next back-off ends."""
        return self._state.delayed[0][0] if self._state.delayed else None

    def nodes(self) -> "Iterator[Node]":
        return iter(self._state.nodes.values())

    def placed(self) -> "Iterator[Job]":
        """Jobs that hold resources."""
        return iter(self._state.placed.values())

    def job(self, job_id: int) -> "Job | None":
        return self._state.jobs.get(job_id)
