"""The loop writes down before it acts, and a pause starts nothing new."""

from collections.abc import Sequence

from tests.unit.platform.test_state import state_with, submitted

from datahall.platform.events import Event, JobSubmitted
from datahall.platform.lifecycle import JobState
from datahall.platform.loop import Loop
from datahall.platform.policies.fifo import Fifo
from datahall.platform.ports import Launch
from datahall.platform.spec import JobSpec
from datahall.platform.state import State


class Recorder:
    """An engine and a journal that note the order in which they are called."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def next_events(self) -> Sequence[Event]:
        return ()

    def start(self, launch: Launch) -> None:
        self.calls.append(f"start {launch.job_id}")

    def stop(self, launch: Launch, reason: str) -> None:
        self.calls.append(f"stop {launch.job_id} {reason}")

    def wake(self, at_s: float) -> None:
        self.calls.append(f"wake {at_s:g}")

    def record(self, event: Event, state: State) -> None:
        self.calls.append(event.kind)

    def commit(self) -> None:
        self.calls.append("commit")


def loop_over(state: State) -> tuple[Loop, Recorder]:
    recorder = Recorder()
    return Loop(
        Fifo(), recorder, state, recorder, lambda event, error: recorder.calls.append(f"refused {event.kind}")
    ), recorder


def test_an_action_is_carried_out_after_it_was_written_down():
    """Given a submission, the order is: event, decision, commit, and only then the process."""
    loop, recorder = loop_over(state_with())
    loop.advance([JobSubmitted(at_s=1, job_id=1, spec=JobSpec(command=("true",)))])
    assert recorder.calls == ["job_submitted", "attempt_starting", "commit", "start 1"]


def test_simultaneous_events_are_planned_for_once():
    """Given two jobs in one turn with room for one CPU, the one with priority starts although it came second."""
    loop, recorder = loop_over(state_with(cpu_milli=1000))
    loop.advance([submitted(1), submitted(2, priority=1)])
    assert recorder.calls[-1] == "start 2"


def test_a_paused_loop_starts_nothing():
    """Given a platform on its way down, a submission is kept and not started."""
    loop, recorder = loop_over(state_with())
    loop.paused = True
    loop.advance([submitted(1)])
    assert recorder.calls == ["job_submitted", "commit"]
    assert loop.state.jobs[1].state is JobState.WAITING


def test_an_event_that_does_not_fit_is_refused_and_the_loop_goes_on():
    """Given the same job twice in a row with a placement too many, the second decision is refused, not fatal."""
    loop, recorder = loop_over(state_with(cpu_milli=1000))
    loop.advance([submitted(1), submitted(2)])
    assert "start 1" in recorder.calls
    assert "start 2" not in recorder.calls
