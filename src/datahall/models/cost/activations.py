"""Bytes that the forward pass keeps for the backward pass: of one layer, one micro-batch, one copy of the model.

Source: Korthikanti et al., arXiv:2205.05198, section 4: s b h (34 + 5 a s/h) for a GPT layer in 16 bits, with each term here
under the tensor that it comes from, so that gates, grouped and latent attention, windows and experts follow.
"""

from dataclasses import dataclass

from datahall.models.cost.operations import Recompute, pairs, window_of
from datahall.models.cost.parameters import has_experts, head_dim_of, kv_heads_of
from datahall.models.cost.spec import Architecture, LatentAttention

MASK_BYTES = 1
STATISTIC_BYTES = 4
"""Of one number that flash attention keeps for each query and head; and of a router's score."""


@dataclass(frozen=True)
class Activations:
    """Bytes by how tensor parallelism splits them."""

    outer: float = 0
    """Inputs of norms and of blocks, masks of dropout after them: split with sequence parallelism only."""
    inner: float = 0
    """Inside attention and feed-forward: always split."""
    whole: float = 0
    """Compressed queries and keys, scores of a router: on every tensor rank."""
    scores: float = 0
    """The attention's core: always split; with selective recompute made again."""
    entry: float = 0
    """The layer's input, part of `outer`: all that full recompute keeps."""
    sent: float = 0
    """Tokens sent to experts and returned: on every rank that splits an expert; each other rank sends its own."""

    def __add__(self, other: "Activations") -> "Activations":
        return Activations(
            self.outer + other.outer,
            self.inner + other.inner,
            self.whole + other.whole,
            self.scores + other.scores,
            self.entry + other.entry,
            self.sent + other.sent,
        )

    def on_rank(self, *, tensor: int = 1, sequence_parallel: bool = False, recompute: Recompute = "none") -> float:
        """Bytes on one of `tensor` ranks. Korthikanti's equations 1, 2, 4 and 6, and Table 2."""
        outer = tensor if sequence_parallel else 1
        if recompute == "full":
            return self.entry / outer
        scores = 0 if recompute == "selective" else self.scores
        return self.outer / outer + (self.inner + scores) / tensor + self.whole + self.sent


@dataclass(frozen=True)
class Numerics:
    """How the software keeps what it keeps."""

    value_bytes: float = 2
    """Of one kept value: 2 in 16 bits, 4 in fp32."""
    product_bytes: float | None = None
    """Of a value that is kept as the input of a product and for nothing else, where the software keeps it as narrow as it was
    multiplied; None: as all others. What attention, norms, activations and routers read stays as wide as it is."""
    flash: bool = True
    """Scores are never written; one fp32 number for each query and head is. Source: Dao et al., arXiv:2205.14135."""
    dropout: bool = False
    """Masks, and dropped scores, are kept: GPT-3's training had them, today's mostly does not."""
    fused_gate: bool = True
    """A gated block keeps both inputs and the product; unfused the activation, too: one tensor more."""

    @property
    def input_bytes(self) -> float:
        """Of one value of a product's input."""
        return self.value_bytes if self.product_bytes is None else self.product_bytes


def layer_activations(
    architecture: Architecture,
    layer: int,
    *,
    sequence: int,
    micro_batch: int = 1,
    context: int = 1,
    numerics: Numerics | None = None,
) -> Activations:
    """Of layer `layer` (from 0) for micro_batch sequences, of which each context rank has its share of the tokens.

    A decoder that reads an encoder keeps a second attention over as many tokens. Raises ValueError for a layer out of range.
    """
    if not 0 <= layer < architecture.layers:
        raise ValueError(f"layer={layer}, but {architecture.name} has layers 0 to {architecture.layers - 1}")
    kept = numerics or Numerics()
    tokens = sequence * micro_batch / context
    attention = _attention(architecture, kept, tokens)
    seen = pairs(sequence, causal=False, window=window_of(architecture, layer)) * micro_batch / context
    attention += Activations(scores=_core(architecture, kept, tokens=tokens, seen=seen))
    block = _experts(architecture, kept, tokens) if has_experts(architecture, layer) else _dense(architecture, kept, tokens)
    row = kept.value_bytes * architecture.hidden * tokens
    crossed = architecture.kind == "encoder_decoder"
    total = attention + block + Activations(outer=row * architecture.norms_per_layer, entry=row)
    return total + attention + Activations(outer=row) if crossed else total


def output_activations(
    architecture: Architecture, *, tokens: float, logit_bytes: float = 4, value_bytes: float = 2
) -> Activations:
    """Of the final norm, the output layer and the loss: 4 s b h (1 + v/h) for 16-bit values and logits in fp32 only.

    logit_bytes: 6 where the 16-bit logits stay beside the fp32 softmax, 12 where log-softmax and gradients are copies, too.
    Source: Korthikanti et al., section 4.3.
    """
    row = value_bytes * architecture.hidden * tokens
    return Activations(outer=row * (1 + architecture.final_norm), inner=logit_bytes * architecture.vocab * tokens)


def embedding_activations(architecture: Architecture, *, tokens: float, numerics: Numerics | None = None) -> Activations:
    """Of the embedding: a mask of dropout, and the input of the norm after it where there is one."""
    kept = numerics or Numerics()
    values = kept.value_bytes * architecture.embedding_norm + MASK_BYTES * kept.dropout
    return Activations(outer=values * architecture.hidden * tokens)


def _attention(architecture: Architecture, kept: Numerics, tokens: float) -> Activations:
    """Input and mask outside; queries, keys, values and the projection's input, which attention keeps as its output, inside."""
    attention, size, mask = architecture.attention, kept.value_bytes * tokens, MASK_BYTES * kept.dropout * tokens
    outer = (kept.input_bytes * tokens + mask) * architecture.hidden
    if isinstance(attention, LatentAttention):
        # Two products read the input: a narrow copy for each is no less than one that is not.
        outer = (size + mask) * architecture.hidden
        wide = attention.heads * (2 * (attention.nope_dim + attention.rope_dim) + 2 * attention.value_dim)
        # Compressed queries and keys are kept before their norm and after it.
        low = attention.kv_rank + (attention.q_rank or 0)
        whole = size * (low + attention.rope_dim) + kept.input_bytes * tokens * low
        return Activations(outer=outer, inner=size * wide, whole=whole)
    head_dim, kv = head_dim_of(attention, architecture.hidden), kv_heads_of(attention)
    heads = 2 * attention.heads + 2 * kv + attention.qk_norm * (attention.heads + kv)
    return Activations(outer=outer, inner=size * head_dim * heads)


def _core(architecture: Architecture, kept: Numerics, *, tokens: float, seen: float) -> float:
    """Softmax over `seen` pairs, with dropout its mask and its output. Unfused kernels write the full square, causal or not."""
    heads = architecture.attention.heads
    if kept.flash:
        return STATISTIC_BYTES * heads * tokens
    return heads * seen * (kept.value_bytes + kept.dropout * (kept.value_bytes + MASK_BYTES))


def _width_bytes(architecture: Architecture, kept: Numerics) -> float:
    """Of one column of the feed-forward block: before its activation and, as the next product's input, after it."""
    before = (2 if kept.fused_gate else 3) if architecture.feed_forward.gated else 1
    return before * kept.value_bytes + kept.input_bytes


def _entry(architecture: Architecture, kept: Numerics, tokens: float, value_bytes: float) -> float:
    """Input of a feed-forward block and its mask; side by side with attention it has attention's input."""
    own_input = 0.0 if architecture.parallel_block else value_bytes
    return (own_input + MASK_BYTES * kept.dropout) * architecture.hidden * tokens


def _dense(architecture: Architecture, kept: Numerics, tokens: float) -> Activations:
    inner = _width_bytes(architecture, kept) * architecture.feed_forward.width * tokens
    return Activations(outer=_entry(architecture, kept, tokens, kept.input_bytes), inner=inner)


def _experts(architecture: Architecture, kept: Numerics, tokens: float) -> Activations:
    """Each token as often as it has experts: sent to them, inside them, and returned for the router's gradient.

    The router reads the block's input as wide as it is; shared experts keep a narrow copy beside it, where copies are narrow.
    """
    experts = architecture.experts
    if experts is None:
        return Activations()
    width = experts.active * experts.width + experts.shared * (experts.shared_width or experts.width)
    copied = kept.input_bytes if experts.shared and kept.product_bytes is not None else 0.0
    returned = (kept.input_bytes + kept.value_bytes) * experts.active * architecture.hidden
    return Activations(
        outer=_entry(architecture, kept, tokens, kept.value_bytes + copied),
        inner=_width_bytes(architecture, kept) * width * tokens,
        whole=STATISTIC_BYTES * experts.count * tokens,
        sent=returned * tokens,
    )
