import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.cost.parameters import attention_weights
from datahall.models.cost.spec import LatentAttention
from datahall.models.parallel.communication import cluster_of
from datahall.models.parallel.latent import down_products, up_products
from datahall.models.parallel.layer_time import Stack, layer_pass
from datahall.models.parallel.spec import TrainPlan


@pytest.mark.parametrize("name", ["deepseek-v3", "deepseek-v2-lite"])
def test_small_products_multiply_all_weights(name):
    """Given DeepSeek-V3, which compresses queries, and V2-Lite, which does not, columns x depth are attention's weights."""
    model = architecture(name)
    assert isinstance(model.attention, LatentAttention)
    down = down_products(model.attention, tokens=8, hidden=model.hidden, share=1)
    up = up_products(model.attention, tokens=8, hidden=model.hidden, tensor=1)
    assert sum(n * k for _, n, k, _ in [*down, *up]) == attention_weights(model)[0]
    assert len(down) == (2 if model.attention.q_rank else 1)


def test_tensor_ranks_split_heads_and_share_tokens_that_are_compressed():
    """Given two tensor ranks with sequence parallelism, each compresses half of the tokens and expands half of the heads."""
    attention = architecture("deepseek-v3").attention
    assert isinstance(attention, LatentAttention)
    assert down_products(attention, tokens=8, hidden=7168, share=0.5)[0][0] == 4
    assert up_products(attention, tokens=8, hidden=7168, tensor=2)[1][:2] == (8, 64 * 256)


def test_parts_of_a_dense_layer_are_computed_again():
    """Given one of DeepSeek-V3's dense layers, products up from the compressed widths and its block are repeated at their own
    FLOPs, together as the sum of both; nothing is where the stack says nothing."""
    model, device = architecture("deepseek-v3"), cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9).device
    plan = TrainPlan(global_batch=8, sequence=4096)

    def again_s(*parts, recompute="none"):
        chosen = plan.model_copy(update={"recompute": recompute})
        return layer_pass(model, chosen, device, Stack(recomputed=parts)).again

    up, block = again_s("latent_up"), again_s("dense_block")
    assert again_s() == 0 and again_s("latent_up", "dense_block") == pytest.approx(up + block)
    flop_per_s = device.peak_flop_per_s("bf16")
    assert block > 2 * 4096 * 3 * 7168 * 18_432 / flop_per_s
    assert up > 2 * 4096 * 128 * (1536 * 192 + 512 * 256) / flop_per_s
    assert up + block < 0.8 * again_s(recompute="full")
