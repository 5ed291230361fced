"""The shape of a large model: what its parameters, operations and bytes are counted from. No framework is needed."""

from typing import Literal

from pydantic import Field

from datahall.foundation.spec import Name, Spec


class Attention(Spec):
    """One attention block. Source: Vaswani et al., arXiv:1706.03762; grouped queries: Ainslie et al., arXiv:2305.13245."""

    heads: int = Field(ge=1, le=1024)
    """Query heads."""
    kv_heads: int | None = Field(default=None, ge=1, le=1024)
    """Heads of keys and values; without it, as many as of queries."""
    head_dim: int | None = Field(default=None, ge=1, le=2048)
    """Without it, hidden / heads."""
    window: int | None = Field(default=None, ge=1)
    """Tokens that a query sees, where not all before it."""
    full_every: int | None = Field(default=None, ge=1)
    """With a window: each so many-th layer sees all tokens nevertheless (2 in GPT-OSS, 6 in Gemma 3)."""
    bias: bool = False
    """Whether the four projections add a bias."""
    qkv_bias: bool = False
    """Whether queries, keys and values add one and the output does not, as in Qwen2."""
    qk_norm: bool = False
    """Whether queries and keys of each head pass a norm, as in Qwen3."""


class LatentAttention(Spec):
    """Multi-head latent attention. Source: DeepSeek-V2, arXiv:2405.04434, section 2.1."""

    heads: int = Field(ge=1, le=1024)
    q_rank: int | None = Field(default=None, ge=1)
    """Rank of the query compression; None: queries are not compressed."""
    kv_rank: int = Field(ge=1)
    """Rank of the shared compression of keys and values: what the cache keeps, with rope_dim."""
    nope_dim: int = Field(ge=1)
    """Of each head's query and key, without position."""
    rope_dim: int = Field(ge=1)
    """Of each head's query, and of the one shared key, with rotary position."""
    value_dim: int = Field(ge=1)


class FeedForward(Spec):
    """A dense feed-forward block."""

    width: int = Field(ge=1)
    gated: bool = False
    """Three matrices (SwiGLU, GeGLU) where there would be two. Source: Shazeer, arXiv:2002.05202."""
    bias: bool = False


class Experts(Spec):
    """A mixture of experts in place of the dense block."""

    count: int = Field(ge=2, le=4096)
    """Routed experts."""
    active: int = Field(ge=1, le=4096)
    """Of them, for each token."""
    width: int = Field(ge=1)
    """Of one routed expert."""
    shared: int = Field(default=0, ge=0, le=64)
    """Experts that every token goes through."""
    shared_width: int | None = Field(default=None, ge=1)
    """Of one shared expert; without it, as a routed one."""
    first_dense_layers: int = Field(default=0, ge=0)
    """Layers at the beginning that keep the dense block."""
    every: int = Field(default=1, ge=1)
    """Each so many-th layer has experts, the others the dense block."""
    router_bias: bool = False
    """Whether the router keeps a bias for each expert, as DeepSeek-V3's balancing does."""
    groups: int = Field(default=1, ge=1, le=4096)
    """Equal groups of neighbouring experts, among which the router chooses first (`n_group`)."""
    active_groups: int | None = Field(default=None, ge=1, le=4096)
    """Groups that the experts of one token may lie in (`topk_group`): 4 of 8 in DeepSeek-V3, each on one server; None: all."""


class Architecture(Spec):
    """A transformer as its configuration file says it."""

    name: Name
    kind: Literal["decoder", "encoder", "encoder_decoder"] = "decoder"
    layers: int = Field(ge=1, le=10_000)
    """Of the decoder; of the encoder where there is no decoder."""
    encoder_layers: int = Field(default=0, ge=0, le=10_000)
    """Of an encoder-decoder."""
    hidden: int = Field(ge=1, le=1_000_000)
    vocab: int = Field(ge=2)
    """Rows of the embedding as trained, padding included."""
    context: int = Field(ge=1)
    """Longest sequence that it was made for, tokens."""
    attention: Attention | LatentAttention
    feed_forward: FeedForward
    """Dense blocks."""
    experts: Experts | None = None
    tied_embeddings: bool = False
    """Whether the output layer is the embedding."""
    positions: Literal["learned", "rotary", "alibi", "relative", "none"] = "rotary"
    norm: Literal["layernorm", "rmsnorm"] = "rmsnorm"
    norms_per_layer: int = Field(default=2, ge=1, le=8)
    embedding_norm: bool = False
    """A norm after the embedding, as BLOOM has it."""
    final_norm: bool = True
    """A norm after the last layer; models that normalise after each block, as BERT, have none."""
    parallel_block: bool = False
    """Attention and feed-forward side by side, as in GPT-NeoX and PaLM."""
    prediction_layers: int = Field(default=0, ge=0, le=8)
    """Layers that predict further tokens in training (multi-token prediction)."""
    source: str = Field(min_length=8)
    """Where the figures were read."""
