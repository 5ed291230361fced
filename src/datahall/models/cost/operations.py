"""Floating-point operations of an architecture: forward, backward, recomputed, for training and for one new token.

A multiplication with its addition is 2 FLOP. Only matrix products count, as in every published formula: norms, activations,
softmax, biases and look-ups are work in bytes, not in FLOP. Model FLOPs are forward and backward once; hardware FLOPs add what
is recomputed. Flash attention's kernel makes the scores once more in its backward pass; no convention counts that.
Source: Narayanan et al., doi:10.1145/3458817.3476209, appendix; Korthikanti et al., arXiv:2205.05198, appendix A.
"""

from collections import Counter
from dataclasses import astuple, dataclass
from typing import Literal

from datahall.models.cost.parameters import attention_weights, encoder_layers_of, has_experts, head_dim_of, mlp_parameters
from datahall.models.cost.spec import Architecture, Attention, LatentAttention

Recompute = Literal["none", "selective", "full"]


@dataclass(frozen=True)
class Operations:
    """FLOP of one forward pass, by part, over all sequences of the batch."""

    qkv: int = 0
    scores: int = 0
    """Queries by keys."""
    values: int = 0
    """Scores by values."""
    projection: int = 0
    feed_forward: int = 0
    """Of dense blocks."""
    experts: int = 0
    """Routed and shared."""
    router: int = 0
    joining: int = 0
    """Of state and next token, where a layer predicts further tokens."""
    output: int = 0
    """Logits."""

    def __add__(self, other: "Operations") -> "Operations":
        return Operations(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def times(self, count: int) -> "Operations":
        return Operations(*(count * part for part in astuple(self)))

    @property
    def forward(self) -> int:
        return sum(astuple(self))

    @property
    def backward(self) -> int:
        """Gradients of inputs and of weights: twice the forward pass."""
        return 2 * self.forward

    @property
    def model(self) -> int:
        """Forward and backward, nothing recomputed: the FLOPs of model FLOPs utilisation."""
        return 3 * self.forward

    def hardware(self, recompute: Recompute = "none") -> int:
        """With what is computed again: nothing, the attention's core, or all layers (logits never are)."""
        again = {"none": 0, "selective": self.scores + self.values, "full": self.forward - self.output}
        return self.model + again[recompute]


def window_of(architecture: Architecture, layer: int) -> int | None:
    """Tokens that a query of this layer sees at most; None: all."""
    attention = architecture.attention
    if isinstance(attention, LatentAttention) or attention.window is None:
        return None
    sees_all = attention.full_every is not None and (layer + 1) % attention.full_every == 0
    return None if sees_all else attention.window


def pairs(sequence: int, *, cached: int = 0, causal: bool = True, window: int | None = None) -> int:
    """Pairs of a new token and a token that it reads. Causal: itself and those before it; else all, `cached` included."""
    seen = cached + sequence
    if not causal:
        return sequence * (seen if window is None else min(window, seen))
    if window is None or seen <= window:
        return sequence * cached + sequence * (sequence + 1) // 2
    growing = max(window - cached, 0)
    return pairs(growing, cached=cached) + (sequence - growing) * window


def operations_of(
    architecture: Architecture,
    *,
    sequence: int,
    batch: int = 1,
    causal: bool = True,
    cached: int = 0,
    encoder_sequence: int | None = None,
    outputs: int | None = None,
    absorbed: bool = False,
    prediction: bool = False,
) -> Operations:
    """FLOP of one forward pass over `batch` sequences.

    sequence: new tokens of each. cached: tokens before them whose keys and values are kept.
    causal: count the half of the scores that a decoder needs; False: the full square, as SC21, PaLM and most MFU tables do.
    encoder_sequence: tokens that an encoder-decoder reads (without it, `sequence`); with `cached` the encoder ran before.
    outputs: tokens of each sequence that need logits; without it, all (training); 1 when a prompt is read.
    absorbed: latent attention on the compressed cache, as in decoding; DeepSeek-V2, arXiv:2405.04434, 2.1.2.
    prediction: count the layers that predict further tokens, as training does.
    Raises ValueError where a size is below 1, `cached` is negative, or latent attention would read an encoder.
    """
    _refuse(sequence=sequence, batch=batch, cached=cached + 1)
    read = sequence if encoder_sequence is None else encoder_sequence
    crossed = read if architecture.kind == "encoder_decoder" else None
    if crossed is not None and isinstance(architecture.attention, LatentAttention):
        raise ValueError("latent attention in an encoder-decoder: no published model defines how it reads the encoder")
    causal = causal and architecture.kind != "encoder"

    extra = architecture.prediction_layers if prediction else 0
    total = _stack(
        architecture, architecture.layers, sequence, cached=cached, causal=causal, absorbed=absorbed, repeat_last=extra
    )
    if crossed is not None:
        total += _cross(architecture, sequence, crossed, kept=cached > 0).times(architecture.layers)
        if cached == 0:
            total += _stack(architecture, encoder_layers_of(architecture), crossed, causal=False)
    logits = 2 * architecture.hidden * architecture.vocab * (sequence if outputs is None else outputs)
    joining = extra * 4 * sequence * architecture.hidden**2
    return (total + Operations(output=logits * (1 + extra), joining=joining)).times(batch)


def decode_operations(architecture: Architecture, context: int, *, batch: int = 1, absorbed: bool = True) -> Operations:
    """FLOP of one new token for each of `batch` sequences that keep `context` tokens."""
    return operations_of(architecture, sequence=1, batch=batch, cached=context, absorbed=absorbed)


def training_flop_per_token(
    architecture: Architecture, *, sequence: int, causal: bool = True, recompute: Recompute = "none"
) -> float:
    """Forward, backward and recomputed FLOP of one token in sequences of `sequence`.

    An encoder-decoder reads as many tokens as it writes; those it reads are not counted as tokens.
    """
    return operations_of(architecture, sequence=sequence, causal=causal, prediction=True).hardware(recompute) / sequence


def training_flop(
    architecture: Architecture, tokens: float, *, sequence: int, causal: bool = True, recompute: Recompute = "none"
) -> float:
    """FLOP of training on so many tokens in sequences of `sequence`; without recompute these are model FLOPs."""
    return tokens * training_flop_per_token(architecture, sequence=sequence, causal=causal, recompute=recompute)


def _stack(
    architecture: Architecture,
    layers: int,
    tokens: int,
    *,
    causal: bool,
    cached: int = 0,
    absorbed: bool = False,
    repeat_last: int = 0,
) -> Operations:
    """Of all layers of a stack, each kind counted once; `repeat_last`: how often the last comes again."""
    kinds = Counter((has_experts(architecture, i), window_of(architecture, i)) for i in range(layers))
    kinds[has_experts(architecture, layers - 1), window_of(architecture, layers - 1)] += repeat_last
    total = Operations()
    for (experts, window), count in kinds.items():
        attention = _attention(architecture, tokens, cached, causal=causal, window=window, absorbed=absorbed)
        block = _experts(architecture, tokens) if experts else _dense(architecture, tokens)
        total += (attention + block).times(count)
    return total


def _attention(
    architecture: Architecture, sequence: int, cached: int, *, causal: bool, window: int | None, absorbed: bool
) -> Operations:
    made, projected = attention_weights(architecture)
    seen = pairs(sequence, cached=cached, causal=causal, window=window)
    key, value = _widths(architecture, absorbed=absorbed)
    expanded = 0 if absorbed else cached * _expansion(architecture)
    return Operations(
        qkv=2 * (sequence * made + expanded),
        scores=2 * seen * key,
        values=2 * seen * value,
        projection=2 * sequence * projected,
    )


def _widths(architecture: Architecture, *, absorbed: bool) -> tuple[int, int]:
    """Width over all heads of what scores and values multiply."""
    attention = architecture.attention
    if isinstance(attention, Attention):
        width = attention.heads * head_dim_of(attention, architecture.hidden)
        return width, width
    if absorbed:
        return attention.heads * (attention.kv_rank + attention.rope_dim), attention.heads * attention.kv_rank
    return attention.heads * (attention.nope_dim + attention.rope_dim), attention.heads * attention.value_dim


def _expansion(architecture: Architecture) -> int:
    """Weights that make keys and values of a compressed token again; 0 where the cache keeps them."""
    attention = architecture.attention
    if isinstance(attention, Attention):
        return 0
    return attention.kv_rank * attention.heads * (attention.nope_dim + attention.value_dim)


def _cross(architecture: Architecture, sequence: int, read: int, *, kept: bool) -> Operations:
    """Of one decoder layer that reads an encoder; `kept`: the keys and values of what it reads are there."""
    made, projected = attention_weights(architecture)
    keys = made - projected  # queries are as wide as what is projected
    key, value = _widths(architecture, absorbed=False)
    return Operations(
        qkv=2 * (sequence * projected + (0 if kept else read * keys)),
        scores=2 * sequence * read * key,
        values=2 * sequence * read * value,
        projection=2 * sequence * projected,
    )


def _dense(architecture: Architecture, tokens: int) -> Operations:
    block = architecture.feed_forward
    return Operations(feed_forward=2 * tokens * mlp_parameters(architecture.hidden, block.width, gated=block.gated))


def _experts(architecture: Architecture, tokens: int) -> Operations:
    experts, gated = architecture.experts, architecture.feed_forward.gated
    if experts is None:
        return Operations()
    routed = experts.active * mlp_parameters(architecture.hidden, experts.width, gated=gated)
    shared = experts.shared * mlp_parameters(architecture.hidden, experts.shared_width or experts.width, gated=gated)
    return Operations(experts=2 * tokens * (routed + shared), router=2 * tokens * architecture.hidden * experts.count)


def _refuse(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            least = 0 if name == "cached" else 1
            raise ValueError(f"{name}={size - (name == 'cached')}, but it must be at least {least}")
