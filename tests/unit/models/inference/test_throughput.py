from dataclasses import replace

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.cost.catalogue import architecture
from datahall.models.inference import (
    Engine,
    InferencePlan,
    Load,
    PrefillPool,
    Speculation,
    decode_s,
    engine_named,
    kv_capacity_tokens,
    memory_of,
    prefill_s,
    problems_of,
    throughput_of,
)
from datahall.models.parallel.communication import cluster_of

LLAMA, MIXTRAL, SMALL = architecture("llama3-70b"), architecture("mixtral-8x7b"), architecture("llama3-8b")
H100 = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9)
FP8 = InferencePlan(tensor=8, precision="fp8")
BARE = engine_named("roofline")
CHAT = Load(input_tokens=2000, output_tokens=500)


def test_a_70b_model_keeps_half_a_million_tokens_in_16_bits_on_eight_h100():
    """Given weights of 141 GB over 8 x 80 GiB, what 0.9 of the memory leaves is divided by 320 KiB a token."""
    engine = BARE.model_copy(update={"device_ratio": 0.9, "context_bytes": 0, "max_batch": 1, "step_tokens": 1})
    tokens = kv_capacity_tokens(LLAMA, InferencePlan(tensor=8), H100, engine)
    by_hand = (0.9 * 8 * 80 * 2**30 - 2 * 70.55e9) / (2 * 80 * 8 * 128 * 2)
    assert tokens == pytest.approx(by_hand, rel=2e-3)


def test_decoding_never_beats_streaming_the_weights():
    """Given one sequence, a step takes at least the weights' bytes over the memory's bandwidth, and not twice that."""
    plan = InferencePlan(tensor=4)
    bound_s = 2 * (70.55e9 - 128256 * 8192) / 4 / 3.35e12
    assert bound_s < decode_s(LLAMA, plan, H100, batch=1, context=1, engine=BARE) < 2 * bound_s


def test_reading_a_prompt_never_beats_the_peak():
    """Given 8,192 tokens, reading them takes at least 2 FLOP a weight and token at the peak, and not twice that."""
    bound_s = 2 * (LLAMA.layers * 855.6e6) * 8192 / 989e12
    assert bound_s < prefill_s(LLAMA, InferencePlan(), H100, tokens=8192, engine=BARE) < 2 * bound_s


def test_throughput_grows_with_the_batch_until_computing_limits_it():
    """Given more and more requests at once, tokens/s never fall; the last doubling adds far less than the first."""
    found = [
        throughput_of(SMALL, InferencePlan(), H100, CHAT.model_copy(update={"concurrency": n}), BARE).output_tokens_per_s
        for n in (1, 2, 4, 8, 16, 32, 64, 128)
    ]
    assert found == sorted(found)
    assert found[1] / found[0] > 1.8 and found[-1] / found[-2] < 1.3


def test_a_mixture_streams_the_experts_that_are_touched():
    """Given 2 of 8 experts a token, a lone token reads a quarter of them, four read 8 (1 - 0.75^4) / 8, many read all."""
    cut = replace(H100, device=replace(H100.device, flop_per_s={"bf16": 1e30}))
    one, four, many = (decode_s(MIXTRAL, InferencePlan(tensor=2), cut, batch=n, context=1, engine=BARE) for n in (1, 4, 64))
    expert_s = 32 * 3 * 4096 * 14336 * 2 / 2 / 3.35e12 / 0.82
    assert four - one == pytest.approx((8 * (1 - 0.75**4) - 2) * expert_s, rel=0.1)
    assert many - one == pytest.approx(6 * expert_s, rel=0.1)


def test_speculation_multiplies_tokens_by_what_is_kept():
    """Given 3 drafted tokens kept with 0.8, a step yields 2.95 tokens; at a small batch throughput grows nearly as much."""
    assert Speculation(draft_tokens=3, acceptance_ratio=0.8).tokens_per_step == pytest.approx(2.952)
    lone = Load(input_tokens=100, output_tokens=1000, concurrency=1)
    spoken = Speculation(draft_tokens=3, acceptance_ratio=0.8, draft_ratio=0.02)
    plain = throughput_of(LLAMA, InferencePlan(tensor=8), H100, lone, BARE)
    faster = throughput_of(LLAMA, InferencePlan(tensor=8, speculation=spoken), H100, lone, BARE)
    assert 2.3 < faster.output_tokens_per_s / plain.output_tokens_per_s < 2.952


def test_a_cached_prefix_need_not_be_read_again():
    """Given nine tenths of each prompt kept, far more requests are served, and the first token comes sooner."""
    plain = throughput_of(LLAMA, FP8, H100, CHAT, BARE)
    kept = throughput_of(LLAMA, FP8, H100, CHAT.model_copy(update={"prefix_hit_ratio": 0.9}), BARE)
    assert kept.requests_per_s > 1.3 * plain.requests_per_s and kept.ttft_s < plain.ttft_s


def test_narrow_weights_and_keys_make_room_and_speed():
    """Given int4 weights, then also 8-bit keys and values, there is more room each time; a lone token comes sooner."""
    plans = [
        InferencePlan(tensor=8, precision="fp16"),
        InferencePlan(tensor=8, precision="fp16", weight_precision="int4"),
        InferencePlan(tensor=8, precision="fp16", weight_precision="int4", kv_precision="fp8"),
    ]
    room = [kv_capacity_tokens(LLAMA, plan, H100, BARE) for plan in plans]
    assert room[0] < room[1] < room[2] / 1.9
    plain, narrow = (decode_s(LLAMA, plan, H100, batch=1, context=1, engine=BARE) for plan in plans[:2])
    assert narrow < 0.75 * plain


def test_the_slower_side_of_a_split_sets_the_pace():
    """Given a prefill pool, doubling it doubles what is served until decoding limits; its accelerators are counted."""
    found = [
        throughput_of(LLAMA, FP8.model_copy(update={"prefill": PrefillPool(tensor=4, replicas=n)}), H100, CHAT, BARE)
        for n in (1, 2, 16)
    ]
    assert found[1].requests_per_s == pytest.approx(2 * found[0].requests_per_s, rel=0.01)
    assert "prefill pool" in found[0].limit and "prefill pool" not in found[2].limit
    assert [one.accelerators for one in found] == [12, 16, 72]


def test_replicas_add_up():
    """Given four replicas, four times as many requests are served in the same step."""
    one, four = (throughput_of(LLAMA, FP8.model_copy(update={"data": n}), H100, CHAT, BARE) for n in (1, 4))
    assert four.requests_per_s == pytest.approx(4 * one.requests_per_s) and four.tpot_s == pytest.approx(one.tpot_s)


def test_a_step_adds_up_and_a_long_finite_run_nears_the_steady_state():
    """Given ever more requests, the share of filling and emptying vanishes; parts of the step add up to it."""
    steady = throughput_of(SMALL, InferencePlan(), H100, CHAT, BARE)
    runs = [
        throughput_of(SMALL, InferencePlan(), H100, CHAT.model_copy(update={"requests": n}), BARE).output_tokens_per_s
        for n in (1_000, 1_000_000)
    ]
    assert runs[0] < runs[1] == pytest.approx(steady.output_tokens_per_s, rel=0.1)
    assert sum(steady.step.breakdown().values()) == pytest.approx(steady.step.seconds)


def test_what_does_not_fit_is_refused_with_the_bytes():
    """Given 16-bit weights of 70B on one H100, the problem says how much is missing and what would make it fit."""
    with pytest.raises(Refused, match=r"INFER-007 .*131\.\d GiB of weights.*more than the engine may take"):
        throughput_of(LLAMA, InferencePlan(), H100, CHAT, BARE)
    assert memory_of(LLAMA, InferencePlan(), H100, BARE).short > 50 * 2**30


def test_a_plan_that_cannot_be_run_names_the_nearest():
    """Given 3 tensor ranks, experts on a dense model and weights wider than products, three problems say what would do."""
    plan = InferencePlan(tensor=3, expert=3, precision="fp8", weight_precision="bf16")
    found = problems_of(LLAMA, plan)
    assert [problem.code for problem in found] == ["INFER-002", "INFER-004", "INFER-005"]
    assert "set tensor to 1 or 2 or 4" in found[0].fix


def test_an_unknown_engine_is_told_the_near_names():
    """Given `vlm`, the near name is told."""
    with pytest.raises(Missing, match=r"INFER-006.*vllm"):
        engine_named("vlm")


def test_the_host_sets_the_pace_of_small_steps_without_graphs():
    """Given 20 us to start each kernel, a lone token of a small model waits for the host; with graphs it does not."""
    slow = BARE.model_copy(update={"host_kernel_s": 20e-6})
    assert isinstance(slow, Engine)
    waits = throughput_of(SMALL, InferencePlan(precision="fp8"), H100, CHAT.model_copy(update={"concurrency": 1}), slow)
    assert "host" in waits.limit or waits.step.host > 0
    assert waits.tpot_s > 11 * 32 * 20e-6


def test_replicas_without_a_request_serve_nothing():
    """Given one request at once over four replicas, one is served at a time, not four."""
    lone = CHAT.model_copy(update={"concurrency": 1})
    one, four = (throughput_of(LLAMA, FP8.model_copy(update={"data": n}), H100, lone, BARE) for n in (1, 4))
    assert four.requests_per_s == pytest.approx(one.requests_per_s)


def test_a_lone_request_needs_room_for_its_whole_answer():
    """Given an answer twice as long as there is room for, it is refused, however short its average age is."""
    plan = InferencePlan(tensor=2, max_batch=8, step_tokens=2048)
    tokens = round(kv_capacity_tokens(LLAMA, plan, H100))
    throughput_of(LLAMA, plan, H100, Load(input_tokens=100, output_tokens=tokens - 200))
    with pytest.raises(Refused, match="INFER-007"):
        throughput_of(LLAMA, plan, H100, Load(input_tokens=100, output_tokens=round(1.5 * tokens)))


def test_a_stage_of_experts_alone_holds_more_than_the_average_stage():
    """Given a model whose first layers have no experts, later stages are the fullest, and the memory is theirs."""
    deepseek = architecture("deepseek-v3")
    engine = BARE.model_copy(update={"context_bytes": 0, "max_batch": 1, "step_tokens": 1})
    one, eight = (
        memory_of(deepseek, InferencePlan(tensor=8, pipeline=stages, precision="fp8"), H100, engine).weights
        for stages in (1, 8)
    )
    ends = 2 * deepseek.vocab * deepseek.hidden * 2 / 8
    assert eight - ends / 2 > 1.03 * (one - ends) * 8 / 61
