import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.parallel.communication import cluster_of, exchange_of
from datahall.models.parallel.experts import Load, Routed, expert_pass, expert_products, load_of, lone_ratio, overlaps
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.step import step_of

RACK = cluster_of("GB200", nic_bytes_per_s=50e9, per_domain=72)
SERVERS = cluster_of("B200", nic_bytes_per_s=50e9)
QWEN, DEEPSEEK, OSS = architecture("qwen3-30b-a3b"), architecture("deepseek-v3"), architecture("gpt-oss-120b")
PLAN = {"global_batch": 512, "sequence": 4096, "micro_batch": 4, "data": 8, "expert": 8, "expert_tensor": 1, "precision": "fp8"}


def layer(*, model=QWEN, cluster=RACK, stack=None, beside=False, **fields) -> Routed:
    plan = TrainPlan.model_validate(PLAN | fields)
    return expert_pass(model, plan, cluster, stack or Stack(graphs="whole"), exchange_of(plan, cluster), beside=beside)


def seconds(found: Routed) -> float:
    return found.passed.forward + found.passed.backward + found.passed.again + found.exchange_s


def test_even_routing_gives_each_expert_its_share():
    """Given 16,384 tokens a rank, eight of 128 experts and eight ranks, each of 16 experts multiplies 8,192 rows."""
    plan = TrainPlan.model_validate(PLAN)
    assert load_of(QWEN, plan) == Load(own=16384, rows=8192, held=16)
    assert load_of(QWEN, plan, imbalance=1.5).rows == 1.5 * 8192
    rows, columns, depth, count = expert_products(QWEN, plan, load_of(QWEN, plan))[0]
    assert (rows, columns, depth, count) == (8192, 2 * 768, 2048, 16)


def test_splitting_experts_and_folding_them_multiply_as_much():
    """Given two tensor ranks, sixteen whole experts or eight split over both are as many FLOPs on a rank."""
    split, whole = (
        TrainPlan.model_validate(PLAN | {"tensor": 2, "data": 8, "expert": expert, "expert_tensor": each})
        for expert, each in ((8, 2), (16, 1))
    )
    flop = [sum(m * n * k * b for m, n, k, b in expert_products(QWEN, plan, load_of(QWEN, plan))) for plan in (split, whole)]
    assert flop[0] == pytest.approx(flop[1])


def test_graphs_and_fused_experts_only_save():
    """Given 4,096 tokens, where the host is late, static graphs, whole graphs and fused experts each help."""
    plain, static, whole = (seconds(layer(stack=Stack(graphs=graphs), micro_batch=1)) for graphs in ("none", "static", "whole"))
    fused = seconds(layer(stack=Stack(graphs="whole", fused_experts=True, fused_dispatch=True), micro_batch=1))
    assert plain > static > whole > fused


def test_experts_in_one_rack_travel_over_its_links():
    """Given 64 expert ranks, servers of eight cross the network and a rack of 72 does not: several times as long."""
    spread = {"data": 64, "expert": 64}
    assert layer(cluster=SERVERS, **spread).exchange_s > 5 * layer(**spread).exchange_s


def test_travel_hides_behind_another_micro_batch_but_slows_it():
    """Given the overlap of 1F1B, less is exposed, yet more than nothing: a dispatch takes multiprocessors."""
    alone, beside = layer(), layer(beside=True)
    assert 0 < beside.exchange_s < 0.3 * alone.exchange_s


def test_filling_a_pipeline_leaves_passes_alone():
    """Given 16 micro-batches on one stage, one in 16; on four stages of four chunks with 64, 3 + 12 of 256."""
    assert lone_ratio(TrainPlan.model_validate(PLAN)) == 1 / 16
    deep = PLAN | {"pipeline": 4, "chunks": 4, "schedule": "interleaved", "micro_batch": 1}
    assert lone_ratio(TrainPlan.model_validate(deep)) == 15 / 256


def test_dualpipe_overlaps_whatever_the_stack_says():
    """Given four stages and 64 micro-batches, 4.5 of 64 passes run alone; a plain schedule hides nothing of its own accord."""
    plain, dual = (
        TrainPlan.model_validate(PLAN | {"pipeline": 4, "micro_batch": 1, "schedule": each}) for each in ("1f1b", "dualpipe")
    )
    assert lone_ratio(dual) == 4.5 / 64
    exposed = [float(step_of(QWEN, plan, RACK).parts.expert) for plan in (plain, dual)]
    assert [overlaps(plan, Stack()) for plan in (plain, dual)] == [False, True]
    assert exposed[1] < 0.4 * exposed[0]


def test_narrow_gradients_send_half_backward_too():
    """Given tokens and gradients that go in 8 bits and come back in 16, travel takes 3 of 4 ways."""
    narrow = Stack(graphs="whole", narrow_dispatch=True, narrow_gradients=True)
    ratio = layer(stack=narrow).exchange_s / layer().exchange_s
    assert ratio == pytest.approx(3.04 / 4, rel=0.03)


def test_narrow_dispatch_sends_half_forward():
    """Given tokens that go in 8 bits and come back in 16, travel takes 3.5 of 4 ways."""
    wide, narrow = layer(), layer(stack=Stack(graphs="whole", narrow_dispatch=True))
    assert narrow.exchange_s / wide.exchange_s == pytest.approx(3.52 / 4, rel=0.02)


def test_uneven_routing_makes_the_busiest_rank_late():
    """Given 1.5 times the mean on the busiest rank, experts and travel take longer."""
    assert seconds(layer(stack=Stack(graphs="whole", imbalance=1.5))) > 1.1 * seconds(layer())


@pytest.mark.parametrize(("model", "part"), [(DEEPSEEK, "latent_up"), (OSS, "norms"), (OSS, "expert_activation")])
def test_parts_that_are_computed_again_cost_less_than_the_layer(model, part):
    """Given one part recomputed, backward repeats it and not the whole forward pass."""
    found = layer(model=model, stack=Stack(graphs="whole", recomputed=(part,)), micro_batch=1, data=64, expert=64)
    whole = layer(model=model, recompute="full", micro_batch=1, data=64, expert=64)
    assert 0 < found.passed.again < 0.5 * whole.passed.again


def test_biases_of_experts_are_added_in_32_bits():
    """Given GPT-OSS with and without the experts' bias, the bias costs passes over every routed row."""
    plain = OSS.model_copy(update={"feed_forward": OSS.feed_forward.model_copy(update={"bias": False})})
    assert seconds(layer(model=OSS)) > seconds(layer(model=plain))


def test_a_model_without_experts_is_refused():
    """Given Llama 3 8B, there is nothing to route."""
    with pytest.raises(ValueError, match="llama3-8b has no experts"):
        load_of(architecture("llama3-8b"), TrainPlan.model_validate(PLAN))
