from itertools import product

import pytest
from tests.unit.planner.search.shapes import ALL, MIXED, question

from datahall.models.parallel.checks import problems_of_plan
from datahall.planner.search.layouts import layouts_of
from datahall.planner.search.pieces import Pieces
from datahall.planner.search.space import RECOMPUTES, Space, divisors, runs


def plans(asked):
    """Every plan of the space, as the search enumerates it."""
    space, found = Space(asked), set()
    for block in space.blocks():
        for column, variant, size in product(space.columns(block), space.variants(block.pipeline), space.sizes(block.data)):
            count = asked.global_batch // block.data // size
            if not runs(variant, block.pipeline, count):
                continue
            for parallel in space.sequence_parallels(block.tensor, block.context):
                found.add((block, column, variant, size, parallel))
    return found


def sound(asked, chosen) -> bool:
    block, column, variant, size, parallel = chosen
    plan = asked.plan(
        tensor=block.tensor, context=block.context, pipeline=block.pipeline, data=block.data, expert=block.expert,
        expert_tensor=block.expert_tensor, zero=column.zero, shard=column.shard, schedule=variant.schedule,
        chunks=variant.chunks, micro_batch=size, sequence_parallel=parallel,
    )  # fmt: skip
    return not problems_of_plan(asked.architecture, plan, accelerators=asked.accelerators)


@pytest.mark.parametrize("architecture", ALL, ids=lambda each: each.name)
def test_every_plan_of_the_space_is_possible(architecture):
    """Given eight accelerators, problems_of_plan has nothing against any plan that the search counts."""
    asked = question(architecture, accelerators=8, global_batch=8)
    found = plans(asked)
    assert len(found) > 300
    assert all(sound(asked, each) for each in found)


@pytest.mark.parametrize("architecture", ALL, ids=lambda each: each.name)
def test_no_possible_plan_is_left_out(architecture):
    """Given all values of all fields, whatever is possible and does something of its own is in the space."""
    asked = question(architecture, accelerators=8, global_batch=8)
    space, known = Space(asked), plans(asked)
    choices = {"tensor": (1, 2, 3, 4, 8), "pipeline": (1, 2, 3, 4, 8), "context": (1, 2, 4), "data": (1, 2, 3, 4, 8)}
    for tensor, pipeline, context, data in product(*choices.values()):
        if tensor * pipeline * context * data != 8:
            continue
        for expert, size, chunks in product((1, 2, 3, 4, 8), (1, 2, 3, 4, 8), (1, 2, 3)):
            for schedule in ("1f1b", "interleaved", "zero_bubble", "dualpipe"):
                same = (pipeline == 1 and schedule != "1f1b") or (schedule == "interleaved" and chunks == 1)
                plan = asked.plan(
                    tensor=tensor, pipeline=pipeline, context=context, data=data, expert=expert, micro_batch=size,
                    chunks=chunks, schedule=schedule,
                )  # fmt: skip
                if same or problems_of_plan(architecture, plan, accelerators=8):
                    continue
                mine = [each for each in known if _is(each, plan)]
                assert len(mine) == 1, plan
    assert space.recomputes == list(RECOMPUTES)


def _is(chosen, plan) -> bool:
    block, column, variant, size, parallel = chosen
    ranks = (block.tensor, block.pipeline, block.context, block.data, block.expert, block.expert_tensor)
    if ranks != (plan.tensor, plan.pipeline, plan.context, plan.data, plan.expert, None):
        return False
    rest = (variant.schedule, variant.chunks, size, parallel, column.zero, column.shard)
    return rest == (plan.schedule, plan.chunks, plan.micro_batch, True, 0, None)


@pytest.mark.parametrize("fewer", [False, True])
def test_counting_agrees_with_enumerating(fewer):
    """Given the same question, blocks counted at once and plans enumerated one by one are as many."""
    asked = question(ALL[1], accelerators=8, global_batch=8, fewer=fewer)
    space = Space(asked)
    layouts = layouts_of(Pieces(asked, space))
    assert int(layouts.counts.sum()) == sum(space.count(block) for block in space.blocks())
    assert int(layouts.counts.sum()) == len(plans(asked)) * len(RECOMPUTES)


def test_what_is_pinned_stays():
    """Given tensor=2 and zero=2, no other value is tried."""
    asked = question(pinned={"tensor": 2, "zero": 2})
    found = plans(asked)
    assert {each[0].tensor for each in found} == {2}
    assert {each[1].zero for each in found} == {2}


def test_all_is_tried_that_can_be_sharded():
    """Given a mixture, weights are sharded where experts have copies, too, and gradients through several micro-batches."""
    found = plans(question(MIXED, accelerators=8, global_batch=8))
    ranks = [
        (block.across * block.tensor // (block.expert_tensor or block.tensor) // block.expert, column.zero)
        for block, column, *_ in found
    ]
    assert (2, 3) in ranks
    assert any(column.zero == 2 and 8 // block.data > size for block, column, _, size, _ in found)


def test_divisors():
    assert divisors(12) == [1, 2, 3, 4, 6, 12]
