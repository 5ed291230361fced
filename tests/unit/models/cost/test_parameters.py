"""Counts against models that torch builds: nothing is left out, nothing is counted twice."""

import pytest
from tests.unit.models.cost.tiny import architecture
from torch import nn

from datahall.models.cost.parameters import has_experts, layer_parameters, parameters_of, touched
from datahall.models.cost.spec import Attention, Experts, FeedForward, LatentAttention

H, V, S = 24, 50, 16


def count(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def grouped(*, bias: bool = False) -> nn.Module:
    """Six query heads of width 4, two heads of keys and values."""
    return nn.ModuleList([nn.Linear(H, 24, bias), nn.Linear(H, 8, bias), nn.Linear(H, 8, bias), nn.Linear(24, H, bias)])


def gated(width: int) -> nn.Module:
    return nn.ModuleList([nn.Linear(H, width, False), nn.Linear(H, width, False), nn.Linear(width, H, False)])


def test_a_decoder_with_grouped_queries_and_gates() -> None:
    """Given 3 layers of grouped attention and SwiGLU with an output layer of its own, torch holds as many."""
    layer = [grouped(), gated(40), nn.RMSNorm(H), nn.RMSNorm(H)]
    outer = [nn.Embedding(V, H), nn.RMSNorm(H), nn.Linear(H, V, bias=False)]
    counted = parameters_of(architecture())
    assert counted.total == counted.active == counted.trained == 3 * count(*layer) + count(*outer)
    assert counted.layers == 3 * count(*layer)


def test_a_gpt_with_biases_and_learned_positions() -> None:
    """Given torch's own encoder layer, which is GPT-2's, and tied embeddings, the counts agree."""
    layer = nn.TransformerEncoderLayer(H, 6, dim_feedforward=96)
    outer = [nn.Embedding(V, H), nn.Embedding(S, H), nn.LayerNorm(H)]
    counted = parameters_of(
        architecture(
            attention=Attention(heads=6, bias=True),
            feed_forward=FeedForward(width=96, bias=True),
            norm="layernorm",
            positions="learned",
            tied_embeddings=True,
        )
    )
    assert counted.total == 3 * count(layer) + count(*outer)


def test_a_mixture_of_experts_with_dense_layers_before_it() -> None:
    """Given 8 experts of which 2 work, one shared of twice the width and one dense layer first, total and active agree."""
    experts = Experts(count=8, active=2, width=10, shared=1, shared_width=20, first_dense_layers=1, router_bias=True)
    dense = [grouped(), gated(40), nn.RMSNorm(H), nn.RMSNorm(H)]
    router = nn.Linear(H, 8)
    mixed = [grouped(), *(gated(10) for _ in range(8)), gated(20), router, nn.RMSNorm(H), nn.RMSNorm(H)]
    outer = [nn.Embedding(V, H), nn.RMSNorm(H), nn.Linear(H, V, bias=False)]
    counted = parameters_of(architecture(experts=experts))
    assert counted.total == count(*dense) + 2 * count(*mixed) + count(*outer)
    assert counted.active == counted.total - 2 * 6 * count(gated(10))
    assert (counted.expert_layers, counted.router) == (2, count(router))


@pytest.mark.parametrize("q_rank", [None, 14])
def test_latent_attention(q_rank: int | None) -> None:
    """Given compressed keys and values, with the queries compressed or not, torch holds as many."""
    query = [nn.Linear(H, 6 * 12, False)]
    if q_rank:
        query = [nn.Linear(H, q_rank, False), nn.RMSNorm(q_rank), nn.Linear(q_rank, 6 * 12, False)]
    keys = [nn.Linear(H, 10 + 4, False), nn.RMSNorm(10), nn.Linear(10, 6 * (8 + 5), False), nn.Linear(6 * 5, H, False)]
    attention = LatentAttention(heads=6, q_rank=q_rank, kv_rank=10, nope_dim=8, rope_dim=4, value_dim=5)
    counted = layer_parameters(architecture(attention=attention), 0)
    assert counted.attention + counted.norms == count(*query, *keys, nn.RMSNorm(H), nn.RMSNorm(H))


def test_an_encoder_decoder() -> None:
    """Given torch's own encoder and decoder of two and three layers, the counts agree, cross attention included."""
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(H, 6, dim_feedforward=30), 2, nn.LayerNorm(H), enable_nested_tensor=False
    )
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(H, 6, dim_feedforward=30), 3, nn.LayerNorm(H))
    outer = [nn.Embedding(V, H), nn.Embedding(S, H), nn.Embedding(S, H)]
    counted = parameters_of(
        architecture(
            kind="encoder_decoder",
            encoder_layers=2,
            attention=Attention(heads=6, bias=True),
            feed_forward=FeedForward(width=30, bias=True),
            norm="layernorm",
            positions="learned",
            tied_embeddings=True,
        )
    )
    assert counted.total == count(encoder, decoder, *outer)
    assert counted.cross_attention == counted.attention


def test_norms_of_heads_and_biases_of_queries() -> None:
    """Given Qwen's norms of queries and keys, or its biases without one on the output, torch holds as many."""
    normed = layer_parameters(architecture(attention=Attention(heads=6, kv_heads=2, qk_norm=True)), 0)
    assert normed.norms == count(nn.RMSNorm(4), nn.RMSNorm(4), nn.RMSNorm(H), nn.RMSNorm(H))
    biased = layer_parameters(architecture(attention=Attention(heads=6, kv_heads=2, qkv_bias=True)), 0)
    assert biased.attention == count(grouped(bias=True)) - H


def test_layers_that_predict_further_tokens_are_trained_but_not_in_the_name() -> None:
    """Given one such layer, total stays; what is trained grows by a layer, a matrix of 2 H x H and three norms."""
    layer = [grouped(), gated(40), nn.RMSNorm(H), nn.RMSNorm(H)]
    module = [nn.RMSNorm(H), nn.RMSNorm(H), nn.Linear(2 * H, H, bias=False), *layer, nn.RMSNorm(H)]
    counted = parameters_of(architecture(prediction_layers=1))
    assert counted.total == parameters_of(architecture()).total
    assert counted.trained - counted.total == count(*module)


def test_which_layers_have_experts() -> None:
    """Given every second layer, it is the odd ones as in Llama 4; given three dense first, the others as in DeepSeek-V3."""
    interleaved = architecture(layers=6, experts=Experts(count=4, active=1, width=8, every=2))
    assert [i for i in range(6) if has_experts(interleaved, i)] == [1, 3, 5]
    dense_first = architecture(layers=6, experts=Experts(count=4, active=1, width=8, first_dense_layers=3))
    assert [i for i in range(6) if has_experts(dense_first, i)] == [3, 4, 5]
    assert not has_experts(architecture(), 0)


def test_what_a_step_reads_grows_from_the_active_to_all() -> None:
    """Given 8 experts of which 2 work, a token reads 2, two read 2 + 6/8 x 2 on average, a thousand all 8."""
    model = architecture(experts=Experts(count=8, active=2, width=10))
    counted, layer = parameters_of(model), count(*(gated(10) for _ in range(8)))
    assert touched(model, 1) == counted.active - counted.embedding
    assert touched(model, 2) - touched(model, 1) == pytest.approx(3 * layer / 8 * 1.5)
    assert touched(model, 1000) == pytest.approx(counted.total - counted.embedding)
    assert touched(architecture(), 1) == touched(architecture(), 9) == parameters_of(architecture()).total - V * H


def test_heads_that_do_not_divide_are_refused() -> None:
    """Given 5 heads for a width of 24 and no head_dim, both fields are named."""
    with pytest.raises(ValueError, match=r"heads=5 must divide hidden=24, or head_dim must be given"):
        parameters_of(architecture(attention=Attention(heads=5)))
