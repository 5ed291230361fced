"""Each rule that a schedule can break, broken once."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.twin.metrics.schedules import ms, trace_of

from datahall.twin.metrics import CapacityOverTime, Pieces, Schedule, Steps, check

FOUR = CapacityOverTime.fixed(accelerators=4, node_gpu_milli=np.array([2000, 2000]))


@pytest.fixture
def good():
    """Two jobs of 2 workers, one after the other on two machines of 2 accelerators, the second interrupted once."""
    trace = trace_of([0, 10], [100, 50], [2, 2], workers=[2, 2])
    return Schedule(
        trace, np.array([0, 1, 1]), ms(0, 100, 130), ms(100, 120, 180), np.array([True, False, True]),
        pieces=Pieces(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 1, 0]), np.ones(6, np.int64)),
        free_gpu_milli=Steps(ms(0, 120, 130, 180), np.array([0, 4000, 0, 4000])),
    )  # fmt: skip


def codes(schedule, capacity=FOUR):
    return [problem.code for problem in check(schedule, capacity)]


def test_kept(good):
    """Given a job that starts at the very moment at which another ends, no rule is broken."""
    assert check(good, FOUR) == ()


def test_early(good):
    """Given a start before the submission, time and job are named."""
    (problem,) = check(replace(good, start_ms=ms(-5, 100, 130), free_gpu_milli=None), FOUR)
    assert (problem.code, problem.where) == ("TWIN-080", "-5 s, job 1") and "5 s before it is submitted" in problem.what


def test_backwards(good):
    """Given an end before its start, it is told."""
    assert "TWIN-081" in codes(replace(good, end_ms=ms(100, 120, 129)))


def test_twice_at_once(good):
    """Given two attempts at one job at a time, it is told; so is what they hold too much."""
    found = codes(replace(good, start_ms=ms(0, 100, 115), free_gpu_milli=None))
    assert found == ["TWIN-082", "TWIN-084", "TWIN-087"]


def test_again_at_once(good):
    """Given a second attempt at the very moment at which the first ends, no rule is broken."""
    assert codes(replace(good, start_ms=ms(0, 100, 120), free_gpu_milli=None)) == []


def test_done_twice(good):
    """Given a job that runs again although it was done, it is told."""
    assert codes(replace(good, finished=np.array([True, True, True]))) == ["TWIN-083"]


def test_capacity(good):
    """Given a machine that goes down while a job runs, the first moment and the job that came last are named."""
    capacity = CapacityOverTime(Steps(ms(0, 50, 100), np.array([4000, 2000, 4000])), Steps.constant(0))
    (problem,) = check(replace(good, free_gpu_milli=None), capacity)
    assert (problem.code, problem.where) == (
        "TWIN-084",
        "50 s, job 1",
    ) and "4 accelerators are held, but 2 are up" in problem.what


def test_free_and_used(good):
    """Given a scheduler that believes in an accelerator that is not free, the first moment is named."""
    (problem,) = check(replace(good, free_gpu_milli=Steps(ms(0, 120), np.array([0, 3000]))), FOUR)
    assert (problem.code, problem.where) == ("TWIN-085", "120 s")


def test_split_gang(good):
    """Given one of two workers without a place, the gang is split."""
    pieces = Pieces(np.array([0, 0, 1, 2, 2]), np.array([0, 1, 0, 1, 0]), np.ones(5, np.int64))
    (problem,) = check(replace(good, pieces=pieces), FOUR)
    assert (problem.code, problem.where) == ("TWIN-086", "100 s, job 2") and "1 of its 2 workers" in problem.what


@pytest.mark.parametrize(("node", "told"), [(0, "machine 0 holds more than its 2"), (7, "machine 7, but there are 2")])
def test_machines(good, node, told):
    """Given both workers on one machine, or on one that is not there, it is told."""
    pieces = Pieces(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, node, node, 1, 0]), np.ones(6, np.int64))
    (problem,) = check(replace(good, pieces=pieces), FOUR)
    assert (problem.code, problem.where) == ("TWIN-087", "100 s, job 2") and told in problem.what
