"""Bytes as published.

Korthikanti et al., arXiv:2205.05198: equations 1, 2, 4 and 6, Table 3 (configurations) and Figure 1 (GiB on one accelerator;
the bars' numbers as Calculon ships them to validate that figure, calculon-ai/calculon calculon/llm/validation.py).
Keys and values: arXiv:2505.09343, Table 1 (KB = 1,000 bytes for each token, 16 bits).
"""

import pytest

from datahall.models.cost.activations import Numerics, layer_activations, output_activations
from datahall.models.cost.parameters import mlp_parameters
from datahall.models.cost.spec import Architecture, Attention, FeedForward, LatentAttention
from datahall.models.cost.state import kv_bytes_per_token, training_state

SEQUENCE = 2048
THEN = Numerics(flash=False, dropout=True)


def gpt(layers: int, hidden: int, heads: int) -> Architecture:
    return Architecture(
        name="gpt",
        layers=layers,
        hidden=hidden,
        vocab=51_200,
        context=SEQUENCE,
        attention=Attention(heads=heads, bias=True),
        feed_forward=FeedForward(width=4 * hidden, bias=True),
        positions="learned",
        norm="layernorm",
        tied_embeddings=True,
        source="arXiv:2205.05198, Table 3",
    )


# layers, hidden, heads, micro-batch, pipeline, chunks; then GiB: state, activations kept, kept with both techniques.
FIGURE_1 = [
    (48, 6144, 64, 4, 1, 1, 45.5625, 59.25, 9.5625),
    (96, 12288, 96, 1, 8, 3, 45.5625, 66.84375, 12.3515625),
    (105, 20480, 128, 1, 35, 3, 31.640625, 114.0234375, 23.076171875),
    (128, 25600, 160, 1, 64, 1, 32.958984375, 131.25, 26.5625),
]


@pytest.mark.parametrize("row", FIGURE_1)
def test_figure_1(row: tuple[float, ...]) -> None:
    """Given 8 tensor ranks and the first stage of an interleaved pipeline, the figure's GiB come out to the last digit."""
    layers, hidden, heads, micro_batch, pipeline, chunks = (int(n) for n in row[:6])
    kept = layer_activations(gpt(layers, hidden, heads), 0, sequence=SEQUENCE, micro_batch=micro_batch, numerics=THEN)
    # Section 4.2.3: the first stage keeps what L layers keep; interleaved in m chunks, L (1 + (p - 1)/(p m)).
    in_flight = layers * (1 + (pipeline - 1) / (pipeline * chunks) * (chunks > 1)) / 2**30
    assert in_flight * kept.on_rank(tensor=8) == pytest.approx(row[7], rel=1e-12)
    both = kept.on_rank(tensor=8, sequence_parallel=True, recompute="selective")
    assert in_flight * both == pytest.approx(row[8], rel=1e-12)


@pytest.mark.parametrize("row", FIGURE_1)
def test_figure_1_s_state(row: tuple[float, ...]) -> None:
    """Given the matrices of the layers alone, 18 bytes each over tensor and pipeline ranks are the figure's GiB."""
    layers, hidden, _, _, pipeline = (int(n) for n in row[:5])
    matrices = layers * (4 * hidden**2 + mlp_parameters(hidden, 4 * hidden, gated=False))
    assert training_state(matrices).total / (8 * pipeline) / 2**30 == pytest.approx(row[6], rel=1e-12)


@pytest.mark.parametrize("tensor", [1, 2, 8])
def test_the_equations(tensor: int) -> None:
    """Given GPT 22B and t tensor ranks, a layer keeps s b h times the equations' brackets."""
    kept = layer_activations(gpt(48, 6144, 64), 0, sequence=SEQUENCE, micro_batch=4, numerics=THEN)
    sbh, scores = SEQUENCE * 4 * 6144, 5 * 64 * SEQUENCE / 6144
    assert kept.on_rank() == pytest.approx(sbh * (34 + scores))  # 1
    assert kept.on_rank(tensor=tensor) == pytest.approx(sbh * (10 + 24 / tensor + scores / tensor))  # 2
    assert kept.on_rank(tensor=tensor, sequence_parallel=True) == pytest.approx(sbh / tensor * (34 + scores))  # 4
    selective = kept.on_rank(tensor=tensor, sequence_parallel=True, recompute="selective")
    assert selective == pytest.approx(sbh * 34 / tensor)  # 6
    assert kept.on_rank(recompute="full") == 2 * sbh  # Table 2


def test_the_output_layer() -> None:
    """Given GPT 22B, the end of the model keeps 4 s b h (1 + v/h) bytes (section 4.3)."""
    model = gpt(48, 6144, 64)
    kept = output_activations(model, tokens=4 * SEQUENCE).on_rank()
    assert kept == pytest.approx(4 * 4 * SEQUENCE * 6144 * (1 + 51_200 / 6144))


@pytest.mark.parametrize(
    ("layers", "hidden", "attention", "kilobytes"),
    [
        (61, 7168, LatentAttention(heads=128, q_rank=1536, kv_rank=512, nope_dim=128, rope_dim=64, value_dim=128), 70.272),
        (80, 8192, Attention(heads=64, kv_heads=8), 327.680),  # Qwen2.5 72B
        (126, 16384, Attention(heads=128, kv_heads=8), 516.096),  # Llama 3.1 405B
    ],
)
def test_keys_and_values_of_a_token(layers: int, hidden: int, attention: Attention | LatentAttention, kilobytes: float) -> None:
    """Given latent or grouped attention in 16 bits, a token's keys and values are the table's, exactly."""
    model = Architecture(
        name="model",
        layers=layers,
        hidden=hidden,
        vocab=100_000,
        context=4096,
        attention=attention,
        feed_forward=FeedForward(width=4 * hidden, gated=True),
        source="arXiv:2505.09343, Table 1",
    )
    assert kv_bytes_per_token(model) == pytest.approx(1000 * kilobytes, rel=1e-12)
