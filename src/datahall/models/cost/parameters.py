"""Parameters of an architecture: by part, by layer, in all, and those that one token goes through."""

from collections import Counter
from dataclasses import dataclass

from datahall.models.cost.spec import Architecture, Attention, LatentAttention

RELATIVE_BUCKETS = 32
"""Distances that T5's learned bias tells apart, for each head, once in a stack. Source: arXiv:1910.10683, section 2.1."""


@dataclass(frozen=True)
class LayerParameters:
    """Of one layer, biases included; what a layer does not have is 0."""

    attention: int
    cross_attention: int
    """Of a decoder's layer that also reads an encoder."""
    feed_forward: int
    """Of the dense block; 0 where experts stand in its place."""
    routed: int
    """All routed experts together."""
    shared: int
    router: int
    norms: int
    """Those inside attention (compressed or per-head queries and keys) included."""
    active: int
    """That one token goes through: of the routed experts, its own."""

    @property
    def total(self) -> int:
        return (
            self.attention
            + self.cross_attention
            + self.feed_forward
            + self.routed
            + self.shared
            + self.router
            + self.norms
        )  # fmt: skip


@dataclass(frozen=True)
class Parameters:
    """Of a whole model."""

    embedding: int
    positions: int
    attention: int
    """Of one layer."""
    cross_attention: int
    """Of one decoder layer that reads an encoder."""
    feed_forward: int
    """Of one dense layer; 0 where every layer has experts."""
    routed: int
    """All routed experts of one layer with experts."""
    shared: int
    """All shared experts of one such layer."""
    router: int
    """Of one such layer."""
    norms: int
    """Of the whole model."""
    output: int
    """0 where the output layer is the embedding."""
    layers: int
    """All layers together, their norms included."""
    expert_layers: int
    """Layers that have experts: a count of layers, not of parameters."""
    prediction: int
    """Of the layers that predict further tokens in training; they share embedding and output layer with the model."""
    total: int
    """As models are named: without `prediction` (DeepSeek-V3 is 671e9)."""
    active: int
    """Of `total`, those that one token goes through. Embedding and output layer count in full, as Mixtral's 12.9e9 and
    DeepSeek-V3's 36.7e9 do; every other expert than the token's own does not."""

    @property
    def trained(self) -> int:
        """What training holds: the model, and the layers that predict further tokens."""
        return self.total + self.prediction


def head_dim_of(attention: Attention, hidden: int) -> int:
    """Width of one head. Raises ValueError where it is not given and the heads do not divide the width."""
    if attention.head_dim is not None:
        return attention.head_dim
    if hidden % attention.heads:
        raise ValueError(f"heads={attention.heads} must divide hidden={hidden}, or head_dim must be given")
    return hidden // attention.heads


def kv_heads_of(attention: Attention) -> int:
    return attention.heads if attention.kv_heads is None else attention.kv_heads


def has_experts(architecture: Architecture, layer: int) -> bool:
    """Whether this layer (from 0) has experts: past the first dense ones, the last of each `every`, as in Llama 4."""
    experts = architecture.experts
    if experts is None or layer < experts.first_dense_layers:
        return False
    return (layer - experts.first_dense_layers + 1) % experts.every == 0


def attention_weights(architecture: Architecture) -> tuple[int, int]:
    """Weights that make queries, keys and values, and weights that project the result: matrices only."""
    attention, hidden = architecture.attention, architecture.hidden
    if isinstance(attention, LatentAttention):
        return _latent(attention, hidden), attention.heads * attention.value_dim * hidden
    head_dim = head_dim_of(attention, hidden)
    return hidden * head_dim * (attention.heads + 2 * kv_heads_of(attention)), attention.heads * head_dim * hidden


def attention_parameters(architecture: Architecture) -> int:
    """Matrices and biases of one attention block, without its norms."""
    attention, hidden = architecture.attention, architecture.hidden
    weights = sum(attention_weights(architecture))
    if isinstance(attention, LatentAttention):
        return weights
    made = head_dim_of(attention, hidden) * (attention.heads + 2 * kv_heads_of(attention))
    return weights + made * (attention.bias or attention.qkv_bias) + hidden * attention.bias


def mlp_parameters(hidden: int, width: int, *, gated: bool, bias: bool = False) -> int:
    """Of one feed-forward block: two matrices, or three where it is gated."""
    into = 2 if gated else 1
    return (into + 1) * hidden * width + (into * width + hidden) * bias


def layer_parameters(architecture: Architecture, layer: int, *, encoder: bool = False) -> LayerParameters:
    """Of one layer, counted from 0 in its own stack; `encoder` picks the encoder of an encoder-decoder."""
    reads_encoder = architecture.kind == "encoder_decoder" and not encoder
    attention = attention_parameters(architecture)
    cross = attention if reads_encoder else 0
    norms = _layer_norms(architecture, crossed=reads_encoder)
    gated, bias = architecture.feed_forward.gated, architecture.feed_forward.bias
    experts = architecture.experts
    if experts is None or not has_experts(architecture, layer):
        dense = mlp_parameters(architecture.hidden, architecture.feed_forward.width, gated=gated, bias=bias)
        return LayerParameters(attention, cross, dense, 0, 0, 0, norms, active=attention + cross + dense + norms)
    one = mlp_parameters(architecture.hidden, experts.width, gated=gated, bias=bias)
    shared_width = experts.width if experts.shared_width is None else experts.shared_width
    shared = experts.shared * mlp_parameters(architecture.hidden, shared_width, gated=gated, bias=bias)
    router = experts.count * (architecture.hidden + experts.router_bias)
    active = attention + cross + experts.active * one + shared + router + norms
    return LayerParameters(attention, cross, 0, experts.count * one, shared, router, norms, active=active)


def parameters_of(architecture: Architecture) -> Parameters:
    """Count every parameter of a model."""
    layers = _layers(architecture)
    stacks = 2 if architecture.kind == "encoder_decoder" else 1
    embedding = architecture.vocab * architecture.hidden
    output = 0 if architecture.tied_embeddings else embedding
    positions = stacks * _positions(architecture)
    outer_norms = stacks * _norm(architecture) * (architecture.final_norm + architecture.embedding_norm)
    around = embedding + positions + output + outer_norms
    inside = sum(count * layer.total for layer, count in layers.items())
    first = layer_parameters(architecture, 0)
    return Parameters(
        embedding=embedding,
        positions=positions,
        attention=first.attention,
        cross_attention=first.cross_attention,
        feed_forward=max(layer.feed_forward for layer in layers),
        routed=max(layer.routed for layer in layers),
        shared=max(layer.shared for layer in layers),
        router=max(layer.router for layer in layers),
        norms=outer_norms + sum(count * layer.norms for layer, count in layers.items()),
        output=output,
        layers=inside,
        expert_layers=sum(count for layer, count in layers.items() if layer.router),
        prediction=architecture.prediction_layers * _prediction(architecture),
        total=around + inside,
        active=around + sum(count * layer.active for layer, count in layers.items()),
    )


def _layers(architecture: Architecture) -> Counter[LayerParameters]:
    """Layers of both stacks by their parameters, and how many there are of each."""
    found: Counter[LayerParameters] = Counter()
    for encoder, layers in ((False, architecture.layers), (True, encoder_layers_of(architecture))):
        kinds = [has_experts(architecture, i) for i in range(layers)]
        for kind in set(kinds):
            found[layer_parameters(architecture, kinds.index(kind), encoder=encoder)] += kinds.count(kind)
    return found


def touched(architecture: Architecture, tokens: float) -> float:
    """Parameters that a step over so many tokens reads, on average: a step for one reads the active ones, many read all.

    Each token picks its experts independently and evenly, so that of E experts with k active E (1 - (1 - k/E)^tokens) are
    picked by any; real routers are less even and pick fewer. Rows of an embedding of its own are read by token, and left out.
    """
    counted = parameters_of(architecture)
    read = counted.total - (0 if architecture.tied_embeddings else counted.embedding)
    experts = architecture.experts
    if experts is None:
        return read
    asleep: float = (1 - experts.active / experts.count) ** tokens
    return read - counted.routed * counted.expert_layers * asleep


def encoder_layers_of(architecture: Architecture) -> int:
    """Layers of the encoder beside the decoder: 0 but in an encoder-decoder."""
    return architecture.encoder_layers if architecture.kind == "encoder_decoder" else 0


def _latent(attention: LatentAttention, hidden: int) -> int:
    queries = attention.heads * (attention.nope_dim + attention.rope_dim)
    query = hidden * queries if attention.q_rank is None else attention.q_rank * (hidden + queries)
    down = hidden * (attention.kv_rank + attention.rope_dim)
    up = attention.kv_rank * attention.heads * (attention.nope_dim + attention.value_dim)
    return query + down + up


def _norm(architecture: Architecture) -> int:
    """Scale, and for a layer norm also shift."""
    return architecture.hidden * (2 if architecture.norm == "layernorm" else 1)


def _layer_norms(architecture: Architecture, *, crossed: bool) -> int:
    """A decoder that reads an encoder has one norm more in each layer, and its inner norms twice."""
    attention = architecture.attention
    if isinstance(attention, LatentAttention):
        inner = attention.kv_rank + (attention.q_rank or 0)
    else:
        inner = 2 * head_dim_of(attention, architecture.hidden) if attention.qk_norm else 0
    return (architecture.norms_per_layer + crossed) * _norm(architecture) + (1 + crossed) * inner


def _positions(architecture: Architecture) -> int:
    if architecture.positions == "learned":
        return architecture.context * architecture.hidden
    return RELATIVE_BUCKETS * architecture.attention.heads if architecture.positions == "relative" else 0


def _prediction(architecture: Architecture) -> int:
    """One module: two norms, the matrix that joins state and next token, a layer as the last, a norm. DeepSeek-V3, 2.2."""
    layer = layer_parameters(architecture, architecture.layers - 1)
    return layer.total + 2 * architecture.hidden**2 + 3 * _norm(architecture)
