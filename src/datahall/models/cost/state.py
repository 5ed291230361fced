"""Bytes that a model holds: weights, training state, keys and values kept for decoding. Whole model, one copy of it."""

from dataclasses import dataclass

from datahall.models.cost.operations import window_of
from datahall.models.cost.parameters import encoder_layers_of, head_dim_of, kv_heads_of
from datahall.models.cost.spec import Architecture, Attention

BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1 + 4 / 128**2, "nvfp4": 0.5 + 1 / 16}
"""Of one value as stored, scales of its block included: fp8 one fp32 for 128 x 128 weights (DeepSeek-V3, arXiv:2412.19437,
section 3.3), nvfp4 one of 8 bits for 16 values (docs.nvidia.com/nemo/automodel, quantization/nvfp4: 0.5625 bytes)."""


@dataclass(frozen=True)
class TrainingState:
    """Bytes before any of it is sharded."""

    weights: float
    gradients: float
    optimiser: float

    @property
    def total(self) -> float:
        return self.weights + self.gradients + self.optimiser


def bytes_of(precision: str) -> float:
    """Of one stored value. Raises ValueError for a precision that is not known."""
    if precision not in BYTES:
        raise ValueError(f"precision={precision!r} is not known; known are {', '.join(BYTES)}")
    return BYTES[precision]


def weight_bytes(parameters: float, precision: str = "bf16") -> float:
    """Of the weights as they are served: every one of them in this precision."""
    return parameters * bytes_of(precision)


def training_state(
    parameters: float, *, precision: str = "bf16", gradient_bytes: int = 4, optimiser_bytes: int = 12
) -> TrainingState:
    """Weights, gradients and optimiser. Mixed precision with Adam is 2 + 4 + 12 = 18 bytes for each parameter.

    precision: of the products; below 16 bits the weights are still kept in 16, and made smaller where they are used.
    optimiser_bytes: an fp32 copy and two moments are 12, two moments beside fp32 weights 8.
    Source: Rajbhandari et al., arXiv:1910.02054, section 3.1 (there 16, with gradients of 2 bytes).
    """
    kept = max(2.0, bytes_of(precision))
    return TrainingState(parameters * kept, parameters * gradient_bytes, parameters * optimiser_bytes)


def kv_values_per_layer(architecture: Architecture) -> int:
    """Values that one layer keeps of one token: keys and values, or what latent attention compresses both to."""
    attention = architecture.attention
    if isinstance(attention, Attention):
        return 2 * kv_heads_of(attention) * head_dim_of(attention, architecture.hidden)
    return attention.kv_rank + attention.rope_dim


def kv_bytes_per_token(architecture: Architecture, precision: str = "bf16") -> float:
    """What a sequence grows by with each token, over all layers, as long as no window is full."""
    return architecture.layers * kv_values_per_layer(architecture) * bytes_of(precision)


def kv_bytes(architecture: Architecture, tokens: int, precision: str = "bf16", *, encoder_tokens: int | None = None) -> float:
    """Of one sequence of `tokens`: a layer with a window keeps no more than that.

    encoder_tokens: what a decoder of an encoder-decoder reads; without it, `tokens`. An encoder alone keeps nothing.
    """
    if architecture.kind == "encoder":
        return 0.0
    windows = (window_of(architecture, layer) for layer in range(architecture.layers))
    kept = sum(tokens if window is None else min(tokens, window) for window in windows)
    if encoder_layers_of(architecture):
        kept += architecture.layers * (tokens if encoder_tokens is None else encoder_tokens)
    return kept * kv_values_per_layer(architecture) * bytes_of(precision)
