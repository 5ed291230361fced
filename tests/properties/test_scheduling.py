"""Whatever happens in whatever order: places add up, each job is in one place, the head is never overtaken."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.foundation.errors import DatahallError
from datahall.platform.events import (
    AttemptEnded,
    AttemptRunning,
    Event,
    JobSubmitted,
    NodeJoined,
    PriorityChanged,
    RetryRequested,
    StopRequested,
    Woken,
)
from datahall.platform.lifecycle import Ending, JobState
from datahall.platform.loop import Loop
from datahall.platform.placement import gang_placement
from datahall.platform.policies.fifo import Fifo
from datahall.platform.ports import Launch
from datahall.platform.resources import Resources
from datahall.platform.spec import JobSpec
from datahall.platform.state import Job, State

NODES = {"a": Resources(2000, 8, 2), "b": Resources(3000, 4, 0), "c": Resources(1000, 16, 1)}

specs = st.builds(
    lambda workers, cpus, memory, accelerators, priority, retries, backoff, service: JobSpec(
        command=("true",),
        workers=workers,
        cpus=cpus,
        memory=memory,
        accelerators=accelerators,
        priority=priority,
        retries=retries,
        backoff=backoff,
        service=service,
    ),
    st.integers(1, 3),
    st.sampled_from([0.25, 0.5, 1, 2, 3]),
    st.integers(0, 6),
    st.integers(0, 2),
    st.integers(-2, 2),
    st.integers(0, 2),
    st.sampled_from([0, 1, 5]),
    st.booleans(),
)
picks = st.integers(0, 1_000_000)
submissions = st.tuples(st.just("submit"), specs, st.lists(picks, max_size=2))
deeds = st.one_of(
    submissions,
    submissions,
    st.tuples(st.just("end"), picks, st.sampled_from(list(Ending)), st.sampled_from([0, 1])),
    st.tuples(st.just("run"), picks),
    st.tuples(st.just("cancel"), picks),
    st.tuples(st.just("retry"), picks),
    st.tuples(st.just("priority"), picks, st.integers(-2, 2)),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 2, 10])),
)


class Hall:
    """The loop, the state and the policy without processes: the engine is this object, and nothing is written down."""

    def __init__(self) -> None:
        self.state, self.now_s = State(), 0.0
        self.live: dict[int, Launch] = {}
        self.known: list[int] = []
        self.ended: dict[int, Job] = {}
        self.loop = Loop(Fifo(), self, self.state, self, lambda _event, _error: None)
        for name, capacity in NODES.items():
            joined = NodeJoined(at_s=0, node=name, capacity=capacity, accelerators=tuple(range(capacity.accelerators)))
            self.state.apply(joined)

    # the engine
    def next_events(self) -> Sequence[Event]:
        return ()

    def start(self, launch: Launch) -> None:
        assert launch.job_id not in self.live, "started twice"
        self.live[launch.job_id] = launch

    def stop(self, launch: Launch, reason: str) -> None:
        assert self.live[launch.job_id].attempt == launch.attempt

    def wake(self, at_s: float) -> None:
        assert at_s > self.now_s

    # the journal
    def record(self, event: Event, state: State) -> None:
        pass

    def commit(self) -> None:
        self.ended |= {number: job for number, job in self.state.touched.items() if job.state.is_final}

    # what happens
    def do(self, deed: tuple[Any, ...]) -> None:
        event = getattr(self, f"_{deed[0]}")(*deed[1:])
        if event is not None:
            self.loop.advance([event])
        if deed[0] == "retry":  # refused: the service takes it out again
            self.state.jobs = {number: job for number, job in self.state.jobs.items() if not job.state.is_final}

    def _submit(self, spec: JobSpec, needs: list[int]) -> Event:
        number = len(self.known) + 1
        wanted = tuple({self.known[pick % len(self.known)] for pick in needs} if self.known else ())
        self.known.append(number)
        return JobSubmitted(at_s=self.now_s, job_id=number, spec=spec.model_copy(update={"needs": wanted}))

    def _picked(self, pick: int) -> int:
        return self.known[pick % len(self.known)] if self.known else 1

    def _end(self, pick: int, ending: Ending, code: int) -> Event | None:
        if not self.live:
            return None
        number = sorted(self.live)[pick % len(self.live)]
        launch = self.live.pop(number)
        return AttemptEnded(at_s=self.now_s, job_id=number, attempt=launch.attempt, ending=ending, code=code)

    def _run(self, pick: int) -> Event:
        number = self._picked(pick)
        return AttemptRunning(at_s=self.now_s, job_id=number, attempt=self.live[number].attempt if number in self.live else 1)

    def _cancel(self, pick: int) -> Event:
        return StopRequested(at_s=self.now_s, job_id=self._picked(pick))

    def _retry(self, pick: int) -> Event:
        number = self._picked(pick)
        if number in self.ended and number not in self.state.jobs:
            self.state.jobs[number] = self.ended[number]  # as the service reads it back from the store
        return RetryRequested(at_s=self.now_s, job_id=number)

    def _priority(self, pick: int, priority: int) -> Event:
        return PriorityChanged(at_s=self.now_s, job_id=self._picked(pick), priority=priority)

    def _wait(self, duration_s: float) -> Event:
        self.now_s += duration_s
        return Woken(at_s=self.now_s)


def check(hall: Hall) -> None:
    state = hall.state
    for name, node in state.nodes.items():
        taken, devices = Resources(), list(node.free_accelerators)
        for job in state.placed.values():
            for place in job.placements:
                if place.node == name:
                    taken = taken + job.spec.per_worker()
                    devices += place.accelerators
        assert node.free + taken == NODES[name], "free and taken are not what the node has"
        assert Resources().fits(node.free), "more was given out than there is"
        assert sorted(devices) == list(range(NODES[name].accelerators)), "a device was given twice or is gone"
    queued, delayed = [number for _, number in state.queue], [number for _, number in state.delayed]
    assert state.queue == sorted(state.queue)
    for number, job in state.jobs.items():
        places = [number in state.placed, number in queued, number in delayed, bool(job.unmet)]
        assert sum(places) == 1, f"job {number} ({job.state}) is in {places}"
        assert job.state.is_placed == (number in state.placed)
        assert number not in state.over
        assert len(job.placements) == (job.spec.workers if job.state.is_placed else 0), "a gang is whole or not there"
    assert len(queued) == len(set(queued))
    assert set(queued) | set(delayed) | set(state.placed) <= set(state.jobs)
    assert set(hall.live) == set(state.placed), "what runs is what holds places"


def head_waits_for_room(hall: Hall) -> None:
    if hall.state.queue:
        head = hall.state.jobs[hall.state.queue[0][1]]
        assert gang_placement(hall.state.nodes.values(), head.spec.per_worker(), head.spec.workers) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(deeds, min_size=10, max_size=80))
def test_any_history_leaves_the_state_consistent(history):
    """Given any sequence of submissions, ends, cancels, retries and moves, the books balance after every turn."""
    hall = Hall()
    for deed in history:
        hall.do(deed)
        check(hall)
        head_waits_for_room(hall)


@settings(max_examples=60, deadline=None)
@given(st.lists(specs.map(lambda spec: spec.model_copy(update={"priority": 0, "service": False})), min_size=1, max_size=25))
def test_equals_start_in_the_order_in_which_they_came(wanted):
    """Given jobs of one priority that end well in order of their start, they start in order of arrival."""
    hall = Hall()
    order: list[int] = []
    fitting = [spec for spec in wanted if _ever_fits(spec)]
    for spec in fitting:
        hall.do(("submit", spec, []))
        order += [number for number in hall.live if number not in order]
    while hall.live:
        hall.do(("end", 0, Ending.EXITED, 0))
        order += [number for number in hall.live if number not in order]
    assert order == list(range(1, len(fitting) + 1))
    assert set(hall.state.over.values()) <= {JobState.SUCCEEDED}


def _ever_fits(spec: JobSpec) -> bool:
    state = State()
    for name, capacity in NODES.items():
        joined = NodeJoined(at_s=0, node=name, capacity=capacity, accelerators=tuple(range(capacity.accelerators)))
        state.apply(joined)
    return gang_placement(state.nodes.values(), spec.per_worker(), spec.workers) is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), specs), max_size=12))
def test_an_event_that_is_refused_changes_nothing(history):
    """Given a job number that is taken or unknown, the state says no and its books are as before."""
    hall = Hall()
    for kind, spec in history:
        hall.do(("submit", spec, []))
        events = [
            RetryRequested(at_s=0, job_id=99),
            StopRequested(at_s=0, job_id=99),
            PriorityChanged(at_s=0, job_id=99, priority=1),
            AttemptRunning(at_s=0, job_id=99, attempt=1),
        ]
        try:
            hall.state.apply(events[kind])
        except DatahallError:
            check(hall)
