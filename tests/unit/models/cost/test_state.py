"""Weights, training state, kept keys and values."""

import pytest

from datahall.models.cost.spec import Architecture, Attention, FeedForward, LatentAttention
from datahall.models.cost.state import kv_bytes, kv_bytes_per_token, training_state, weight_bytes


def architecture(**fields: object) -> Architecture:
    fields = {
        "name": "tiny",
        "layers": 3,
        "hidden": 24,
        "vocab": 50,
        "context": 16,
        "attention": Attention(heads=6, kv_heads=2),
        "feed_forward": FeedForward(width=40, gated=True),
        "source": "a model of this test",
    } | fields
    return Architecture(**fields)  # type: ignore[arg-type]


def test_weights_by_precision() -> None:
    """Given 70e9 parameters, they are 140 GB in 16 bits, and 4-bit ones carry a scale for each 16."""
    assert weight_bytes(70e9) == 140e9
    assert weight_bytes(70e9, "fp32") == 280e9
    assert weight_bytes(16, "nvfp4") == 9
    assert weight_bytes(128**2, "fp8") == 128**2 + 4


def test_an_unknown_precision_is_refused() -> None:
    """Given int3, the known precisions are named."""
    with pytest.raises(ValueError, match="precision='int3' is not known; known are fp32, bf16"):
        weight_bytes(1, "int3")


def test_training_keeps_at_least_sixteen_bits() -> None:
    """Given mixed precision 18 bytes a parameter; given fp8 products as many; given fp32 with two moments 16."""
    assert training_state(1000).total == 18_000
    assert training_state(1000, precision="fp8") == training_state(1000)
    assert training_state(1000, precision="fp32", optimiser_bytes=8).total == 16_000


def test_keys_and_values_grow_with_each_token() -> None:
    """Given two heads of width 4 in three layers, a token keeps 2 x 2 x 4 values in each: 96 bytes."""
    assert kv_bytes_per_token(architecture()) == 96
    assert kv_bytes(architecture(), 10) == 960


def test_a_window_keeps_no_more_than_it_sees() -> None:
    """Given a window of 4 in two of three layers, a sequence of 10 keeps 4 + 4 + 10 tokens."""
    windowed = architecture(attention=Attention(heads=6, kv_heads=2, window=4, full_every=3))
    assert kv_bytes(windowed, 10) == 2 * 16 * (4 + 4 + 10)
    assert kv_bytes(windowed, 3) == kv_bytes(architecture(), 3)


def test_latent_attention_keeps_what_it_compresses() -> None:
    """Given rank 10 and 4 of position, a token keeps 14 values in each layer, however many the heads."""
    latent = LatentAttention(heads=6, kv_rank=10, nope_dim=8, rope_dim=4, value_dim=5)
    assert kv_bytes_per_token(architecture(attention=latent)) == 2 * 3 * 14


def test_who_reads_an_encoder_keeps_it_too() -> None:
    """Given an encoder-decoder, what was read is kept once for each decoder layer; an encoder alone keeps nothing."""
    both = architecture(kind="encoder_decoder", encoder_layers=2)
    assert kv_bytes(both, 10, encoder_tokens=7) == 2 * 16 * 3 * (10 + 7)
    assert kv_bytes(architecture(kind="encoder"), 10) == 0
