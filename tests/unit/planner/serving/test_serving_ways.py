import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.cost.catalogue import architecture
from datahall.planner.serving.bound import bound_of, fast_enough, front_of
from datahall.planner.serving.pool import pool_of
from datahall.planner.serving.ways import ways_of


def test_every_way_divides_the_heads_and_stays_in_the_hall(h100, asked):
    """Given Llama 3 70B, tensor ranks are powers of two up to a server's eight, and no way takes data ranks."""
    ways = ways_of(architecture("llama3-70b"), asked(), pool_of(h100, asked()))
    assert {plan.tensor for plan in ways} == {1, 2, 4, 8}
    assert {plan.data for plan in ways} == {1}
    assert [plan.accelerators for plan in ways] == sorted(plan.accelerators for plan in ways)


def test_experts_are_shared_by_all_ranks_or_by_none(h100, asked):
    """Given DeepSeek-V3's 256 experts, each way shares them over tensor x data ranks or cuts each over tensor ranks."""
    ways = ways_of(architecture("deepseek-v3"), asked(precision="fp8"), pool_of(h100, asked()))
    assert all(plan.expert in (1, plan.tensor * plan.data) for plan in ways)
    assert max(plan.expert for plan in ways) >= 64


@pytest.mark.parametrize(
    ("pinned", "code", "words"),
    [
        ({"tensor": 3}, "INFER-002", "tensor=3 does not share 64 heads"),
        ({"pipeline": 100}, "INFER-003", "has 80 layers"),
        ({"tensor": 64, "pipeline": 80}, "SERVE-110", "tensor=64 x pipeline=80 take more than the 512"),
        ({"precision": "nvfp4"}, "KERN-002", "no known peak in nvfp4"),
    ],
)
def test_what_is_pinned_and_impossible_is_told(h100, asked, pinned, code, words):
    """Given ranks that the model or the hall does not allow, the reason is told."""
    with pytest.raises(Refused) as caught:
        ways_of(architecture("llama3-70b"), asked(**pinned), pool_of(h100, asked()))
    assert [problem.code for problem in caught.value.problems] == [code]
    assert words in str(caught.value)


def test_a_hall_without_accelerators_is_refused(laptop, asked):
    """Given a laptop, the refusal says what it lacks."""
    with pytest.raises(Refused, match="SERVE-108 laptop has no accelerators"):
        pool_of(laptop, asked())


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"accelerators": 5000}, Refused, "SERVE-109 accelerators=5,000, but h100-512 has 4,096"),
        ({"engine": "vlm"}, Missing, "vllm"),
        ({"accelerator": "B200"}, Missing, "H100"),
    ],
)
def test_what_the_hall_lacks_is_told_with_what_it_has(h100, asked, fields, error, words):
    """Given more accelerators, another engine or another kind than there are, the nearest that is there is named."""
    with pytest.raises(error, match=words):
        pool_of(h100, asked(**fields))


def test_the_bound_is_the_largest_batch_that_is_fast_enough(h100, asked):
    """Given tensor=4 in 8 bits, the best point keeps both times, and the next larger batch that was looked at does not."""
    request = asked(tensor=4, pipeline=1, precision="fp8")
    pool = pool_of(h100, request)
    [plan] = ways_of(architecture("llama3-70b"), request, pool)
    bound = bound_of(architecture("llama3-70b"), plan, request, pool)
    assert bound is not None and bound.best is not None
    assert fast_enough(bound.best, request)
    larger = next(point for point in bound.points if point.concurrency > bound.best.concurrency)
    assert larger.found.tpot_s > request.tpot_p95_s


def test_a_way_that_holds_no_request_has_no_bound(h100, asked):
    """Given 70e9 weights of 16 bits on one accelerator of 80 GiB, there is nothing to bound."""
    request = asked(tensor=1, pipeline=1)
    pool = pool_of(h100, request)
    [plan] = ways_of(architecture("llama3-70b"), request, pool)
    assert bound_of(architecture("llama3-70b"), plan, request, pool) is None


def test_the_front_keeps_what_nothing_beats(h100, asked):
    """Given all points of some ways, tokens per accelerator rise with time per token along the front."""
    request = asked(precision="fp8", pipeline=1)
    pool = pool_of(h100, request)
    bounds = [
        bound_of(architecture("llama3-8b"), plan, request, pool) for plan in ways_of(architecture("llama3-8b"), request, pool)
    ]
    front = front_of([point for bound in bounds if bound for point in bound.points])
    assert [p.found.tpot_s for p in front] == sorted(p.found.tpot_s for p in front)
    rates = [p.tokens_per_s_per_accelerator for p in front]
    assert rates == sorted(rates) and len(set(rates)) == len(rates) > 3
