from dataclasses import replace

import pytest
from pydantic import ValidationError

from datahall.models.cost.spec import Architecture, Attention, FeedForward
from datahall.models.parallel.communication import cluster_of
from datahall.models.parallel.device import device_of
from datahall.models.parallel.kernels import misaligned, unfused_attention_s
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.step import step_of
from datahall.models.parallel.step_constants import StepConstants, step_constants, sustained

A100, H100 = device_of("A100-SXM4-80GB"), device_of("H100 80GB HBM3")
GPT = Architecture(
    name="gpt", layers=24, hidden=4096, vocab=51_200, context=2048, attention=Attention(heads=32),
    feed_forward=FeedForward(width=16_384), source="made up for a test",
)  # fmt: skip
NEUTRAL = {"limited_ratio": 1.0, "contention_ratio": 0.0, "straggler_ratio": 0.0, "step_s": 0.0, "misaligned_ratio": 0.0}


def constants(**values) -> StepConstants:
    return StepConstants(**(NEUTRAL | values), source="a test", date="2026-11")


def seconds(accelerator="A100-SXM4-80GB", stack=None, architecture=GPT, fitted=None, **fields) -> float:
    plan = {"global_batch": 64, "sequence": 2048, "data": 16, "micro_batch": 2} | fields
    cluster = cluster_of(accelerator, nic_bytes_per_s=25e9)
    return step_of(architecture, TrainPlan.model_validate(plan), cluster, stack, constants=fitted or constants()).seconds


def test_what_was_fitted_is_within_its_bounds():
    """Given the stored constants, each differs from one that does nothing, and the file tells on what they were fitted."""
    stored = step_constants()
    assert "llm_foundry" in stored.source
    assert "held out" in stored.source
    with pytest.raises(ValidationError, match=r"less than or equal to 0\.4"):
        constants(contention_ratio=0.5)


def test_only_accelerators_at_their_power_limit_slow_down():
    """Given a limit of 500 of 700 W, all that an H100 computes runs at the cube root of 5/7; an A100 keeps its rates."""
    c = constants(limited_ratio=0.8)
    assert sustained(A100, c) == A100
    whole, part = (sustained(device, c) for device in (H100, replace(H100, limit_w=500)))
    assert whole.reached_flop_per_s("bf16") == pytest.approx(0.8 * H100.reached_flop_per_s("bf16"))
    assert whole.peak_flop_per_s("bf16") == H100.peak_flop_per_s("bf16")
    assert part.peak_flop_per_s("bf16") / whole.peak_flop_per_s("bf16") == pytest.approx((5 / 7) ** (1 / 3))


@pytest.mark.parametrize(
    ("name", "value"), [("contention_ratio", 0.3), ("straggler_ratio", 0.01), ("step_s", 0.01), ("misaligned_ratio", 0.1)]
)
def test_each_mechanism_costs_time(name, value):
    """Given FSDP of rows of 4,100 elements on 16 A100, every mechanism makes the step slower."""
    odd = GPT.model_copy(update={"feed_forward": FeedForward(width=4100)})
    assert seconds(architecture=odd, zero=3, fitted=constants(**{name: value})) > seconds(architecture=odd, zero=3)


def test_rows_of_whole_cache_lines_lose_nothing():
    """Given widths that 64 divides, no loss; each halving of the power of two that divides a width costs a tenth."""
    found = misaligned([4096, 14_400, 7200, 1800, 75], misaligned_ratio=0.1)
    assert found == pytest.approx([1.0, 1.0, 1.1, 1.3, 1.6])


def test_heads_that_16_bytes_do_not_divide_run_without_tensor_cores():
    """Given heads of 150 instead of 160 columns, unfused attention takes several times as long."""
    shape = {"batch": 1, "heads": 12, "queries": 2048, "precision": "fp16"}
    odd, even = (float(unfused_attention_s(A100, head_dim=width, **shape)) for width in (150, 160))
    assert 2 < odd / even < 8


def test_recomputing_stops_with_what_backward_needs():
    """Given 4 x hidden in the block, its last product is a third of the layer's, and is not computed again."""
    plan, cluster = (
        TrainPlan(global_batch=8, sequence=2048, recompute="full"),
        cluster_of("A100-SXM4-80GB", nic_bytes_per_s=25e9),
    )
    found = [step_of(GPT, plan, cluster, stack) for stack in (Stack(), Stack(stops_early=True))]
    assert 0.6 < found[1].parts.again / found[0].parts.again < 0.75


def test_a_host_that_waits_for_each_kernel_adds_its_starts():
    """Given 150 starts a layer, forward and backward, 15 us each, 4 micro-batches, two in each, 24 layers, 0.1 s more."""
    more = seconds(stack=Stack(blocking=True)) - seconds(stack=Stack())
    assert more == pytest.approx(150 * 1.5e-5 * 24 * 2, rel=1e-6)


def test_small_buckets_pay_latency_often():
    """Given buckets of a million elements instead of one, the reduction takes longer, and no bucket makes it faster."""
    stack = Stack(data_overlap=False)
    assert seconds(stack=stack, bucket_elements=10**6) > seconds(stack=stack) == seconds(stack=stack, bucket_elements=10**12)


def test_shards_that_are_broadcast_one_by_one_take_longer_than_one_gathering():
    """Given 512 ranks, each broadcasts its shard of the updated weights along a ring."""
    fields = {"data": 512, "zero": 1, "global_batch": 1024}
    one_by_one, together = (Stack(data_overlap=False, broadcasts_shards=each) for each in (True, False))
    assert seconds(stack=one_by_one, **fields) > seconds(stack=together, **fields)


def test_norms_that_are_computed_again_cost_a_little():
    """Given nothing else computed again, backward repeats norms and the sums before them: less than 5 % of the step."""
    plain, more = seconds(), seconds(stack=Stack(recomputed=("norms",)))
    assert plain < more < 1.05 * plain
