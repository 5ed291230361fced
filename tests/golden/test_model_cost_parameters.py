"""Parameter counts as published.

SC21: Narayanan et al., doi:10.1145/3458817.3476209, Table 1 and equation 2 (vocabulary 51,200, sequence 2,048).
GPT-3: Brown et al., arXiv:2005.14165, Table 2.1. Llama 2: arXiv:2307.09288; Llama 3: arXiv:2407.21783, Table 3.
Exact counts: the checkpoints on the Hugging Face hub; Mixtral 8x22B with its active count from
huggingface.co/mistral-community/Mixtral-8x22B-v0.1/discussions/6. BLOOM: arXiv:2211.05100, Table 3 (176.247e9).
DeepSeek-V3: README_WEIGHTS.md of deepseek-ai/DeepSeek-V3 (671e9, 36.7e9 active, 11.5e9 of the prediction module).
DeepSeek-V2: arXiv:2405.04434 (236e9, 21e9 active). Qwen3: arXiv:2505.09388 (235e9, 22e9 active).
GPT-OSS: arXiv:2508.10925, Table 1 (116.83e9 and 20.91e9; 5.13e9 and 3.61e9 active without the embedding).
"""

import pytest

from datahall.models.cost.parameters import parameters_of
from datahall.models.cost.spec import Architecture, Attention, Experts, FeedForward, LatentAttention

GPT = {
    "positions": "learned",
    "norm": "layernorm",
    "tied_embeddings": True,
    "source": "the paper named on top of this file",
}


def gpt(layers: int, hidden: int, heads: int, *, vocab: int, head_dim: int | None = None) -> Architecture:
    return Architecture(
        name="gpt",
        layers=layers,
        hidden=hidden,
        vocab=vocab,
        context=2048,
        attention=Attention(heads=heads, head_dim=head_dim, bias=True),
        feed_forward=FeedForward(width=4 * hidden, bias=True),
        **GPT,
    )


def llama(layers: int, hidden: int, heads: int, kv_heads: int, *, ffn: int, vocab: int, **more: object) -> Architecture:
    return Architecture(
        name="llama",
        layers=layers,
        hidden=hidden,
        vocab=vocab,
        context=4096,
        attention=more.pop("attention", Attention(heads=heads, kv_heads=kv_heads)),
        feed_forward=FeedForward(width=ffn, gated=True),
        source="the paper named on top of this file",
        **more,
    )


def deepseek(layers: int, hidden: int, ffn: int, vocab: int, experts: Experts, **more: object) -> Architecture:
    attention = LatentAttention(heads=128, q_rank=1536, kv_rank=512, nope_dim=128, rope_dim=64, value_dim=128)
    return llama(layers, hidden, 128, 128, ffn=ffn, vocab=vocab, attention=attention, experts=experts, **more)


SC21 = [
    (24, 2304, 24, 1.7),
    (30, 3072, 32, 3.6),
    (36, 4096, 32, 7.5),
    (40, 6144, 48, 18.4),
    (48, 8192, 64, 39.1),
    (60, 10240, 80, 76.1),
    (80, 12288, 96, 145.6),
    (96, 16384, 128, 310.1),
    (105, 20480, 128, 529.6),
    (128, 25600, 160, 1008.0),
]


@pytest.mark.parametrize(("layers", "hidden", "heads", "billions"), SC21)
def test_a_gpt_is_as_large_as_the_table_says(layers: int, hidden: int, heads: int, billions: float) -> None:
    """Given a row of SC21's Table 1, the count rounds to the printed decimal and follows equation 2 to its last term."""
    counted = parameters_of(gpt(layers, hidden, heads, vocab=51_200)).total
    formula = 12 * layers * hidden**2 * (1 + 13 / (12 * hidden) + (51_200 + 2048) / (12 * layers * hidden))
    assert counted / 1e9 == pytest.approx(billions, abs=0.0501)  # one printed decimal
    assert counted == pytest.approx(formula + 2 * hidden, rel=1e-12)  # equation 2 leaves out the final norm, nothing else


@pytest.mark.parametrize(
    ("layers", "hidden", "heads", "head_dim", "billions"),
    [
        (12, 768, 12, 64, (0.125, 0.002)),
        (32, 4096, 32, 128, (6.7, 0.1)),
        (40, 5140, 40, 128, (13.0, 0.2)),
        (96, 12288, 96, 128, (175.0, 0.5)),
    ],
)
def test_gpt_3_sizes(layers: int, hidden: int, heads: int, head_dim: int, billions: tuple[float, float]) -> None:
    """Given a row of GPT-3's Table 2.1 (vocabulary 50,257), the count is the size in its name.

    The 1.3B row is left out: its 24 heads of 128 are wider than its 2,048 and make 1.5e9.
    """
    counted = parameters_of(gpt(layers, hidden, heads, vocab=50_257, head_dim=head_dim)).total
    assert counted / 1e9 == pytest.approx(billions[0], abs=billions[1])


@pytest.mark.parametrize(
    ("architecture", "total"),
    [
        (llama(32, 4096, 32, 32, ffn=11008, vocab=32_000), 6_738_415_616),  # Llama 2 7B
        (llama(40, 5120, 40, 40, ffn=13824, vocab=32_000), 13_015_864_320),  # Llama 2 13B
        (llama(80, 8192, 64, 8, ffn=28672, vocab=32_000), 68_976_648_192),  # Llama 2 70B
        (llama(32, 4096, 32, 8, ffn=14336, vocab=128_256), 8_030_261_248),  # Llama 3 8B
        (llama(80, 8192, 64, 8, ffn=28672, vocab=128_256), 70_553_706_496),  # Llama 3 70B
        (llama(126, 16384, 128, 8, ffn=53248, vocab=128_256), 405_853_388_800),  # Llama 3.1 405B
        (
            llama(32, 4096, 32, 8, ffn=14336, vocab=32_000, experts=Experts(count=8, active=2, width=14336)),
            46_702_792_704,
        ),  # Mixtral 8x7B
        (
            llama(
                36, 4096, 32, 8, ffn=12288, vocab=151_936, attention=Attention(heads=32, kv_heads=8, head_dim=128, qk_norm=True)
            ),
            8_190_735_360,
        ),  # Qwen3 8B
        (
            llama(28, 3584, 28, 4, ffn=18944, vocab=152_064, attention=Attention(heads=28, kv_heads=4, qkv_bias=True)),
            7_615_616_512,
        ),  # Qwen2.5
    ],
)
def test_the_count_is_the_checkpoint_s_to_the_last_parameter(architecture: Architecture, total: int) -> None:
    """Given the shape of an open model, the count is that of its checkpoint, exactly."""
    assert parameters_of(architecture).total == total


def test_mixtral_8x22b_and_what_one_token_goes_through() -> None:
    """Given 8 experts of which 2 work, the total and the active count are exactly those counted on the checkpoint."""
    counted = parameters_of(llama(56, 6144, 48, 8, ffn=16384, vocab=32_000, experts=Experts(count=8, active=2, width=16384)))
    # The community's checkpoint has 32,000 rows of vocabulary, Mistral's own 32,768.
    assert (counted.total, counted.active) == (140_620_634_112, 39_152_031_744)


def test_deepseek_v3() -> None:
    """Given its shape, 671e9 in all, 36.7e9 active with 0.9e9 of embedding and of output each, and one prediction module."""
    experts = Experts(count=256, active=8, width=2048, shared=1, first_dense_layers=3, router_bias=True)
    counted = parameters_of(deepseek(61, 7168, 18432, 129_280, experts, prediction_layers=1))
    assert counted.total == 671_026_419_200
    assert counted.embedding / 1e9 == pytest.approx(0.93, abs=0.01)
    # 37.55e9 with both; the documentation's 36.7e9 holds one of the two 0.9e9, the paper's 37e9 rounds either.
    assert (counted.active - counted.embedding) / 1e9 == pytest.approx(36.7, abs=0.1)
    assert counted.prediction / 1e9 == pytest.approx(11.5, abs=0.15)
    assert counted.expert_layers == 58


def test_deepseek_v2() -> None:
    """Given two shared experts of 1,536 beside 160 routed, 236e9 in all and 21e9 active."""
    experts = Experts(count=160, active=6, width=1536, shared=2, first_dense_layers=1)
    counted = parameters_of(deepseek(60, 5120, 12288, 102_400, experts))
    assert (counted.total / 1e9, counted.active / 1e9) == pytest.approx((235.7, 21.4), abs=0.1)


def test_qwen3_235b() -> None:
    """Given 128 experts of which 8 work, 235e9 in all and 22e9 active, without shared experts."""
    attention = Attention(heads=64, kv_heads=4, head_dim=128, qk_norm=True)
    experts = Experts(count=128, active=8, width=1536)
    counted = parameters_of(llama(94, 4096, 64, 4, ffn=12288, vocab=151_936, attention=attention, experts=experts))
    assert counted.total == 235_093_634_560
    assert counted.active / 1e9 == pytest.approx(22.2, abs=0.1)
    assert counted.feed_forward == counted.shared == 0


@pytest.mark.parametrize(("layers", "count", "total", "active"), [(36, 128, 116.83, 5.13), (24, 32, 20.91, 3.61)])
def test_gpt_oss_with_biases_everywhere(layers: int, count: int, total: float, active: float) -> None:
    """Given experts, router and projections with biases, both sizes agree; its table leaves the embedding out of what works."""
    attention = Attention(heads=64, kv_heads=8, head_dim=64, window=128, full_every=2, bias=True)
    experts = Experts(count=count, active=4, width=2880, router_bias=True)
    model = llama(layers, 2880, 64, 8, ffn=2880, vocab=201_088, attention=attention, experts=experts)
    biased = model.model_copy(update={"feed_forward": FeedForward(width=2880, gated=True, bias=True)})
    counted = parameters_of(biased)
    assert counted.total / 1e9 == pytest.approx(total, abs=0.006)
    assert (counted.active - counted.embedding) / 1e9 == pytest.approx(active, abs=0.006)


def test_bloom_with_its_embedding_norm() -> None:
    """Given layer norms, biases, ALiBi and a norm after the embedding, BLOOM counts 176,247,271,424."""
    bloom = Architecture(
        name="bloom",
        layers=70,
        hidden=14336,
        vocab=250_880,
        context=2048,
        attention=Attention(heads=112, bias=True),
        feed_forward=FeedForward(width=4 * 14336, bias=True),
        positions="alibi",
        norm="layernorm",
        embedding_norm=True,
        tied_embeddings=True,
        source="arXiv:2211.05100, Table 3",
    )
    assert parameters_of(bloom).total == 176_247_271_424


@pytest.mark.parametrize(
    ("layers", "hidden", "heads", "ffn", "total"),
    [(6, 512, 8, 2048, 60_506_624), (12, 768, 12, 3072, 222_903_552), (24, 1024, 16, 4096, 737_668_096)],
)
def test_t5_with_cross_attention_and_learned_distances(layers: int, hidden: int, heads: int, ffn: int, total: int) -> None:
    """Given T5 small, base and large (arXiv:1910.10683), the count is that of the checkpoint, exactly."""
    t5 = Architecture(
        name="t5",
        kind="encoder_decoder",
        layers=layers,
        encoder_layers=layers,
        hidden=hidden,
        vocab=32_128,
        context=512,
        attention=Attention(heads=heads, head_dim=64),
        feed_forward=FeedForward(width=ffn),
        positions="relative",
        tied_embeddings=True,
        source="arXiv:1910.10683, section 2.1",
    )
    assert parameters_of(t5).total == total


def test_bert_base() -> None:
    """Given an encoder that normalises after each block, BERT's 109,482,240 less the pooler and two segment embeddings."""
    bert = Architecture(
        name="bert",
        kind="encoder",
        layers=12,
        hidden=768,
        vocab=30_522,
        context=512,
        attention=Attention(heads=12, bias=True),
        feed_forward=FeedForward(width=3072, bias=True),
        embedding_norm=True,
        final_norm=False,
        **GPT,
    )
    assert parameters_of(bert).total == 109_482_240 - (768 * 768 + 768) - 2 * 768
