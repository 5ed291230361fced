"""The only scheduling loop: the live service and the rehearsal both run it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datahall.foundation.errors import DatahallError
from datahall.platform.events import AttemptStarting, Event, StopRequested
from datahall.platform.ports import Action, Engine, Journal, Launch, Policy, Stop, Wake
from datahall.platform.state import Job, State

Deed = Callable[[], None]


@dataclass(slots=True)
class Loop:
    """Takes events in, plans, writes everything down, and only then acts."""

    policy: Policy
    engine: Engine
    state: State
    journal: Journal
    refused: Callable[[Event, DatahallError], None]
    """Told of each event that did not fit the state, such as the cancelling of a job that just ended."""
    paused: bool = False
    """Events are taken in, but nothing new is started: the platform is being shut down."""

    def run(self) -> None:
        """Schedule until the engine falls silent."""
        while events := self.engine.next_events():
            self.advance(events)

    def advance(self, events: Sequence[Event]) -> None:
        """One turn: simultaneous events together, then one plan."""
        applied = [event for event in events if self._apply(event)]
        actions = () if self.paused else self.policy.plan(self.state.snapshot())
        deeds = [deed for action in actions if (deed := self._decide(action))]
        stops = [deed for event in applied if isinstance(event, StopRequested) and (deed := self._stop(event))]
        self.journal.commit()
        self.state.forget_touched()
        for deed in (*deeds, *stops):
            deed()

    def _apply(self, event: Event) -> bool:
        try:
            self.state.apply(event)
        except DatahallError as error:
            self.refused(event, error)
            return False
        self.journal.record(event, self.state)
        self.policy.observe(event)
        return True

    def _decide(self, action: Action) -> Deed | None:
        """Write the action down; what is returned carries it out."""
        if isinstance(action, Wake):
            return lambda: self.engine.wake(action.at_s)
        if isinstance(action, Stop):
            stop = StopRequested(at_s=self.state.now_s, job_id=action.job_id, reason=action.reason, actor="scheduler")
            return self._stop(stop) if self._apply(stop) else None
        job = self.state.jobs.get(action.job_id)
        start = AttemptStarting(
            at_s=self.state.now_s,
            job_id=action.job_id,
            attempt=job.attempt + 1 if job else 1,
            placements=action.placements,
            actor="scheduler",
        )
        if job is None or not self._apply(start):
            return None
        launch = launch_of(job)
        return lambda: self.engine.start(launch)

    def _stop(self, event: StopRequested) -> Deed | None:
        job = self.state.jobs.get(event.job_id)
        if job is None or not job.state.is_placed:
            return None
        launch = launch_of(job)
        return lambda: self.engine.stop(launch, event.reason)


def launch_of(job: Job) -> Launch:
    """The job's current attempt, as an engine needs it."""
    return Launch(job.id, job.attempt, job.spec, job.placements)
