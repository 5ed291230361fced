"""What serving can never do, whatever the plan and the load."""

from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.models.cost.catalogue import architecture
from datahall.models.cost.parameters import parameters_of, touched
from datahall.models.inference import InferencePlan, Load, decode_s, engine_named, kv_capacity_tokens, throughput_of
from datahall.models.parallel.communication import cluster_of

MODELS = tuple(architecture(name) for name in ("llama3-8b", "llama3-70b", "mixtral-8x7b", "gpt-oss-120b", "deepseek-v3"))
CLUSTERS = tuple(cluster_of(name, nic_bytes_per_s=50e9) for name in ("H100 80GB HBM3", "H200", "MI300X"))
BARE = engine_named("roofline")
LOADS = st.builds(
    Load,
    input_tokens=st.integers(1, 20_000),
    output_tokens=st.integers(1, 4_000),
    concurrency=st.none() | st.integers(1, 512),
    prefix_hit_ratio=st.sampled_from([0.0, 0.5, 0.9]),
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MODELS), st.sampled_from(CLUSTERS), LOADS, st.sampled_from([8, 16]))
def test_throughput_never_beats_the_data_sheet(model, cluster, load, tensor):
    """Given any load, tokens that must be computed never exceed the peak's FLOPs, nor a step the stream of its weights."""
    plan = InferencePlan(tensor=8, pipeline=tensor // 8, precision="fp8") if tensor == 16 else InferencePlan(tensor=8)
    if model.name == "deepseek-v3" and tensor == 8:
        return  # does not fit in 16 bits
    found = throughput_of(model, plan, cluster, load, BARE)
    device = cluster.device
    made = parameters_of(model).active - 2 * model.vocab * model.hidden
    read = load.input_tokens * (1 - load.prefix_hit_ratio) + load.output_tokens - 1
    flop_per_s = 2 * made * found.requests_per_s * max(1.0, read)
    assert flop_per_s <= plan.accelerators * device.peak_flop_per_s(plan.precision) * 1.0001
    streamed_s = (touched(model, 1) - 2 * model.vocab * model.hidden) / plan.tensor / device.memory_bytes_per_s
    assert found.tpot_s >= streamed_s * 0.99 or load.output_tokens == 1


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(MODELS[:3]), st.sampled_from(CLUSTERS), st.integers(1, 256), st.integers(1, 8000), st.integers(0, 300))
def test_a_larger_or_longer_batch_never_takes_less(model, cluster, batch, context, more):
    """Given more sequences or longer ones, a decoding step never takes less time."""
    plan = InferencePlan(tensor=4)
    base = decode_s(model, plan, cluster, batch=batch, context=context, engine=BARE)
    assert decode_s(model, plan, cluster, batch=batch + more, context=context, engine=BARE) >= base * (1 - 1e-9)
    assert decode_s(model, plan, cluster, batch=batch, context=context + more, engine=BARE) >= base * (1 - 1e-9)


@given(st.sampled_from(MODELS[:3]), st.sampled_from([2, 4, 8]))
def test_more_ranks_keep_more_tokens(model, tensor):
    """Given twice the tensor ranks, at least twice as many tokens have room: weights are shared by more."""
    few, many = (kv_capacity_tokens(model, InferencePlan(tensor=n), CLUSTERS[1], BARE) for n in (tensor // 2, tensor))
    assert many >= 2 * few or few == 0
