from dataclasses import replace

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.cost.spec import Architecture, Attention, Experts, FeedForward
from datahall.models.parallel.communication import cluster_of, exchange_of
from datahall.models.parallel.layer_time import Stack, kv_width, layer_pass
from datahall.models.parallel.layout import stages_of
from datahall.models.parallel.memory import memory_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.states import rank_parameters
from datahall.models.parallel.step import Step, step_of

A100 = cluster_of("A100-SXM4-80GB", nic_bytes_per_s=25e9)
GPT = Architecture(
    name="gpt-39b", layers=48, hidden=8192, vocab=51_200, context=2048, attention=Attention(heads=64),
    feed_forward=FeedForward(width=32_768), tied_embeddings=True, positions="learned", norm="layernorm",
    source="Narayanan et al., doi:10.1145/3458817.3476209, table 1",
)  # fmt: skip
MIXTURE = GPT.model_copy(update={"experts": Experts(count=8, active=2, width=8192)})


def step(*, architecture=GPT, cluster=A100, stack=None, **fields) -> Step:
    plan = {"global_batch": 64, "sequence": 2048, "tensor": 8, "pipeline": 4, "data": 2, "recompute": "full"} | fields
    return step_of(architecture, TrainPlan.model_validate(plan), cluster, stack)


def test_the_breakdown_adds_up():
    """Given 64 accelerators, the parts of the step are its seconds, and most of them are products."""
    found = step()
    assert sum(found.breakdown().values()) == pytest.approx(found.seconds)
    assert found.parts.forward + found.parts.backward + found.parts.again > 0.6 * found.seconds


def test_never_beats_the_data_sheet():
    """Given 8 x parameters FLOP for each token with everything computed again, no step is faster than 312e12 FLOP/s."""
    assert step().seconds > 8 * 39e9 * 64 * 2048 / 312e12 / 64


def test_an_even_pipeline_waits_for_one_micro_batch_less_than_it_has_stages():
    """Given no vocabulary to speak of, four stages and 32 micro-batches, the bubble is 3/32 of the parts."""
    found = step(architecture=GPT.model_copy(update={"vocab": 8}))
    assert found.bubble / found.parts.seconds == pytest.approx(3 / 32, rel=1e-2)


def test_interleaving_divides_the_bubble_and_sends_more():
    """Given three chunks a stage, waiting falls to a third and sends rise."""
    plain, mixed = step(), step(schedule="interleaved", chunks=3)
    assert mixed.bubble == pytest.approx(plain.bubble / 3, rel=0.05)
    assert mixed.send > 2 * plain.send


def test_zero_bubble_waits_a_third():
    assert step(schedule="zero_bubble").bubble == pytest.approx(step().bubble / 3)


def test_dualpipe_takes_as_long_on_each_micro_batch():
    """Given two stages on a rank, each for half of the micro-batches, the rank computes no more than it did."""
    assert step(schedule="dualpipe").parts.forward == pytest.approx(step().parts.forward)


def test_a_layer_too_many_on_one_stage_sets_the_pace():
    """Given 49 layers on four stages, the step is as slow as with 52."""
    uneven, even = (step(architecture=GPT.model_copy(update={"layers": n})) for n in (49, 52))
    assert uneven.parts.forward == pytest.approx(even.parts.forward)
    assert uneven.bubble < even.bubble


def test_a_large_vocabulary_slows_the_last_stage():
    """Given 250,000 words instead of 51,200, the last stage sets the pace, and the others wait."""
    assert step(architecture=GPT.model_copy(update={"vocab": 250_000})).seconds > 1.05 * step().seconds


@pytest.mark.parametrize(("recompute", "least", "most"), [("none", 0.0, 0.0), ("selective", 0.01, 0.5), ("full", 1.0, 1.0)])
def test_what_is_computed_again(recompute, least, most):
    """Given no, some or all recomputation, it costs nothing, attention, or the whole forward pass."""
    found = step(recompute=recompute)
    assert least * found.parts.forward <= found.parts.again <= most * found.parts.forward * (1 + 1e-9)


def test_without_fused_attention_scores_are_written():
    """Given attention that writes its scores, forward is slower."""
    assert step(flash_attention=False).parts.forward > 1.03 * step().parts.forward


def test_tensor_ranks_on_two_servers_share_their_ports():
    """Given 16 tensor ranks, their exchange crosses the network and takes several times as long as within a server."""
    assert step(tensor=16, data=1).parts.tensor > 2 * step().parts.tensor


def test_a_slower_network_shows_where_data_ranks_exchange():
    """Given a tenth of the ports' rate and no overlap, the reduction takes up to ten times as long, tensor ranks no longer."""
    stack, slow = Stack(data_overlap=False), replace(A100, nic_bytes_per_s=2.5e9)
    fast_step, slow_step = step(stack=stack), step(stack=stack, cluster=slow)
    assert 5 * fast_step.data < slow_step.data <= 10.1 * fast_step.data
    assert slow_step.parts.tensor == fast_step.parts.tensor


def test_an_oversubscribed_fabric_shows():
    assert step(cluster=replace(A100, oversubscription=4)).seconds > step().seconds


@pytest.mark.parametrize("zero", [0, 1, 2])
def test_overlap_hides_the_reduction(zero):
    """Given buckets behind the last backward pass, less of the reduction is left than without."""
    assert step(zero=zero).data < step(zero=zero, stack=Stack(data_overlap=False)).data


def test_sharded_states_are_updated_in_parts():
    """Given ZeRO over eight data ranks, each updates an eighth."""
    whole, part = (step(data=8, zero=zero).optimiser for zero in (0, 1))
    assert part == pytest.approx(whole / 8, rel=0.05)


def test_sharded_weights_are_gathered_behind_computing():
    """Given FSDP on 64 ranks, a fast network hides nearly all, a slow one does not, and without overlap nothing is hidden."""
    fields = {"tensor": 1, "pipeline": 1, "data": 64, "zero": 3, "micro_batch": 1}
    fast, slow = step(**fields), step(cluster=replace(A100, nic_bytes_per_s=2.5e9), **fields)
    assert fast.parts.gather < 0.5 * slow.parts.gather
    assert step(stack=Stack(data_overlap=False), **fields).parts.gather > fast.parts.gather


def test_shards_within_a_server_gather_faster():
    """Given HSDP over the eight ranks of a server, weights stay within it; gradients of the shards cross the network once."""
    fields = {"tensor": 1, "pipeline": 1, "data": 64, "zero": 3}
    whole, part = step(**fields), step(shard=8, **fields)
    assert part.parts.gather < whole.parts.gather
    assert part.data > 0 == whole.data


def test_context_ranks_hide_their_ring_behind_long_attention():
    """Given 64 k tokens on four context ranks of one server, attention takes longer than the ring."""
    long = {
        "architecture": GPT.model_copy(update={"positions": "rotary"}),
        "sequence": 65_536,
        "context": 4,
        "data": 1,
        "tensor": 2,
    }
    assert step(**long).parts.context == 0
    assert step(sequence=2048, context=4, data=1, tensor=2, cluster=replace(A100, per_domain=2)).parts.context > 0


def test_experts_cost_an_exchange_and_compute_what_is_active():
    """Given two of eight experts of a quarter of the width, and all fused, forward is cheaper than dense, and tokens travel."""
    captured = Stack(graphs="whole", fused_experts=True, fused_dispatch=True)
    dense, mixed = step(data=8), step(architecture=MIXTURE, stack=captured, data=8, expert=8)
    assert mixed.parts.expert > 0 == dense.parts.expert
    assert mixed.parts.forward < dense.parts.forward
    assert step(architecture=MIXTURE, data=8).parts.expert == 0


def mixture(**fields) -> Step:
    """Of a mixture on 16 accelerators, whose experts have copies."""
    return step(architecture=MIXTURE, **{"tensor": 1, "pipeline": 1, "data": 16, "expert": 4, "global_batch": 64} | fields)


def test_sharded_experts_are_gathered_with_the_rest():
    """Given experts on 4 of 16 ranks under ZeRO 3 and nothing to hide behind, 3/4 of a rank's experts come twice in 16 bits and
    go once in 32 for each of four micro-batches: no faster than its port."""
    found = mixture(zero=3, stack=Stack(data_overlap=False))
    routed = 48 * 8 / 4 * 2 * 8192 * 8192
    assert found.parts.gather > 4 * routed * (2 * 2 + 4) * 3 / 4 / 25e9 / 2
    assert mixture(zero=3, expert=8, stack=Stack(data_overlap=False)).parts.gather < 0.9 * found.parts.gather


def test_sharded_gradients_are_reduced_in_each_micro_batch():
    """Given ZeRO 2 without overlap, four micro-batches reduce four times what one does; ZeRO 1 reduces once."""
    alone = Stack(data_overlap=False)
    one, two = (mixture(zero=zero, stack=alone).data for zero in (1, 2))
    single = mixture(zero=2, stack=alone, global_batch=16).data
    assert mixture(zero=1, stack=alone, global_batch=16).data == pytest.approx(single)
    assert two - single == pytest.approx(3 * (mixture(zero=2, stack=alone, global_batch=32).data - single))
    assert two > 2 * one


def test_a_shard_of_ranks_holds_and_updates_its_experts_alike():
    """Given shards of 8 of 16 data ranks and experts on 4, two ranks share the states of an expert, in memory and in time."""
    plan = TrainPlan(global_batch=16, sequence=2048, data=16, expert=4, zero=1, shard=8)
    groups = exchange_of(plan, A100).groups
    assert [groups[axis].ranks for axis in ("expert_gradient", "expert_shard", "expert_replica")] == [4, 2, 2]
    rank = rank_parameters(MIXTURE, plan, stages_of(MIXTURE, plan)[0])
    assert memory_of(MIXTURE, plan).optimiser == pytest.approx(12 * (rank.shared / 8 + rank.experts / 2))
    whole, part = (mixture(zero=1, shard=shard).optimiser for shard in (None, 8))
    assert part > 1.5 * whole


def test_small_layers_take_as_long_as_starting_their_kernels():
    """Given a layer of 1 M parameters, eager code takes its 50 starts of 10 us; a graph does not."""
    small = GPT.model_copy(update={"hidden": 256, "feed_forward": FeedForward(width=1024), "attention": Attention(heads=8)})
    plan = TrainPlan(global_batch=1, sequence=128)
    eager, graph = (layer_pass(small, plan, A100.device, Stack(host_kernel_s=s)).forward for s in (1e-5, 0.0))
    assert eager == pytest.approx(5e-4)
    assert graph < eager


def test_groups_sit_where_megatron_puts_them():
    """Given t=4, c=2, d=4, p=2 on servers of eight, data ranks sit on a server each, stages a server apart."""
    groups = exchange_of(TrainPlan(global_batch=8, sequence=2048, tensor=4, context=2, data=4, pipeline=2), A100).groups
    assert (groups["tensor"].domains, groups["context"].domains) == (1, 1)
    assert (groups["gradient"].ranks, groups["gradient"].ranks_per_domain) == (8, 2)
    assert groups["pipeline"].domains == 2


def test_keys_and_values_of_grouped_queries_are_narrow():
    """Given 8 heads of keys and values of width 128, a token keeps 2,048 columns."""
    assert kv_width(GPT.model_copy(update={"attention": Attention(heads=64, kv_heads=8)})) == 2 * 8 * 128


def test_8_bits_need_a_device_that_has_them():
    with pytest.raises(Refused, match="KERN-002 A100-SXM4-80GB has no known peak in fp8"):
        step(precision="fp8")


def test_impossible_plans_are_refused():
    with pytest.raises(Refused, match="PAR-001 tensor=3 does not divide the 64 heads"):
        step(tensor=3)


def test_what_is_not_modelled_is_said():
    with pytest.raises(Refused, match="STEP-001 offload_optimiser=true"):
        step(offload_optimiser=True)


def test_unknown_accelerators_are_named():
    with pytest.raises(Missing, match="KERN-001 accelerator `Z9` is not in the catalogue"):
        cluster_of("Z9", nic_bytes_per_s=25e9)


def test_gradients_of_many_micro_batches_are_added_up():
    """Given one micro-batch, a kernel of its own adds nothing; given several, it costs more than the product's own sum."""
    own, fused = Stack(fused_accumulation=False), Stack()
    single = {"global_batch": 2, "pipeline": 1}
    assert step(stack=own, **single).parts.backward < step(stack=fused, **single).parts.backward
    assert step(stack=own).parts.backward > step(stack=fused).parts.backward


def test_recomputation_by_operator_costs_half_of_the_products():
    """Given every second product kept, more than attention alone is computed again, but less than 0.7 of the forward pass."""
    attention, products = step(recompute="selective"), step(recompute="operators")
    assert attention.parts.again < products.parts.again < 0.7 * products.parts.forward


def test_each_layer_exchanges_six_times_with_full_recomputation():
    """Given 12 layers a stage and 32 micro-batches, ranks send 6 x 2 (7/8) of 32 MiB for each: no faster than NVLink."""
    found = step(sequence_parallel=False, stack=Stack(tensor_overlap=False))
    assert found.parts.tensor > 32 * 12 * 6 * 2 * 7 / 8 * 2048 * 8192 * 2 / 300e9


def test_reduction_takes_at_least_what_the_ports_let_through():
    """Given ZeRO 1 over two servers and no overlap, half of a stage's gradients leave and half of its weights come."""
    found = step(zero=1, stack=Stack(data_overlap=False))
    assert found.data > (4 + 2) / 2 * 12 * 12 * 8192**2 / 8 / 25e9


def test_a_group_over_two_whole_servers_uses_all_their_ports():
    """Given 16 tensor ranks on two servers, an all-reduce gets eight ports: faster than one port could ever be."""
    groups = exchange_of(TrainPlan(global_batch=1, sequence=2048, tensor=16), A100)
    size = 1 << 30
    assert size / (8 * 25e9) < groups.s("tensor", "all_reduce", size) < size / 25e9
