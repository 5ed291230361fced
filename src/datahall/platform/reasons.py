"""Why a job waits, in a sentence, and what would let it start."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from datahall.foundation.units import seconds_text
from datahall.platform.placement import beside_services, gang_placement, most_workers
from datahall.platform.resources import Resources, shortfalls
from datahall.platform.state import Job, State


@dataclass(frozen=True, slots=True)
class Reason:
    """A code for programs, a sentence for people, and the way out."""

    code: str
    sentence: str
    unblock: str = ""


def why_waiting(state: State, job: Job, *, viewer: str | None = None) -> Reason:
    """The first thing that keeps a waiting job from starting.

    viewer: a tenant; other tenants' jobs are then not described. None sees all.
    """
    if job.unmet:
        return _for_others(state, job)
    if job.not_before_s > state.now_s:
        wait = seconds_text(job.not_before_s - state.now_s)
        return Reason("backoff", f"waits {wait} before attempt {job.attempt + 1} ({job.reason})")
    room = beside_services(state.nodes.values(), state.placed.values())
    if most_workers(room, job.spec.per_worker()) < job.spec.workers:
        return _for_services(state, job, viewer)
    ahead = next((other for other in _queued(state) if _can_end_up(other, room)), job)
    if ahead.id != job.id:
        return _behind(state, job, ahead, viewer)
    return _for_room(state, job, viewer)


def _queued(state: State) -> Iterator[Job]:
    return (state.jobs[job_id] for _, job_id in state.queue)


def _can_end_up(job: Job, room: list[Resources]) -> bool:
    return most_workers(room, job.spec.per_worker()) >= job.spec.workers


def _for_services(state: State, job: Job, viewer: str | None) -> Reason:
    services = [other for other in state.placed.values() if other.spec.service]
    need = f"{job.spec.workers} × {job.spec.per_worker()}"
    sentence = f"needs {need}, which does not fit beside {len(services)} services that run until they are stopped"
    return Reason("services", sentence, _holders(state, services, viewer))


def _for_others(state: State, job: Job) -> Reason:
    first = min(job.unmet)
    other = state.jobs.get(first)
    more = f" and {len(job.unmet) - 1} more" if len(job.unmet) > 1 else ""
    seen = f"which is {other.state}" if other else "which has not ended"
    return Reason("needs", f"waits for job {first}{more} to succeed, {seen}", f"`datahall job {first}` shows how it goes")


def _behind(state: State, job: Job, ahead: Job, viewer: str | None) -> Reason:
    place = state.queue.index(job.queue_key) if job.queue_key in state.queue else len(state.queue)
    rank = "higher priority" if ahead.priority > job.priority else "earlier"
    first = f"job {ahead.id}" if _visible(ahead, viewer) else "another tenant's job"
    sentence = f"waits behind {place} {'job' if place == 1 else 'jobs'}; first comes {first} ({rank})"
    if not _visible(ahead, viewer):
        return Reason("behind", sentence)
    room = _for_room(state, ahead, viewer)
    return Reason("behind", f"{sentence}, which {room.sentence}", room.unblock)


def _for_room(state: State, job: Job, viewer: str | None) -> Reason:
    need = job.spec.per_worker()
    free = [node.free for node in state.nodes.values()]
    if gang_placement(state.nodes.values(), need, job.spec.workers) is not None:
        return Reason("starting", "starts at the scheduler's next look")
    fitting = most_workers(free, need)
    if job.spec.workers > 1:
        sentence = f"needs room for {job.spec.workers} workers of {need} at once; now {fitting} fit"
    else:
        best = max(free, key=lambda room: (need.accelerators <= room.accelerators, room.cpu_milli), default=Resources())
        sentence = f"needs {' and '.join(shortfalls(need, best)) or str(need)}"
    return Reason("resources", sentence, _holders(state, state.placed.values(), viewer))


def _holders(state: State, jobs: Iterable[Job], viewer: str | None) -> str:
    parts = []
    for job in sorted(jobs, key=lambda job: job.started_s or 0)[:3]:
        if not _visible(job, viewer):
            parts.append("another tenant's job holds the rest")
            continue
        limit = job.spec.time_limit
        ends = f", ends within {seconds_text(max(0, (job.started_s or 0) + limit - state.now_s))}" if limit else ""
        parts.append(f"job {job.id} ({job.spec.name}) holds {job.spec.workers} × {job.spec.per_worker()}{ends}")
    return "; ".join(dict.fromkeys(parts))


def _visible(job: Job, viewer: str | None) -> bool:
    return viewer is None or job.spec.tenant == viewer
