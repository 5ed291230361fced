"""Schedules played out: bubbles as the papers have them, nothing twice at once, everything once."""

import itertools
from collections import Counter

import pytest

from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.timeline import Timeline, Work, timeline_of

SCHEDULES = (
    {"pipeline": 1},
    {"pipeline": 4},
    {"pipeline": 4, "chunks": 2, "schedule": "interleaved"},
    {"pipeline": 4, "schedule": "zero_bubble"},
    {"pipeline": 4, "schedule": "dualpipe"},
    {"pipeline": 16, "chunks": 3, "schedule": "interleaved", "global_batch": 64},
    {"pipeline": 16, "schedule": "dualpipe", "global_batch": 64},
    {"pipeline": 12, "schedule": "zero_bubble", "global_batch": 13},
)


def played(*, forward_s: float = 1.0, backward_s: float = 2.0, most: int = 24, **plan: object) -> Timeline:
    made = TrainPlan.model_validate({"global_batch": 16, "sequence": 128, **plan})
    return timeline_of(made, forward_s=forward_s, backward_s=backward_s, most=most)


@pytest.mark.parametrize(
    ("plan", "bubble_s"),
    [
        ({"pipeline": 1}, 0.0),
        ({"pipeline": 4}, 3 * 3),  # (p - 1) (F + B)
        ({"pipeline": 4, "chunks": 2, "schedule": "interleaved"}, 3 * 3 / 2),  # … / v
        ({"pipeline": 4, "schedule": "zero_bubble"}, 3 * 3 / 3),  # (p - 1) (F + B - W), with F = B = W: a third
    ],
)
def test_bubbles_are_those_of_the_papers(plan: dict[str, object], bubble_s: float):
    """Given a forward of 1 s and a backward of 2 s, 16 micro-batches take 48 s and the schedule's bubble."""
    assert played(**plan).seconds == pytest.approx(48 + bubble_s)


def test_dualpipe_idles_less_than_1f1b():
    """Given both ends at once, less of the time is idle than in 1F1B with as many micro-batches."""
    assert (
        played(pipeline=8, schedule="dualpipe", global_batch=24).idle_ratio
        < 0.6 * played(pipeline=8, global_batch=24).idle_ratio
    )


@pytest.mark.parametrize("plan", SCHEDULES)
def test_each_stage_does_one_thing_at_a_time_and_all_of_it_once(plan: dict[str, object]):
    """Given any schedule, pieces on a stage do not overlap, and every micro-batch passes every chunk once each way."""
    found = played(**plan)
    for stage in range(found.stages):
        mine = sorted((block.start_s, block.end_s) for block in found.blocks if block.stage == stage)
        assert all(end <= start + 1e-9 for (_, end), (start, _) in itertools.pairwise(mine))
    kinds = 3 if plan.get("schedule") == "zero_bubble" else 2
    done = Counter(block.work for block in found.blocks)
    assert set(done.values()) == {1} and len(done) == kinds * found.played * found.stages * found.chunks


@pytest.mark.parametrize("plan", SCHEDULES)
def test_nothing_starts_before_what_it_needs(plan: dict[str, object]):
    """Given any schedule, activations come from the chunk before and gradients from the chunk after."""
    found = played(**plan)
    start = {block.work: block.start_s for block in found.blocks}
    end = {block.work: block.end_s for block in found.blocks}
    last = found.stages * found.chunks - 1
    for work, at in start.items():
        if work.kind == "forward" and work.chunk:
            assert at >= end[Work("forward", work.micro_batch, work.chunk - 1)] - 1e-9
        if work.kind == "backward":
            before = (
                Work("forward", work.micro_batch, last)
                if work.chunk == last
                else Work("backward", work.micro_batch, work.chunk + 1)
            )
            assert at >= end[before] - 1e-9


def test_many_micro_batches_are_cut_to_what_can_be_seen():
    """Given 192 micro-batches, 24 are played, and never fewer than fill the pipeline."""
    found = played(pipeline=8, global_batch=192)
    assert (found.played, found.micro_batches) == (24, 192)
    assert played(pipeline=32, global_batch=512, most=8).played == 36
    assert played(pipeline=8, chunks=2, schedule="interleaved", global_batch=192, most=20).played == 16
