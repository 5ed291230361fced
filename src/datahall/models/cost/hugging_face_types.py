"""How the config.json of each Hugging Face model_type names what an Architecture holds: one row per type.

Source: the configuration classes of huggingface/transformers, src/transformers/models/*/configuration_*.py; falcon and
nemotron were read there, the others are from memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Names = tuple[str, ...]
"""Names of one figure, the present one first; a dot leads into a nested mapping."""
Config = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ExpertNames:
    """How experts are named. What has no names is not said by this type."""

    count: Names
    active: Names = ("num_experts_per_tok",)
    width: Names = ("moe_intermediate_size",)
    shared: Names = ()
    shared_width: Names = ()
    """A width that stands for one shared expert."""
    first_dense: Names = ()
    every: Names = ()
    groups: Names = ()
    active_groups: Names = ()
    router_bias: bool = False
    optional: bool = False
    """Without a count, every layer is dense."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One model_type. The defaults are llama's."""

    hidden: Names = ("hidden_size",)
    layers: Names = ("num_hidden_layers",)
    encoder_layers: Names = ()
    heads: Names = ("num_attention_heads",)
    kv_heads: Names = ("num_key_value_heads",)
    one_kv_head: bool = False
    head_dim: Names = ("head_dim",)
    vocab: Names = ("vocab_size",)
    context: Names = ("max_position_embeddings",)
    width: Names = ("intermediate_size",)
    width_ratio: int | None = None
    """Width / hidden where the width is not there; the type's class says it."""
    ratio: Names = ()
    """Width / hidden where the file says that instead."""
    needs: Names = ()
    """Of kv_heads and head_dim, those whose absence does not mean heads and hidden / heads."""
    class_values: Mapping[str, int] = field(default_factory=dict)
    """What the type's class fills in where published files are silent."""
    kind: Literal["decoder", "encoder", "encoder_decoder"] = "decoder"
    gated: bool = True
    bias: bool = False
    """All projections, where no flag says otherwise."""
    attention_bias: str | None = "attention_bias"
    mlp_bias: str | None = "mlp_bias"
    qkv_bias: bool = False
    qk_norm: bool = False
    window: Names = ()
    full_every: int | None = None
    tied: bool = False
    positions: Literal["learned", "rotary", "alibi", "relative", "none"] = "rotary"
    norm: Literal["layernorm", "rmsnorm"] = "rmsnorm"
    norms: int = 2
    embedding_norm: bool = False
    final_norm: bool = True
    parallel: bool = False
    latent: bool = False
    prediction: Names = ()
    experts: ExpertNames | None = None
    vary: Callable[[Config], dict[str, Any]] | None = None
    """Changes of this row that flags of the file make."""

    def of(self, config: Config) -> "Layout":
        """The row as this file's flags make it."""
        return replace(self, **self.vary(config)) if self.vary else self


def at(config: Config, name: str) -> Any:
    """What stands at a name, or None."""
    value: Any = config
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _falcon(config: Config) -> dict[str, Any]:
    new = config.get("new_decoder_architecture") is True
    parallel = new or config.get("parallel_attn") is not False
    one = not new and config.get("multi_query") is not False
    two_norms = not parallel or (new and config.get("num_ln_in_parallel_attn") != 1)
    places: dict[str, Any] = {"positions": "alibi" if config.get("alibi") is True else "rotary"}
    return places | {
        "one_kv_head": one,
        "kv_heads": ("num_kv_heads", "n_head_kv") if new else (),
        "parallel": parallel,
        "norms": 2 if two_norms else 1,
    }


def _mpt(config: Config) -> dict[str, Any]:
    learned = config.get("learned_pos_emb") is not False
    otherwise = "rotary" if at(config, "attn_config.rope") is True else "learned" if learned else "none"
    return {
        "positions": "alibi" if at(config, "attn_config.alibi") is True else otherwise,
        "bias": config.get("no_bias") is False,
        "one_kv_head": at(config, "attn_config.attn_type") == "multiquery_attention",
    }


def _neox(config: Config) -> dict[str, Any]:
    return {"parallel": config.get("use_parallel_residual") is not False}


def _opt(config: Config) -> dict[str, Any]:
    return {"final_norm": config.get("do_layer_norm_before") is not False}


def _t5(config: Config) -> dict[str, Any]:
    return {"gated": str(config.get("feed_forward_proj")).startswith("gated")}


def _gemma3(config: Config) -> dict[str, Any]:
    every = config.get("sliding_window_pattern")
    return {"full_every": every if isinstance(every, int) and every >= 1 else 6}


LLAMA = Layout()
GPT2 = Layout(
    hidden=("n_embd",), layers=("n_layer",), heads=("n_head",), context=("n_positions", "n_ctx"), width=("n_inner",),
    width_ratio=4, kv_heads=(), head_dim=(), gated=False, bias=True, attention_bias=None, mlp_bias=None, tied=True,
    positions="learned", norm="layernorm",
)  # fmt: skip
BERT = Layout(
    kind="encoder", kv_heads=(), head_dim=(), gated=False, bias=True, attention_bias=None, mlp_bias=None, tied=True,
    positions="learned", norm="layernorm", embedding_norm=True, final_norm=False,
)  # fmt: skip
QWEN3 = Layout(needs=("kv_heads", "head_dim"), qk_norm=True)
MIXTRAL = Layout(
    needs=("kv_heads",), window=("sliding_window",),
    experts=ExpertNames(count=("num_local_experts",), width=("intermediate_size",)),
)  # fmt: skip
GEMMA = Layout(needs=("kv_heads", "head_dim"), tied=True)
DEEPSEEK_EXPERTS = ExpertNames(
    count=("n_routed_experts",), shared=("n_shared_experts",), first_dense=("first_k_dense_replace",),
    every=("moe_layer_freq",), groups=("n_group",), active_groups=("topk_group",), optional=True,
)  # fmt: skip
DEEPSEEK = Layout(latent=True, kv_heads=(), head_dim=(), experts=DEEPSEEK_EXPERTS)

CONTEXTS: Mapping[str, int] = {
    "llama": 2048, "granite": 2048, "olmo": 2048, "olmo2": 2048, "mistral": 131_072, "mixtral": 131_072, "phi3": 4096,
    "qwen2": 32_768, "qwen2_moe": 32_768, "qwen3": 32_768, "qwen3_moe": 32_768, "gemma": 8192, "gemma2": 8192,
    "gemma3_text": 131_072, "gpt_oss": 131_072, "deepseek_v2": 2048, "deepseek_v3": 4096, "nemotron": 4096,
    "starcoder2": 4096, "gpt_neox": 2048, "opt": 2048, "bert": 512, "roberta": 512,
}  # fmt: skip
"""Longest sequence that a type's class fills in where the file is silent (`max_position_embeddings` of the configuration
classes in huggingface/transformers, src/transformers/models; from memory, and what a published file says goes first)."""

_TYPES: Mapping[str, Layout] = {
    "llama": LLAMA,
    "granite": LLAMA,
    "olmo": Layout(norm="layernorm"),
    "olmo2": Layout(qk_norm=True),
    "mistral": Layout(needs=("kv_heads",), window=("sliding_window",)),
    "mixtral": MIXTRAL,
    "phi3": Layout(window=("sliding_window",)),
    "qwen2": Layout(needs=("kv_heads",), qkv_bias=True),
    "qwen2_moe": Layout(
        needs=("kv_heads",),
        qkv_bias=True,
        experts=ExpertNames(
            count=("num_experts",), shared_width=("shared_expert_intermediate_size",), every=("decoder_sparse_step",)
        ),
    ),
    "qwen3": QWEN3,
    "qwen3_moe": replace(QWEN3, experts=ExpertNames(count=("num_experts",), every=("decoder_sparse_step",))),
    "gemma": GEMMA,
    "gemma2": replace(GEMMA, norms=4, window=("sliding_window",), full_every=2),
    "gemma3_text": replace(GEMMA, norms=4, qk_norm=True, window=("sliding_window",), vary=_gemma3),
    "gpt_oss": Layout(
        needs=("kv_heads", "head_dim"), bias=True, mlp_bias=None, window=("sliding_window",), full_every=2,
        experts=ExpertNames(
            count=("num_local_experts",), active=("num_experts_per_tok", "experts_per_token"), width=("intermediate_size",),
            router_bias=True,
        ),
    ),
    "deepseek_v2": DEEPSEEK,
    "deepseek_v3": replace(
        DEEPSEEK, prediction=("num_nextn_predict_layers",), experts=replace(DEEPSEEK_EXPERTS, router_bias=True)
    ),
    "nemotron": Layout(gated=False, norm="layernorm"),
    "starcoder2": Layout(
        gated=False, norm="layernorm", bias=True, attention_bias="use_bias", mlp_bias="use_bias", tied=True,
        needs=("kv_heads",), window=("sliding_window",),
    ),
    "gpt2": GPT2,
    "gpt_neox": Layout(
        gated=False, bias=True, mlp_bias=None, kv_heads=(), head_dim=(), norm="layernorm", vary=_neox,
    ),
    "bloom": Layout(
        hidden=("hidden_size", "n_embed"), layers=("n_layer", "num_hidden_layers"), heads=("n_head", "num_attention_heads"),
        context=("seq_length",), width=(), width_ratio=4, kv_heads=(), head_dim=(), gated=False, bias=True,
        attention_bias=None, mlp_bias=None, tied=True, positions="alibi", norm="layernorm", embedding_norm=True,
    ),
    "opt": Layout(
        width=("ffn_dim",), kv_heads=(), head_dim=(), gated=False, bias=True, attention_bias="enable_bias",
        mlp_bias="enable_bias", tied=True, positions="learned", norm="layernorm", vary=_opt,
    ),
    "falcon": Layout(
        hidden=("hidden_size", "n_embed"), layers=("num_hidden_layers", "n_layer"), heads=("num_attention_heads", "n_head"),
        width=("ffn_hidden_size",), width_ratio=4, class_values={"max_position_embeddings": 2048}, head_dim=(), gated=False,
        attention_bias="bias", mlp_bias="bias", tied=True, norm="layernorm", vary=_falcon,
    ),
    "mpt": Layout(
        hidden=("d_model",), layers=("n_layers",), heads=("n_heads",), context=("max_seq_len",), width=(),
        ratio=("expansion_ratio",), kv_heads=("attn_config.kv_n_heads",), head_dim=(), gated=False, attention_bias=None,
        mlp_bias=None, tied=True, norm="layernorm", vary=_mpt,
    ),
    "t5": Layout(
        kind="encoder_decoder", hidden=("d_model",), layers=("num_decoder_layers", ), encoder_layers=("num_layers",),
        heads=("num_heads",), head_dim=("d_kv",), needs=("head_dim",), kv_heads=(), width=("d_ff",), context=("n_positions",),
        class_values={"n_positions": 512}, attention_bias=None, mlp_bias=None, tied=True, positions="relative", vary=_t5,
    ),
    "bert": BERT,
    "roberta": BERT,
}  # fmt: skip
TYPES: Mapping[str, Layout] = {
    name: replace(layout, class_values={"max_position_embeddings": CONTEXTS[name], **layout.class_values})
    if name in CONTEXTS
    else layout
    for name, layout in _TYPES.items()
}
