"""The platform as one object: what the API, the command line and the console call."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from datahall.foundation.clock import Clock
from datahall.foundation.errors import Busy, DatahallError, Late, Missing, Problem, Refused
from datahall.platform.admission import MAX_WAITING, MAX_WAITING_OF_TENANT, MEMBER_PRIORITY, problems_of
from datahall.platform.engines.local import LocalEngine
from datahall.platform.events import (
    Event,
    JobSubmitted,
    NodeJoined,
    PriorityChanged,
    RetryRequested,
    StopRequested,
)
from datahall.platform.identity import Principal, Right
from datahall.platform.lifecycle import FINAL, JobState
from datahall.platform.loop import Loop, launch_of
from datahall.platform.ports import Policy, Stage
from datahall.platform.reasons import Reason, why_waiting
from datahall.platform.spec import JobSpec
from datahall.platform.state import State
from datahall.platform.store import queries
from datahall.platform.store.journal import SqlJournal

log = logging.getLogger(__name__)
ACKNOWLEDGE_S = 15.0
Listener = Callable[[Sequence[Event]], None]


class Scheduler:
    """The queue: a loop in a thread of its own, and the doors to it. An answer means that it is written down."""

    def __init__(
        self,
        *,
        policy: Policy,
        engine: LocalEngine,
        journal: SqlJournal,
        stage: Stage,
        clock: Clock,
        nodes: Sequence[NodeJoined],
    ) -> None:
        self.engine, self.journal, self.clock, self.stage = engine, journal, clock, stage
        self.state = State()
        self.lock = threading.RLock()
        self.listeners: list[Listener] = []
        self._acks: dict[int, Future[None]] = {}
        self._next_id = 1
        self._nodes = nodes
        journal.committed = self._committed
        self._loop = Loop(policy, engine, self.state, journal, self._refused)
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self.failure = ""

    # --- life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Rebuild the state from the store, take up what still runs, and schedule."""
        jobs, self.state.over = queries.live_jobs(self.journal.engine)
        for node in self._nodes:
            self.state.apply(node)
        self._next_id = queries.last_job_id(self.journal.engine) + 1
        self.state.now_s = self.clock.now_s()
        for job in jobs:
            self.state.adopt(job)
        for node in self._nodes:
            self.journal.record(node, self.state)
        self.journal.commit()
        self.state.forget_touched()
        self.engine.adopt([launch_of(job) for job in self.state.placed.values()])
        for job in self.state.placed.values():
            if job.state is JobState.STOPPING:  # the last control plane died between writing the stop down and doing it
                self.engine.stop(launch_of(job), job.reason)
        self.engine.wake(self.clock.now_s())
        self._thread.start()

    def pause(self) -> None:
        """Start nothing new from now on. Takes no lock: a turn that waits for a locked database must not keep us here."""
        self._loop.paused = True

    def stop(self, *, suspend: bool, patience_s: float = 30.0) -> None:
        """Fall silent. suspend: stop the workers first, so that they start again at the next start; else they run on."""
        self.pause()
        if suspend:
            self.engine.suspend_all()
            deadline = self.clock.now_s() + patience_s
            while self._thread.is_alive() and not self.engine.is_idle and self.clock.now_s() < deadline:
                threading.Event().wait(0.02)
        self.engine.close()
        if self._thread.ident is not None:  # a start that failed never started it
            self._thread.join(timeout=patience_s)
        self.engine.dismantle()

    def _run(self) -> None:
        while True:
            try:
                events = self.engine.next_events()
                if not events:
                    return
                with self.lock:
                    self._loop.advance(events)
            except Exception as error:  # a fault in one turn must not end the queue; it is shown and logged
                self.failure = f"{type(error).__name__}: {error}"
                log.exception("the scheduler failed in a turn; it goes on with the next")

    @property
    def trouble(self) -> str:
        """What keeps the queue from working now, in words; empty when nothing does."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return f"the scheduler has stopped {self.failure}".rstrip()
        return self.journal.trouble or self.failure

    def _committed(self, events: Sequence[Event]) -> None:
        for event in events:
            ack = self._acks.pop(id(event), None)
            if ack is not None:
                ack.set_result(None)
        for listener in self.listeners:
            try:
                listener(events)
            except Exception:  # what follows from the events must not keep them from being carried out
                log.exception("a listener failed")

    def _refused(self, event: Event, error: DatahallError) -> None:
        ack = self._acks.pop(id(event), None)
        if ack is not None:
            ack.set_exception(error)
        else:
            log.warning("%s does not fit the state: %s", event.kind, error)

    def _post(self, *events: Event) -> None:
        """Into the stream; returns once all of them are written down. Raises what refused them, or Late."""
        acks: list[Future[None]] = [Future() for _ in events]
        for event, ack in zip(events, acks, strict=True):
            self._acks[id(event)] = ack
        self.engine.post(*events)
        try:
            for ack in acks:
                ack.result(timeout=ACKNOWLEDGE_S)
        except FutureTimeoutError:
            raise self._late() from None

    @contextlib.contextmanager
    def between_turns(self) -> Iterator[None]:
        """The queue stands still inside. Raises Late when a turn does not end, as while the database is locked."""
        if not self.lock.acquire(timeout=ACKNOWLEDGE_S):
            raise self._late()
        try:
            yield
        finally:
            self.lock.release()

    def _late(self) -> Late:
        what = self.trouble or "the scheduler did not answer"
        fix = "see `datahall doctor`; it may still happen once that is mended, so look at `datahall jobs` before asking again"
        return Late(Problem("JOB-030", "scheduler", f"no answer in {ACKNOWLEDGE_S:g} s: {what}", fix))

    # --- what users do -------------------------------------------------------------------------------------

    def submit(self, who: Principal, *specs: JobSpec) -> list[int]:
        """Queue jobs, all or none. `needs` may name earlier ones of the same call as -1, -2 … counted from its first.

        Raises Refused with every problem, Denied, Busy.
        """
        for spec in specs:
            who.require(Right.WRITE, tenant=spec.tenant)
        with self.between_turns():
            self._check_queue(specs)
            first = self._next_id
            placed = [_numbered(spec, first) for spec in specs]
            problems = [p for i, spec in enumerate(placed) for p in self._problems(who, spec, first, first + i)]
            if problems:
                raise Refused(problems)
            self._next_id += len(specs)
        now_s = self.clock.now_s()
        events = [JobSubmitted(at_s=now_s, actor=who.name, job_id=first + i, spec=spec) for i, spec in enumerate(placed)]
        self._post(*events)
        return [event.job_id for event in events]

    def _check_queue(self, specs: Sequence[JobSpec]) -> None:
        """Raises Busy when the queue, or one tenant's part of it, would grow past its limit."""
        if len(self.state.jobs) + len(specs) > MAX_WAITING:
            raise Busy(Problem("JOB-013", "queue", f"{len(self.state.jobs)} jobs are waiting or running", "try later"))
        for tenant in {spec.tenant for spec in specs}:
            more = sum(spec.tenant == tenant for spec in specs)
            now = (
                sum(job.spec.tenant == tenant for job in self.state.jobs.values()) if more + len(self.state.jobs) > 1000 else 0
            )
            if now + more > MAX_WAITING_OF_TENANT:
                what = f"{now} jobs of the tenant are waiting or running"
                raise Busy(Problem("JOB-013", f"tenant {tenant}", what, "try later"))

    def _problems(self, who: Principal, spec: JobSpec, first: int, own_id: int) -> list[Problem]:
        def known_job(number: int) -> bool:
            return first <= number < own_id or (number < first and self._visible(who, number))

        if spec.priority > MEMBER_PRIORITY and not who.may(Right.WRITE_ALL):
            what = f"{spec.priority} is above {MEMBER_PRIORITY}"
            return [Problem("JOB-018", "priority", what, "ask an operator to raise it, or choose a lower one")]
        names = self.stage.secret_names(spec.tenant)
        return list(
            problems_of(spec, nodes=self.state.nodes.values(), known_job=known_job, known_secret=lambda name: name in names)
        )

    def _visible(self, who: Principal, job_id: int) -> bool:
        job = self.state.jobs.get(job_id)
        if job is not None:
            return who.scope in (None, job.spec.tenant)
        row = queries.job_row(self.journal.engine, job_id)
        return row is not None and who.scope in (None, row.tenant)

    def cancel(self, who: Principal, job_id: int) -> None:
        """Raises Missing, Denied, or Conflict when it is over."""
        self._require(who, job_id, Right.WRITE)
        self._post(StopRequested(at_s=self.clock.now_s(), actor=who.name, job_id=job_id, reason=f"cancelled by {who.name}"))

    def retry(self, who: Principal, job_id: int) -> None:
        """Run an ended job again. Raises Missing, Denied, or Conflict when it is not over or needs what has failed."""
        self._require(who, job_id, Right.WRITE)
        with self.between_turns():  # only here the store and the queue agree
            row = queries.job_row(self.journal.engine, job_id)
            if row is not None and job_id not in self.state.jobs and JobState(row.state) in FINAL:
                self.state.jobs[job_id] = queries.job_of(row)
        try:
            self._post(RetryRequested(at_s=self.clock.now_s(), actor=who.name, job_id=job_id))
        finally:
            self._forget_ended(job_id)

    def _forget_ended(self, job_id: int) -> None:
        with contextlib.suppress(Late), self.between_turns():
            job = self.state.jobs.get(job_id)
            if job is not None and job.state.is_final:
                del self.state.jobs[job_id]

    def set_priority(self, who: Principal, job_id: int, priority: int) -> None:
        """Move a waiting job. Raises Missing, Denied, Conflict."""
        self._require(who, job_id, Right.WRITE)
        most = 1000 if who.may(Right.WRITE_ALL) else MEMBER_PRIORITY
        if not -1000 <= priority <= most:
            raise Refused(Problem("JOB-014", "priority", f"{priority} is out of range", f"choose -1000 to {most}"))
        self._post(PriorityChanged(at_s=self.clock.now_s(), actor=who.name, job_id=job_id, priority=priority))

    # --- what users see ------------------------------------------------------------------------------------

    def _require(self, who: Principal, job_id: int, right: Right) -> Any:
        row = queries.job_row(self.journal.engine, job_id)
        if row is None or (who.scope is not None and row.tenant != who.scope):
            raise Missing(Problem("JOB-015", f"job {job_id}", "there is no such job", "see `datahall jobs`"))
        who.require(right, tenant=row.tenant)
        return row

    def job(self, who: Principal, job_id: int) -> dict[str, Any]:
        """Everything about one job. Raises Missing, Denied."""
        row = self._require(who, job_id, Right.READ)
        data = dict(row._mapping)
        spec = JobSpec.model_validate_json(row.spec)
        data["spec"] = spec.model_dump(mode="json")
        data["attempts"] = queries.attempts_of(self.journal.engine, job_id)
        data["why"] = self.why(job_id, viewer=who.scope)
        return data

    def why(self, job_id: int, *, viewer: str | None = None) -> dict[str, str] | None:
        """Why a waiting job waits; None when it does not."""
        with self.between_turns():
            job = self.state.jobs.get(job_id)
            if job is None or job.state is not JobState.WAITING:
                return None
            self.state.now_s = max(self.state.now_s, self.clock.now_s())
            reason: Reason = why_waiting(self.state, job, viewer=viewer)
        return {"code": reason.code, "sentence": reason.sentence, "unblock": reason.unblock}

    def jobs(
        self, who: Principal, *, state: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """A page of jobs, newest first."""
        if state is not None and state not in [str(s) for s in JobState]:
            known = ", ".join(str(s) for s in JobState)
            raise Refused(Problem("JOB-016", "state", f"`{state}` is not a state", f"choose one of {known}"))
        who.require(Right.READ)
        return queries.job_page(self.journal.engine, tenant=who.scope, state=state, before=before, limit=limit)

    def events(self, who: Principal, *, subject: str | None, after: int, limit: int) -> list[dict[str, Any]]:
        who.require(Right.READ)
        return queries.event_page(self.journal.engine, tenant=who.scope, subject=subject, after=after, limit=limit)


def _numbered(spec: JobSpec, first: int) -> JobSpec:
    """Relative needs (-1 is the first job of this call) become job numbers."""
    if not any(needed < 0 for needed in spec.needs):
        return spec
    needs = tuple(first - needed - 1 if needed < 0 else needed for needed in spec.needs)
    return spec.model_copy(update={"needs": needs})
