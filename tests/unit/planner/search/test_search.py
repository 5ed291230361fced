import random

import numpy as np
import pytest
from tests.unit.planner.search.shapes import ALL, DENSE, LATENT, MIXED, TIED, question

from datahall.foundation.errors import Refused
from datahall.models.parallel.memory import memory_of
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.step import step_of
from datahall.planner.search.bounds import bound_of
from datahall.planner.search.keeper import Keeper
from datahall.planner.search.layouts import layouts_of
from datahall.planner.search.pieces import pieces_of
from datahall.planner.search.search import Hunt, search
from datahall.planner.search.weights import least_bytes

TALKING = Stack(data_overlap=False, tensor_overlap=False, fused_accumulation=False)
CASES = [
    (DENSE, {}),
    (DENSE, {"stack": TALKING, "pinned": {"flash_attention": False}}),
    (TIED, {"pinned": {"gradient_bytes": 2, "bucket_elements": 100_000_000, "keeps_outputs": True}}),
    (MIXED, {}),
    (MIXED, {"stack": TALKING, "precision": "fp8"}),
    (MIXED, {"precision": "fp8", "pinned": {"narrow_inputs": True}}),
    (LATENT, {}),
    (LATENT, {"pinned": {"zero": 3}}),
    (LATENT, {"stack": Stack(recomputed=("latent_up", "dense_block", "expert_activation"))}),
    (LATENT, {"pinned": {"schedule": "dualpipe"}, "stack": Stack(send_overlap=True)}),
    (LATENT, {"pinned": {"pipeline": 2}, "stack": Stack(fused_dispatch=True)}),
    (MIXED, {"stack": Stack(expert_overlap=True, fused_dispatch=True)}),
]


class Watch(Keeper):
    """Holds some configurations of each family against the plain functions."""

    def __init__(self, each: int) -> None:
        super().__init__(1)
        self.each, self.dice, self.held = each, random.Random(4), 0

    def add(self, family, seconds, needed, fits):
        valid = np.argwhere(fits)
        for at in self.dice.sample(valid.tolist(), min(self.each, len(valid))):
            point = family.point(tuple(at), seconds[tuple(at)], needed[tuple(at)])
            plan, question = self.hunt.plan(point), self.hunt.question
            step = step_of(question.architecture, plan, question.cluster, question.stack)
            assert point.seconds == pytest.approx(float(step.seconds), rel=1e-9), plan
            assert point.needed_bytes == pytest.approx(
                memory_of(question.architecture, plan, question.stack.recomputed).needed, rel=1e-9
            ), plan
            self._bounded(point, plan)
            self.held += 1

    def _bounded(self, point, plan):
        """No bound is more than what the step takes, of time or memory, and the first of time not more than the second."""
        some, more = (bound_of(self.hunt.pieces, point.block, point.parallel, each) for each in (0, point.recompute))
        at = some.size.tolist().index(point.size)
        parts = self.hunt.space.hidden_parts(point.block.pipeline)
        least_s = [float(each.step_s(point.block.pipeline, plan.micro_batches, parts)[at]) for each in (some, more)]
        assert least_s[0] <= least_s[1] * (1 + 1e-9)
        assert least_s[1] <= point.seconds
        pairs = (np.array([each]) for each in (point.block.pipeline, point.block.data))
        assert least_bytes(self.hunt.pieces, point.block, *pairs)[0] <= point.needed_bytes


@pytest.mark.parametrize(("architecture", "fields"), CASES)
def test_every_candidate_is_what_step_and_memory_say(architecture, fields):
    """Given random plans of dense, mixed and latent models, time and memory are those of a single plan to 1e-9."""
    hunt = Hunt(
        asked := question(architecture, memory_bytes=1e15, **fields), watch := Watch(2), pieces_of(asked), bounded=False
    )
    watch.hunt = hunt
    layouts = layouts_of(hunt.pieces)
    indices = random.Random(7).sample(range(len(layouts.counts)), min(7, len(layouts.counts)))
    for index in indices:
        hunt.block(layouts.block(index))
    assert watch.held > 10


@pytest.mark.parametrize("architecture", ALL, ids=lambda each: each.name)
def test_bounds_change_nothing(architecture):
    """Given the same question with and without bounds, the ten best are the same."""
    asked = question(architecture, accelerators=4, global_batch=8, memory_bytes=12e9)
    found, every = search(asked), search(asked, bounded=False)
    assert [each.plan for each in found.best] == [each.plan for each in every.best]
    assert found.possible == every.possible
    assert found.evaluated <= every.evaluated <= every.possible
    assert 0 < every.fitting <= every.evaluated


@pytest.mark.parametrize("architecture", [DENSE, MIXED], ids=lambda each: each.name)
def test_a_limit_and_pieces_of_more_accelerators_change_nothing(architecture):
    """Given what eight accelerators found and were worked out by, four find whatever is as fast as that."""
    many, few = (question(architecture, accelerators=count, global_batch=8) for count in (8, 4))
    search(many, pieces=(pieces := pieces_of(many)))
    alone = search(few)
    limit_s = alone.best[4].seconds
    found = search(few, limit_s=limit_s, pieces=pieces)
    assert [each.plan for each in found.best if each.seconds <= limit_s] == [
        each.plan for each in alone.best if each.seconds <= limit_s
    ]
    assert found.evaluated <= alone.evaluated
    assert search(few, limit_s=alone.best[0].seconds / 2, pieces=pieces).best == ()


def test_pieces_of_another_question_are_refused():
    with pytest.raises(ValueError, match="pieces are of another question"):
        search(question(accelerators=4), pieces=pieces_of(question(MIXED, accelerators=4)))


def test_the_best_is_the_fastest_that_fits():
    """Given plans one by one, none that fits is more than 0.1 % faster than the best."""
    asked = question(accelerators=4, global_batch=8, memory_bytes=10e9, pinned={"context": 1, "recompute": "none"})
    best, hunt = search(asked).best[0], Hunt(asked, Keeper(10**6), pieces_of(asked), bounded=False)
    hunt.through(layouts_of(hunt.pieces))
    fastest = min(point.seconds for point in hunt.keeper.points)
    assert best.seconds <= fastest * 1.001
    assert all(each.memory.needed <= asked.limit_bytes for each in search(asked).best)


def test_of_plans_alike_the_simplest_comes_first():
    """Given ZeRO 1 and 3 that take as long with one rank of data, the plain plan is proposed."""
    found = search(question(accelerators=1, global_batch=4)).best[0].plan
    assert (found.zero, found.recompute, found.tensor) == (0, "none", 1)


def test_accelerators_that_do_not_divide_stay_idle_and_it_says_so():
    """Given 7 accelerators for 32 sequences, fewer are used, with a note; where none may be idle, all are or it is refused."""
    found = search(question(accelerators=7, fewer=True))
    assert found.best[0].plan.accelerators < 7
    assert "of 7 accelerators stay idle" in found.notes[0]
    with pytest.raises(Refused, match="SEARCH-002 no plan on 7 accelerators"):
        search(question(accelerators=7, pinned={"pipeline": 1, "context": 1}))


@pytest.mark.parametrize(
    ("pinned", "code"),
    [
        ({"tensor": 3}, "PAR-001 tensor=3 does not divide the 16 heads"),
        ({"pipeline": 7}, "PAR-005 pipeline=7"),
        ({"chunks": 2, "pipeline": 1}, "PAR-006"),
        ({"expert": 2}, "PAR-011"),
        ({"tensr": 1}, "SEARCH-001 `tensr` is pinned, but is no field of a plan"),
        ({"tensor": 0}, "SEARCH-001 tensor=0: Input should be greater"),
        ({"global_batch": 4}, "SEARCH-001 `global_batch` is pinned, but is asked for by itself"),
        ({"offload_optimiser": True}, "STEP-001 offload_optimiser=true"),
    ],
)
def test_impossible_pins_are_refused_with_what_would_do(pinned, code):
    with pytest.raises(Refused, match=code):
        search(question(pinned=pinned))


def test_where_nothing_fits_it_says_what_would():
    """Given 1 % of the memory, the nearest plan is named with what is missing, and more memory or accelerators that do."""
    found = search(question(accelerators=2, memory_bytes=3.2e9))
    assert found.best == () and found.nearest_fit is not None
    near = found.nearest_fit
    assert near.missing_bytes > 0
    assert near.memory_bytes * 0.95 == pytest.approx(near.fit.memory.needed)
    assert search(question(accelerators=2, memory_bytes=near.memory_bytes * 1.001)).best
    assert near.accelerators is None or search(question(accelerators=near.accelerators, memory_bytes=3.2e9)).best
    assert "nothing fits; nearest comes" in near.sentences()[0]


def test_the_reserve_stays_free():
    """Given half of the memory to leave free, no plan takes more than the other half."""
    asked = question(memory_bytes=16e9, reserve_ratio=0.5)
    assert all(each.memory.needed <= 8e9 for each in search(asked).best)
