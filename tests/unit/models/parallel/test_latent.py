import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.cost.parameters import attention_weights
from datahall.models.cost.spec import LatentAttention
from datahall.models.parallel.latent import down_products, up_products


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
