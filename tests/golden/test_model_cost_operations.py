"""FLOP formulas as published.

Narayanan et al., SC '21, doi:10.1145/3458817.3476209, equation 3, full recompute: 96 B s l h^2 (1 + s/(6h) + V/(16 l h)).
Korthikanti et al., arXiv:2205.05198, equation 7, model FLOPs: 72 B L s h^2 (1 + s/(6h) + v/(12 h L)). Its equation 8 prints
s/(3h) for selective recompute, which is three passes over the attention's core; one pass, as its text says, is s/(18h) more.
Chowdhery et al. (PaLM), arXiv:2204.02311, appendix B: 6 N + 12 L H Q T FLOP for a token.
GPT-3, arXiv:2005.14165, Table D.1: 3.14e23 FLOP for 300e9 tokens (its 6 N without attention).
DeepSeek-V3 beside Llama 3.1 405B: arXiv:2505.09343, Table 2: 250 and 2,448 GFLOP for each token in training.
"""

import pytest

from datahall.models.cost.operations import operations_of, training_flop, training_flop_per_token
from datahall.models.cost.parameters import parameters_of
from datahall.models.cost.spec import Architecture, Attention, Experts, FeedForward, LatentAttention


def gpt(layers: int, hidden: int, heads: int, *, vocab: int = 51_200) -> Architecture:
    return Architecture(
        name="gpt",
        layers=layers,
        hidden=hidden,
        vocab=vocab,
        context=2048,
        attention=Attention(heads=heads, bias=True),
        feed_forward=FeedForward(width=4 * hidden, bias=True),
        positions="learned",
        norm="layernorm",
        tied_embeddings=True,
        source="the papers named on top of this file",
    )


SHAPES = [(24, 2304, 24), (48, 8192, 64), (96, 12288, 96), (128, 25600, 160)]


@pytest.mark.parametrize(("layers", "hidden", "heads"), SHAPES)
def test_full_recompute_is_sc21_s_equation_3(layers: int, hidden: int, heads: int) -> None:
    """Given a GPT and a batch of 8 x 2,048, hardware FLOPs with full recompute are the equation's, to rounding."""
    counted = operations_of(gpt(layers, hidden, heads), sequence=2048, batch=8, causal=False).hardware("full")
    formula = 96 * 8 * 2048 * layers * hidden**2 * (1 + 2048 / (6 * hidden) + 51_200 / (16 * layers * hidden))
    assert counted == pytest.approx(formula, rel=1e-12)


@pytest.mark.parametrize(("layers", "hidden", "heads"), SHAPES)
def test_model_flops_are_korthikanti_s_equation_7(layers: int, hidden: int, heads: int) -> None:
    """Given the same, model FLOPs are equation 7, and selective recompute adds one forward pass over the attention's core."""
    counted = operations_of(gpt(layers, hidden, heads), sequence=2048, batch=8, causal=False)
    once = 72 * 8 * layers * 2048 * hidden**2
    output = 51_200 / (12 * hidden * layers)
    assert counted.model == pytest.approx(once * (1 + 2048 / (6 * hidden) + output), rel=1e-12)
    assert counted.hardware("selective") == pytest.approx(
        once * (1 + 2048 / (6 * hidden) + 2048 / (18 * hidden) + output), rel=1e-12
    )


def test_palm_s_flop_for_each_token() -> None:
    """Given PaLM 540B (118 layers, 18,432 wide, 48 heads of 256, one of keys), a token costs 6 N + 12 L H Q T."""
    palm = Architecture(
        name="palm",
        layers=118,
        hidden=18_432,
        vocab=256_000,
        context=2048,
        attention=Attention(heads=48, kv_heads=1, head_dim=256),
        feed_forward=FeedForward(width=73_728, gated=True),
        parallel_block=True,
        norms_per_layer=1,
        tied_embeddings=True,
        source="arXiv:2204.02311, Table 1",
    )
    size = parameters_of(palm).total
    assert size / 1e9 == pytest.approx(540.35, abs=0.01)
    counted = training_flop_per_token(palm, sequence=2048, causal=False)
    assert counted == pytest.approx(6 * size + 12 * 118 * 48 * 256 * 2048, rel=1e-4)  # 6 N counts norms, too


def test_gpt_3_s_training() -> None:
    """Given 300e9 tokens, GPT-3 costs 3.14e23 without attention's scores (D.1 leaves them out), 2 % more with causal ones."""
    model = gpt(96, 12288, 96, vocab=50_257)
    counted = operations_of(model, sequence=2048)
    without = training_flop(model, 300e9, sequence=2048) * (1 - (counted.scores + counted.values) / counted.forward)
    assert without == pytest.approx(3.14e23, rel=0.01)
    assert training_flop(model, 300e9, sequence=2048) / without == pytest.approx(1.014, abs=0.002)


def gated(layers: int, hidden: int, ffn: int, attention: Attention | LatentAttention, **more: object) -> Architecture:
    return Architecture(
        name="gated",
        layers=layers,
        hidden=hidden,
        context=4096,
        attention=attention,
        feed_forward=FeedForward(width=ffn, gated=True),
        source="arXiv:2505.09343, Table 2",
        **more,
    )


def test_deepseek_v3_and_llama_405b_for_each_token() -> None:
    """Given sequences of 4,096 and causal scores, a token costs the table's 250 and 2,448 GFLOP, within 2 %.

    The table says neither how it counts the scores nor the logits: each is worth about one per cent.
    """
    latent = LatentAttention(heads=128, q_rank=1536, kv_rank=512, nope_dim=128, rope_dim=64, value_dim=128)
    experts = Experts(count=256, active=8, width=2048, shared=1, first_dense_layers=3, router_bias=True)
    deepseek = gated(61, 7168, 18_432, latent, experts=experts, vocab=129_280)
    llama = gated(126, 16_384, 53_248, Attention(heads=128, kv_heads=8), vocab=128_256)
    assert training_flop_per_token(deepseek, sequence=4096) / 1e9 == pytest.approx(250, rel=0.02)
    assert training_flop_per_token(llama, sequence=4096) / 1e9 == pytest.approx(2448, rel=0.02)
