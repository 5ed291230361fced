"""A waiting job says why in a sentence."""

from tests.unit.platform.test_state import ended, starting, state_with, submitted

from datahall.platform.reasons import why_waiting


def test_no_room():
    """Given a 4-CPU node with 3 taken, a 2-CPU job says what is missing and who holds it."""
    state = state_with(submitted(1, cpus=3, name="train", time_limit=60), starting(1), submitted(2, cpus=2))
    reason = why_waiting(state, state.jobs[2])
    assert reason.sentence == "needs 2 CPUs (1 free)"
    assert reason.unblock == "job 1 (train) holds 1 × 3 CPUs, 1.0 GiB, ends within 1 min 0 s"


def test_behind_another():
    """Given a large job at the head, a small one behind it says so."""
    state = state_with(submitted(1, cpus=3), starting(1), submitted(2, cpus=4), submitted(3))
    reason = why_waiting(state, state.jobs[3])
    assert reason.code == "behind"
    assert reason.sentence == "waits behind 1 job; first comes job 2 (earlier), which needs 4 CPUs (1 free)"


def test_needs_another():
    """Given job 2 needs job 1, it names it and how it stands."""
    state = state_with(submitted(1), submitted(2, needs=(1,)))
    assert why_waiting(state, state.jobs[2]).sentence == "waits for job 1 to succeed, which is waiting"


def test_back_off():
    """Given a job that failed a moment ago, it says when it is tried again and what happened."""
    state = state_with(submitted(1, retries=2, backoff=10), starting(1), ended(1, code=7))
    assert why_waiting(state, state.jobs[1]).sentence == "waits 10.0 s before attempt 2 (ended with code 7; retry 1 of 2)"


def test_a_gang_waits_for_all_its_places():
    """Given room for two of three workers, the sentence says so."""
    state = state_with(submitted(1, cpus=2), starting(1), submitted(2, cpus=1, workers=3))
    assert "needs room for 3 workers" in why_waiting(state, state.jobs[2]).sentence
    assert "now 2 fit" in why_waiting(state, state.jobs[2]).sentence
