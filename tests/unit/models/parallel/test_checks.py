import pytest

from datahall.models.cost.spec import Architecture, Attention, Experts, FeedForward
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.nearest import either, multiples_near, nearest
from datahall.models.parallel.spec import TrainPlan

DENSE = Architecture(
    name="dense", layers=96, hidden=12288, vocab=51200, context=2048, attention=Attention(heads=96, kv_heads=8),
    feed_forward=FeedForward(width=49152), positions="learned", source="made for this test",
)  # fmt: skip
MIXED = DENSE.model_copy(
    update={"name": "mixed", "layers": 64, "experts": Experts(count=256, active=8, width=2048), "positions": "rotary"}
)
SOUND = {"global_batch": 1536, "sequence": 2048, "tensor": 8, "pipeline": 8, "data": 8}

FAULTS = [
    (DENSE, {"tensor": 5}, "PAR-001", "96 heads", "4 or 8"),
    (DENSE, {"tensor": 12}, "PAR-002", "8 kv_heads", "8 or 16"),
    (DENSE, {"tensor": 6}, "PAR-002", "8 kv_heads", "4 or 8"),
    (DENSE, {"sequence": 1028}, "PAR-004", "1,028 tokens", "1,024 or 1,032"),
    (DENSE, {"pipeline": 128}, "PAR-005", "96 layers", "96 or fewer"),
    (DENSE, {"chunks": 3}, "PAR-006", "schedule=1f1b", "interleaved"),
    (DENSE, {"chunks": 3, "pipeline": 1, "schedule": "interleaved"}, "PAR-006", "nothing to interleave", "chunks to 1"),
    (DENSE, {"chunks": 5, "schedule": "interleaved"}, "PAR-007", "96 layers", "chunks to 4 or 6"),
    (DENSE, {"pipeline": 3, "schedule": "dualpipe"}, "PAR-008", "pipeline=3", "2 or 4"),
    (DENSE, {"context": 3, "sequence": 2048}, "PAR-009", "no multiple of 6", "2 or 4"),
    (DENSE, {"sequence": 4096}, "PAR-010", "context=2,048", "2,048 or fewer"),
    (DENSE, {"expert": 8}, "PAR-011", "no experts", "expert to 1"),
    (MIXED, {"expert": 6}, "PAR-012", "256", "4 or 8"),
    (DENSE, {"shard": 4}, "PAR-013", "zero=0", "1, 2 or 3"),
    (DENSE, {"global_batch": 1537}, "PAR-015", "multiple of data=8", "1,536 or 1,544"),
    (DENSE, {"data": 7}, "PAR-015", "data=7", "data to 6 or 8"),
    (DENSE, {"global_batch": 1600, "chunks": 2, "schedule": "interleaved", "data": 16}, "PAR-016", "100", "1,536 or 1,664"),
    (DENSE, {"global_batch": 64, "schedule": "dualpipe"}, "PAR-016", "2 x pipeline = 16", "128"),
    (MIXED, {"expert": 16}, "PAR-017", "data=8 x context=1", "8"),
    (MIXED, {"expert": 128, "expert_tensor": 1}, "PAR-017", "expert_tensor=1 = 64", "64"),
    (DENSE, {"zero": 1, "shard": 3}, "PAR-018", "data=8", "2 or 4"),
]


def test_sound_plans_have_no_problem():
    """Given a plan that Megatron-LM ran, nothing is found; nor where kv heads are repeated or stages uneven."""
    assert problems_of_plan(DENSE, TrainPlan(**SOUND), accelerators=512) == []
    assert problems_of_plan(DENSE, TrainPlan(**SOUND | {"tensor": 16})) == []
    assert problems_of_plan(DENSE, TrainPlan(**SOUND | {"pipeline": 7})) == []


def test_embedding_and_output_may_each_fill_a_chunk():
    """Given 126 layers on 16 stages of 8 chunks, as NVIDIA ran Llama 3.1 405B, 128 parts are not too many; 256 are."""
    deep = DENSE.model_copy(update={"layers": 126})
    change = {"pipeline": 16, "schedule": "interleaved", "global_batch": 1536}
    assert problems_of_plan(deep, TrainPlan(**SOUND | change | {"chunks": 8})) == []
    assert problems_of_plan(deep, TrainPlan(**SOUND | change | {"chunks": 16}))[0].code == "PAR-005"


def test_experts_that_are_not_split_take_the_tensor_ranks_too():
    """Given tensor=8 x data=8 ranks and whole experts, 64 expert ranks are sound: parallel folding."""
    assert problems_of_plan(MIXED, TrainPlan(**SOUND | {"expert": 64, "expert_tensor": 1})) == []


@pytest.mark.parametrize(("architecture", "change", "code", "what", "fix"), FAULTS)
def test_each_fault_is_told_once_with_the_nearest_that_would_do(architecture, change, code, what, fix):
    """Given one wrong choice, one problem names it, the numbers, and the nearest possible values."""
    [problem] = problems_of_plan(architecture, TrainPlan(**SOUND | change), where="plan")
    assert problem.code == code
    assert what in problem.what and fix in problem.fix
    assert problem.where.startswith("plan.")


def test_the_width_of_the_feed_forward_is_held_too():
    """Given heads that divide but a width that does not, the width speaks."""
    odd = DENSE.model_copy(update={"feed_forward": FeedForward(width=49156)})
    [problem] = problems_of_plan(odd, TrainPlan(**SOUND))
    assert problem.code == "PAR-003" and "tensor to 4" in problem.fix


@pytest.mark.parametrize(
    ("accelerators", "fix"), [(1024, "data to 16"), (1000, "data to 15 and leave 40 idle"), (32, "at most 32")]
)
def test_a_wrong_product_says_which_data_would_do(accelerators, fix):
    """Given more or fewer accelerators than the plan takes, one problem says how many data ranks would fit."""
    [problem] = problems_of_plan(DENSE, TrainPlan(**SOUND), accelerators=accelerators)
    assert problem.code == "PAR-014" and fix in problem.fix and "512" in problem.what


def test_one_slip_in_data_is_one_problem_and_two_slips_are_two():
    """Given data=3 that spoils the product and the batch, one problem; given two unlike slips, both are told."""
    slip = problems_of_plan(MIXED, TrainPlan(**SOUND | {"data": 5, "expert": 8, "zero": 1, "shard": 4}), accelerators=512)
    assert [problem.code for problem in slip] == ["PAR-014"]
    two = problems_of_plan(DENSE, TrainPlan(**SOUND | {"global_batch": 1537, "zero": 1, "shard": 3}), accelerators=512)
    assert [problem.code for problem in two] == ["PAR-015", "PAR-018"]


def test_nearest_values_stop_at_the_ends():
    """Given nothing below or above, only what there is is offered."""
    assert nearest(5, lambda n: n % 4 == 0, most=6) == [4]
    assert multiples_near(3, 8) == [8]
    assert either([]) == "1"
