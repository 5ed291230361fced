"""The state is what the events add up to, and refuses those that do not fit."""

import pytest

from datahall.foundation.errors import Conflict
from datahall.platform.events import (
    AttemptEnded,
    AttemptRunning,
    AttemptStarting,
    Event,
    JobSubmitted,
    NodeJoined,
    Placement,
    RetryRequested,
    StopRequested,
    Woken,
)
from datahall.platform.lifecycle import TRANSITIONS, Ending, JobState
from datahall.platform.resources import Resources
from datahall.platform.spec import JobSpec
from datahall.platform.state import State

GIB = 1024**3


def state_with(*events: Event, cpu_milli: int = 4000, accelerators: tuple[int, ...] = ()) -> State:
    state = State()
    capacity = Resources(cpu_milli, 16 * GIB, len(accelerators))
    state.apply(NodeJoined(at_s=0, node="n1", capacity=capacity, accelerators=accelerators))
    for event in events:
        state.apply(event)
    return state


def submitted(job_id: int, at_s: float = 0, **words: object) -> JobSubmitted:
    return JobSubmitted(at_s=at_s, job_id=job_id, spec=JobSpec.model_validate({"command": ("true",)} | words))


def starting(job_id: int, attempt: int = 1, *accelerators: int) -> AttemptStarting:
    return AttemptStarting(at_s=1, job_id=job_id, attempt=attempt, placements=(Placement("n1", accelerators),))


def ended(job_id: int, ending: Ending = Ending.EXITED, code: int | None = 0, attempt: int = 1) -> AttemptEnded:
    return AttemptEnded(at_s=2, job_id=job_id, attempt=attempt, ending=ending, code=code)


def test_a_job_takes_its_resources_and_gives_them_back():
    """Given a 4-CPU node and a 3-CPU job, one CPU is free while it runs and four after it."""
    state = state_with(submitted(1, cpus=3), starting(1), AttemptRunning(at_s=1, job_id=1, attempt=1))
    assert (state.jobs[1].state, state.nodes["n1"].free.cpu_milli) == (JobState.RUNNING, 1000)
    state.apply(ended(1))
    assert (state.over[1], state.nodes["n1"].free.cpu_milli) == (JobState.SUCCEEDED, 4000)


def test_a_placement_that_does_not_fit_changes_nothing():
    """Given a policy that places 5 CPUs on a 4-CPU node, the event is refused and the queue is as before."""
    state = state_with(submitted(1, cpus=5))
    with pytest.raises(Conflict, match="does not fit on node n1"):
        state.apply(starting(1))
    assert state.jobs[1].state is JobState.WAITING
    assert state.queue == [(0, 1)]


def test_an_accelerator_is_given_to_one_job_only():
    """Given accelerators 0 and 1, a second job cannot be placed on the one that is taken."""
    state = state_with(submitted(1, accelerators=1), submitted(2, accelerators=1), starting(1, 1, 0), accelerators=(0, 1))
    with pytest.raises(Conflict, match="does not fit"):
        state.apply(starting(2, 1, 0))
    state.apply(starting(2, 1, 1))
    assert state.nodes["n1"].free_accelerators == []


def test_the_queue_is_in_order_of_priority_then_arrival():
    """Given three jobs, the one with priority comes first, the others as they came."""
    state = state_with(submitted(1), submitted(2), submitted(3, priority=5))
    assert [job.id for job in state.snapshot().waiting()] == [3, 1, 2]


def test_a_failure_is_retried_after_its_back_off_and_no_sooner():
    """Given one retry with a back-off of 10 s, the job is not in the queue at 11 s and is at 12 s."""
    state = state_with(submitted(1, retries=1, backoff=10), starting(1), ended(1, code=3))
    assert (state.jobs[1].state, state.queue, state.jobs[1].not_before_s) == (JobState.WAITING, [], 12)
    state.apply(Woken(at_s=11))
    assert state.queue == []
    state.apply(Woken(at_s=12))
    assert state.queue == [(0, 1)]


def test_retries_run_out():
    """Given one retry, the second failure is final and names the code."""
    state = state_with(
        submitted(1, retries=1, backoff=0), starting(1), ended(1, code=3), starting(1, 2), ended(1, code=3, attempt=2)
    )
    assert (state.jobs[1].state, state.jobs[1].reason) == (JobState.FAILED, "ended with code 3")


def test_an_attempt_lost_with_its_machine_does_not_count_as_a_failure():
    """Given a job without retries whose machine went away, it waits again."""
    state = state_with(submitted(1), starting(1), ended(1, Ending.LOST, None))
    assert (state.jobs[1].state, state.jobs[1].failures, state.queue) == (JobState.WAITING, 0, [(0, 1)])


def test_a_job_that_is_lost_again_and_again_fails():
    """Given a job that takes its machine down each time, it is failed after the sixth."""
    state = state_with(submitted(1))
    for attempt in range(1, 7):
        state.apply(starting(1, attempt))
        state.apply(ended(1, Ending.LOST, None, attempt))
    assert state.over[1] is JobState.FAILED


def test_a_dependent_waits_for_success():
    """Given job 2 needs job 1, it enters the queue when 1 succeeds."""
    state = state_with(submitted(1), submitted(2, needs=(1,)))
    assert state.queue == [(0, 1)]
    state.apply(starting(1))
    state.apply(ended(1))
    assert state.queue == [(0, 2)]


def test_failure_cancels_all_that_depends_on_it():
    """Given a chain 1 <- 2 <- 3, the failure of 1 cancels both, each saying why."""
    state = state_with(submitted(1), submitted(2, needs=(1,)), submitted(3, needs=(2,)), starting(1), ended(1, code=1))
    assert [state.jobs[n].reason for n in (2, 3)] == ["it needs job 1, which failed", "it needs job 2, which was cancelled"]


def test_cancelling_a_waiting_job_takes_it_out_of_the_queue():
    """Given a waiting job, cancelling ends it at once."""
    state = state_with(submitted(1), StopRequested(at_s=1, job_id=1))
    assert (state.jobs[1].state, state.queue) == (JobState.CANCELLED, [])


def test_cancelling_a_running_job_waits_for_its_end():
    """Given a running job, cancelling makes it stopping; its end makes it cancelled although it exited with 1."""
    state = state_with(submitted(1), starting(1), StopRequested(at_s=1, job_id=1, reason="cancelled by eve"))
    assert state.jobs[1].state is JobState.STOPPING
    state.apply(ended(1, code=1))
    assert (state.jobs[1].state, state.jobs[1].reason) == (JobState.CANCELLED, "cancelled by eve")


def test_an_end_reported_twice_counts_once():
    """Given a control plane that died between the end and its commit, the second report changes nothing."""
    state = state_with(submitted(1, retries=3), starting(1), ended(1, code=1), ended(1, code=1))
    assert state.jobs[1].failures == 1


def test_an_old_attempt_cannot_end_a_new_one():
    """Given attempt 2 runs, a late word of attempt 1 is ignored."""
    state = state_with(
        submitted(1, retries=1, backoff=0), starting(1), ended(1, code=1), starting(1, 2), ended(1, code=0, attempt=1)
    )
    assert state.jobs[1].state is JobState.STARTING


def test_a_job_cannot_be_retried_before_what_it_needs():
    """Given 1 <- 2 where 1 failed, retrying 2 is refused naming 1; after a retry of 1 it waits for that."""
    state = state_with(submitted(1), submitted(2, needs=(1,)), starting(1), ended(1, code=1))
    with pytest.raises(Conflict, match=r"JOB-007 it needs job 1, which failed\. `datahall retry 1` first"):
        state.apply(RetryRequested(at_s=3, job_id=2))
    state.apply(RetryRequested(at_s=3, job_id=1))
    state.apply(RetryRequested(at_s=3, job_id=2))
    assert (state.jobs[2].unmet, state.queue) == ({1}, [(0, 1)])
    state.apply(starting(1, 2))
    state.apply(ended(1, attempt=2))
    assert state.queue == [(0, 2)]


def test_a_chain_of_twenty_thousand_falls_at_once():
    """Given 20,000 jobs that each need the one before, the failure of the first cancels all the others."""
    chain = [submitted(n, needs=(n - 1,)) for n in range(2, 20_001)]
    state = state_with(submitted(1), *chain, starting(1), ended(1, code=1))
    assert sum(outcome is JobState.CANCELLED for outcome in state.over.values()) == 19_999


def test_a_job_that_needs_two_that_fall_is_cancelled_once():
    """Given 4 needs 2 and 3, which both need 1, the failure of 1 cancels each of them once."""
    diamond = (submitted(2, needs=(1,)), submitted(3, needs=(1,)), submitted(4, needs=(2, 3)))
    state = state_with(submitted(1), *diamond, starting(1), ended(1, code=1))
    assert state.over == {1: JobState.FAILED} | dict.fromkeys((2, 3, 4), JobState.CANCELLED)


def test_one_accelerator_cannot_be_given_to_two_workers():
    """Given a policy that places both workers of a gang on accelerator 0, the event is refused."""
    state = state_with(submitted(1, workers=2, accelerators=1), accelerators=(0, 1))
    both = (Placement("n1", (0,)), Placement("n1", (0,)))
    with pytest.raises(Conflict, match="does not fit"):
        state.apply(AttemptStarting(at_s=1, job_id=1, attempt=1, placements=both))


def test_only_an_ended_job_can_be_retried():
    """Given a waiting job, a retry is refused; given an ended one, it waits again with a clean slate."""
    state = state_with(submitted(1))
    with pytest.raises(Conflict, match="it is waiting"):
        state.apply(RetryRequested(at_s=1, job_id=1))
    state.apply(starting(1))
    state.apply(ended(1, code=1))
    state.apply(RetryRequested(at_s=3, job_id=1))
    assert (state.jobs[1].state, state.jobs[1].failures, state.queue) == (JobState.WAITING, 0, [(0, 1)])


def test_a_service_that_ends_by_itself_has_failed():
    """Given a service, exit code 0 is a failure too."""
    state = state_with(submitted(1, service=True), starting(1), ended(1, code=0))
    assert state.over[1] is JobState.FAILED


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_its_way_on(state: JobState):
    """Given the table of transitions, each state stands in it, and a final one leads back to waiting only."""
    assert TRANSITIONS[state]
    assert not state.is_final or TRANSITIONS[state] == {JobState.WAITING}
