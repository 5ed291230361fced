"""What the events add up to: jobs that are not over, nodes and what is free on them, the queue in order."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

from datahall.foundation.errors import Conflict, Problem
from datahall.platform.events import (
    AttemptEnded,
    AttemptRunning,
    AttemptStarting,
    Event,
    JobEvent,
    JobSubmitted,
    NodeJoined,
    Placement,
    PriorityChanged,
    RetryRequested,
    StopRequested,
    Woken,
)
from datahall.platform.lifecycle import TRANSITIONS, Ending, JobState, verdict
from datahall.platform.resources import Resources
from datahall.platform.snapshot import Snapshot as Snapshot
from datahall.platform.spec import JobSpec


@dataclass(slots=True)
class Job:
    """A job that is not over yet, or just ended."""

    id: int
    spec: JobSpec
    submitted_s: float
    submitted_by: str = ""
    state: JobState = JobState.WAITING
    priority: int = 0
    reason: str = ""
    attempt: int = 0
    failures: int = 0
    lost: int = 0
    not_before_s: float = 0.0
    cancelled: bool = False
    started_s: float | None = None
    ended_s: float | None = None
    placements: tuple[Placement, ...] = ()
    unmet: set[int] = field(default_factory=set)
    """Needed jobs that have not succeeded yet."""

    @property
    def queue_key(self) -> tuple[int, int]:
        return (-self.priority, self.id)


@dataclass(slots=True)
class Node:
    """A machine and what is free on it."""

    name: str
    capacity: Resources
    free: Resources
    free_accelerators: list[int]


class State:
    """Changed by `apply` alone. `touched` lists the jobs that the last events changed, for the journal."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.jobs: dict[int, Job] = {}
        self.nodes: dict[str, Node] = {}
        self.queue: list[tuple[int, int]] = []
        """(-priority, job id) of jobs that could start now if there were room."""
        self.delayed: list[tuple[float, int]] = []
        """(not before, job id) of jobs that wait for their back-off."""
        self.dependents: dict[int, list[int]] = {}
        self.over: dict[int, JobState] = {}
        """Final states of jobs that others may need."""
        self.touched: dict[int, Job] = {}
        self.placed: dict[int, Job] = {}

    # --- events -------------------------------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Take one event in. Raises Conflict when it does not fit the state; then nothing has changed."""
        self.now_s = max(self.now_s, event.at_s)
        match event:
            case JobSubmitted():
                self._submitted(event)
            case AttemptStarting():
                self._starting(event)
            case AttemptRunning():
                job = self.require(event)
                if job.state is JobState.STARTING and job.attempt == event.attempt:
                    self._move(job, JobState.RUNNING)
            case AttemptEnded():
                self._ended(event)
            case StopRequested():
                self._stop(event)
            case RetryRequested():
                self._retry(event)
            case PriorityChanged():
                self._reprioritise(event)
            case NodeJoined():
                self.nodes[event.node] = Node(event.node, event.capacity, event.capacity, list(event.accelerators))
            case Woken():
                self._release_delayed()
            case _:
                pass

    def require(self, event: JobEvent) -> Job:
        """The job of an event. Raises Conflict when it is over or unknown."""
        job = self.jobs.get(event.job_id)
        if job is None:
            ended = self.over.get(event.job_id)
            seen = f"it has {ended}" if ended else "there is no such job in the queue"
            raise Conflict(Problem("JOB-001", f"job {event.job_id}", seen, f"look at it with `datahall job {event.job_id}`"))
        return job

    def _submitted(self, event: JobSubmitted) -> None:
        job = Job(event.job_id, event.spec, event.at_s, event.actor, priority=event.spec.priority)
        self.jobs[job.id] = job
        self.touched[job.id] = job
        for needed in event.spec.needs:
            outcome = self.over.get(needed)
            if outcome is None and needed in self.jobs:
                job.unmet.add(needed)
                self.dependents.setdefault(needed, []).append(job.id)
            elif outcome is not JobState.SUCCEEDED:
                self._finish(job, JobState.CANCELLED, f"it needs job {needed}, which {outcome or 'is unknown'}")
                return
        self._enqueue(job)

    def _starting(self, event: AttemptStarting) -> None:
        job = self.require(event)
        if job.state is not JobState.WAITING:
            raise Conflict(Problem("JOB-002", f"job {job.id}", f"it is {job.state}, not waiting", "plan again"))
        self._check_room(job, event.placements)
        self._dequeue(job)
        self._take(job, event.placements)
        job.attempt = event.attempt
        job.started_s = event.at_s if job.started_s is None else job.started_s
        self._move(job, JobState.STARTING)

    def _ended(self, event: AttemptEnded) -> None:
        job = self.jobs.get(event.job_id)
        if job is None or not job.state.is_placed or job.attempt != event.attempt:
            return  # the same end reported twice, as after a crash between the two
        if event.ending is Ending.LOST or (event.ending is Ending.STOPPED and not job.cancelled):
            job.lost += 1
        elif event.ending is not Ending.SUSPENDED and not (
            event.ending is Ending.EXITED and event.code == 0 and not job.spec.service
        ):
            job.failures += 1
        result = verdict(
            event.ending,
            code=event.code,
            detail=event.detail,
            failures=job.failures,
            retries=job.spec.retries,
            backoff_s=job.spec.backoff,
            lost=job.lost,
            cancelled=job.cancelled,
            service=job.spec.service,
        )
        self._give_back(job)
        if result.state.is_final:
            asked = job.reason if result.state is JobState.CANCELLED else ""
            self._finish(job, result.state, asked or result.reason)
            return
        job.not_before_s = event.at_s + result.wait_s
        self._move(job, JobState.WAITING, result.reason)
        self._enqueue(job)

    def _stop(self, event: StopRequested) -> None:
        job = self.require(event)
        job.cancelled = True
        if job.state is JobState.WAITING:
            self._dequeue(job)
            self._finish(job, JobState.CANCELLED, event.reason)
        elif job.state is not JobState.STOPPING:
            self._move(job, JobState.STOPPING, event.reason)

    def _retry(self, event: RetryRequested) -> None:
        job = self.require(event)
        if not job.state.is_final:
            raise Conflict(
                Problem("JOB-003", f"job {job.id}", f"it is {job.state}", "only a job that has ended can be retried")
            )
        unmet = self._still_needed(job)
        self.over.pop(job.id, None)
        for needed in unmet:
            self.dependents.setdefault(needed, []).append(job.id)
        job.unmet = unmet
        job.cancelled, job.failures, job.lost, job.not_before_s = False, 0, 0, 0.0
        job.ended_s, job.started_s = None, None
        self._move(job, JobState.WAITING)
        self._enqueue(job)

    def _still_needed(self, job: Job) -> set[int]:
        """Needed jobs that are under way again. Raises Conflict when one has ended without success and is not."""
        unmet = {needed for needed in job.spec.needs if self.over.get(needed) is not JobState.SUCCEEDED}
        for needed in sorted(unmet):
            if needed in self.over or needed not in self.jobs:
                seen = f"it needs job {needed}, which {_did(self.over[needed]) if needed in self.over else 'is unknown'}"
                fix = f"`datahall retry {needed}` first; it may wait for that one then"
                raise Conflict(Problem("JOB-007", f"job {job.id}", seen, fix))
        return unmet

    def _reprioritise(self, event: PriorityChanged) -> None:
        job = self.require(event)
        if job.state is not JobState.WAITING:
            raise Conflict(
                Problem("JOB-004", f"job {job.id}", f"it is {job.state}", "only a waiting job has a place in the queue")
            )
        self._dequeue(job)
        job.priority = event.priority
        self._enqueue(job)

    # --- upkeep -------------------------------------------------------------------------------------------

    def _move(self, job: Job, to: JobState, reason: str = "") -> None:
        if to not in TRANSITIONS[job.state]:
            raise Conflict(Problem("JOB-005", f"job {job.id}", f"cannot go from {job.state} to {to}", "see lifecycle.py"))
        job.state, job.reason = to, reason
        self.touched[job.id] = job

    def _enqueue(self, job: Job) -> None:
        self.touched[job.id] = job
        if job.unmet:
            return
        if job.not_before_s > self.now_s:
            bisect.insort(self.delayed, (job.not_before_s, job.id))
        else:
            bisect.insort(self.queue, job.queue_key)

    def _dequeue(self, job: Job) -> None:
        self.touched[job.id] = job
        at = bisect.bisect_left(self.queue, job.queue_key)
        if at < len(self.queue) and self.queue[at] == job.queue_key:
            del self.queue[at]
        elif (job.not_before_s, job.id) in self.delayed:
            self.delayed.remove((job.not_before_s, job.id))

    def _release_delayed(self) -> None:
        while self.delayed and self.delayed[0][0] <= self.now_s:
            _, job_id = self.delayed.pop(0)
            bisect.insort(self.queue, self.jobs[job_id].queue_key)

    def _check_room(self, job: Job, placements: Sequence[Placement]) -> None:
        need = job.spec.per_worker()
        taken: dict[str, Resources] = {}
        devices = {name: set(node.free_accelerators) for name, node in self.nodes.items()}
        for place in placements:
            node = self.nodes.get(place.node)
            taken[place.node] = taken.get(place.node, Resources()) + need
            fits = node is not None and taken[place.node].fits(node.free) and devices[place.node] >= set(place.accelerators)
            devices.get(place.node, set()).difference_update(place.accelerators)
            if not fits:
                what = f"does not fit on node {place.node}"
                raise Conflict(Problem("JOB-006", f"job {job.id}", what, "the policy must place it elsewhere"))
            if len(place.accelerators) != need.accelerators:
                what = f"was given {len(place.accelerators)} of {need.accelerators} accelerators"
                raise Conflict(Problem("JOB-006", f"job {job.id}", what, "the policy must place it elsewhere"))

    def _take(self, job: Job, placements: Sequence[Placement]) -> None:
        need = job.spec.per_worker()
        for place in placements:
            node = self.nodes.get(place.node)
            if node is not None:  # an adopted job's node may have left the hall
                node.free = node.free - need
                node.free_accelerators = [a for a in node.free_accelerators if a not in place.accelerators]
        job.placements = tuple(placements)
        self.placed[job.id] = job

    def _give_back(self, job: Job) -> None:
        need = job.spec.per_worker()
        for place in job.placements:
            node = self.nodes.get(place.node)
            if node is not None:
                node.free = node.free + need
                node.free_accelerators = sorted({*node.free_accelerators, *place.accelerators})
        job.placements = ()
        self.placed.pop(job.id, None)

    def _finish(self, job: Job, state: JobState, reason: str) -> None:
        """End a job, and with it, unless it succeeded, all that needs it; a list, since chains may be long."""
        todo = [(job, state, reason)]
        while todo:
            ending, outcome, why = todo.pop()
            if ending.state.is_final:
                continue  # two of the jobs that it needs have ended
            ending.ended_s = self.now_s
            self._move(ending, outcome, why)
            self.over[ending.id] = outcome
            for waiting in self._waiting_for(ending.id):
                waiting.unmet.discard(ending.id)
                if outcome is not JobState.SUCCEEDED:
                    self._dequeue(waiting)
                    todo.append((waiting, JobState.CANCELLED, f"it needs job {ending.id}, which {_did(outcome)}"))
                elif not waiting.unmet:
                    self._enqueue(waiting)

    def _waiting_for(self, job_id: int) -> list[Job]:
        """Jobs that this one's end concerns, each once."""
        found = (self.jobs.get(number) for number in dict.fromkeys(self.dependents.pop(job_id, ())))
        return [job for job in found if job is not None and job_id in job.unmet and not job.state.is_final]

    def adopt(self, job: Job) -> None:
        """Put a job from the store in, with the places it holds. The counterpart of `touched` at start-up."""
        self.jobs[job.id] = job
        if job.state.is_placed:
            self._take(job, job.placements)
            return
        for needed in job.unmet:
            self.dependents.setdefault(needed, []).append(job.id)
        self._enqueue(job)

    def forget_touched(self) -> None:
        """Called after the journal has written them: ended jobs leave the memory."""
        for job in self.touched.values():
            if job.state.is_final:
                self.jobs.pop(job.id, None)
        self.touched.clear()

    def snapshot(self) -> Snapshot:
        return Snapshot(self)


def _did(state: JobState) -> str:
    return {JobState.FAILED: "failed", JobState.CANCELLED: "was cancelled"}.get(state, str(state))
