"""An Architecture from a Hugging Face config.json: data only, no code of the model is fetched or run."""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from datahall.foundation.document import problems_of, read_text
from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.hugging_face_config import Fields
from datahall.models.cost.hugging_face_types import DEEPSEEK, LLAMA, MIXTRAL, TYPES, ExpertNames, Layout
from datahall.models.cost.spec import Architecture, Attention, Experts, FeedForward, LatentAttention

OTHER_MIXERS = re.compile(r"^(ssm|mamba|rwkv|linear_(attn|num|key|value|conv)|hybrid|layers_block_type|block_types)|mamba|rwkv")
"""Fields of layers that are not attention, and whose cost this cannot count."""
LLAMA_LIKE = ("hidden_size", "num_hidden_layers", "num_attention_heads")
UNCOUNTED = {
    "word_embed_proj_dim": "an embedding narrower than the model",
    "use_sliding_window": "a window in the upper layers",
    "quantization_config": "the number format of the weights",
}


def from_hugging_face(path_or_mapping: str | Path | Mapping[str, Any], *, name: str | None = None) -> Architecture:
    """The architecture that a config.json describes: its path, the folder that holds it, or what it contains.

    name: of the result; without it, the model's own name, its file's or (of a config.json) its folder's, or its type's.
    Raises Missing when there is no such file, Refused with every problem of the file at once: COST-002 not a JSON object,
    COST-003 missing, COST-004 out of range, COST-005 a kind of model that cannot be counted, COST-006 contradictory.
    """
    if isinstance(path_or_mapping, Mapping):
        return _architecture(path_or_mapping, name=name, place="config.json", text="", fallback=None)
    path = _file(Path(path_or_mapping))
    text = read_text(path)
    usual = path.name == "config.json"
    fallback = path.absolute().parent.name if usual else path.stem
    return _architecture(_parsed(text, str(path)), name=name, place=str(path), text=text, fallback=fallback)


def _file(path: Path) -> Path:
    try:
        return path / "config.json" if path.is_dir() else path
    except OSError:
        return path  # reading it says what is wrong


def _parsed(text: str, place: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise Refused(Problem("COST-002", place, "nested too deeply for a config.json", "check the file")) from None
    except json.JSONDecodeError as error:
        what, fix = f"not JSON: {error.msg}", "mend the syntax"
        if not text.lstrip().startswith("{"):
            what, fix = (
                "this is no configuration of a model: it does not begin with {",
                "give the config.json beside the weights",
            )
        raise Refused(Problem("COST-002", f"{place}:{error.lineno}", what, fix)) from None
    except ValueError as error:
        raise Refused(Problem("COST-002", place, f"not JSON as it should be: {error}", "mend the file")) from None
    if not isinstance(data, dict):
        raise Refused(Problem("COST-002", place, "the file does not hold a JSON object", "give a model's config.json"))
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the field {twice[:60]!a} is there twice")
    return found


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not a number of JSON")


def _architecture(config: Mapping[str, Any], *, name: str | None, place: str, text: str, fallback: str | None) -> Architecture:
    inner = config.get("text_config")
    if isinstance(inner, Mapping) and not any(field in config for field in ("hidden_size", "n_embd", "d_model")):
        fields = Fields(inner, place=place, text=text)
        fields.notes.append("the text part only")
    else:
        fields = Fields(config, place=place, text=text)
    layout = _layout(fields)
    if layout is None:
        raise Refused(fields.problems)
    found = _found(fields, layout.of(fields.config))
    if fields.problems:
        raise Refused(fields.problems)
    own = name if name is not None else _named(config, fallback)
    try:
        return Architecture.model_validate({"name": own, "source": _source(fields, place), **found})
    except ValidationError as error:
        raise Refused(problems_of(error, Architecture)) from None


def _layout(fields: Fields) -> Layout | None:
    """The row of this file's model_type, or the nearest to its fields; None, with a problem, where there is none."""
    config, kind = fields.config, fields.config.get("model_type")
    mixers = sorted(str(key) for key in config if OTHER_MIXERS.search(str(key)) and config[key] is not None)
    kinds = config.get("layer_types")
    if isinstance(kinds, list) and any("attention" not in str(each) or "linear" in str(each) for each in kinds):
        mixers.append("layer_types")
    if mixers:
        what = f"`{mixers[0][:60]}` tells of layers other than attention, which are not counted here"
        fields.refuse("COST-005", mixers[0][:60], what, "describe the model as an Architecture of its own, or plan another")
        return None
    if isinstance(kind, str) and kind in TYPES:
        return TYPES[kind]
    if any(config.get(field) is None for field in LLAMA_LIKE):
        near = difflib.get_close_matches(str(kind)[:60], TYPES, n=3)
        what = f"model_type {ascii(kind)[:60]} is not known, and the fields `{'`, `'.join(LLAMA_LIKE)}` are not all there"
        known = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(sorted(TYPES))}"
        fields.refuse("COST-005", "model_type", what, known)
        return None
    fields.notes.append("not a model_type known here: read generically, as llama's fields")
    return _generic(config)


def _generic(config: Mapping[str, Any]) -> Layout:
    if config.get("kv_lora_rank") is not None:
        return DEEPSEEK
    if config.get("n_routed_experts") is not None:
        return replace(LLAMA, experts=DEEPSEEK.experts)
    if config.get("num_local_experts") is not None:
        return replace(LLAMA, experts=MIXTRAL.experts)
    return replace(LLAMA, experts=TYPES["qwen3_moe"].experts) if config.get("num_experts") is not None else LLAMA


def _found(fields: Fields, layout: Layout) -> dict[str, Any]:
    """All figures of an Architecture but its name and source. What is missing or bad is noted in `fields`."""
    if layout.encoder_layers and fields.given(layout.layers) is None:
        layout = replace(layout, layers=layout.encoder_layers)  # T5: as many in the decoder where it does not say
    hidden = fields.needed(layout.hidden, Architecture, "hidden", meaning="the width of the model")
    layers = fields.needed(layout.layers, Architecture, "layers", meaning="how many layers there are")
    attention = _latent(fields, layout) if layout.latent else _attention(fields, layout, hidden)
    return {
        "kind": layout.kind,
        "hidden": hidden,
        "layers": layers,
        "vocab": fields.needed(layout.vocab, Architecture, "vocab", meaning="the rows of the embedding"),
        "context": _context(fields, layout),
        "attention": attention,
        "feed_forward": _feed_forward(fields, layout, hidden),
        "experts": _experts(fields, layout.experts, layers) if layout.experts else None,
        "encoder_layers": _encoder(fields, layout),
        "prediction_layers": fields.optional(layout.prediction, Architecture, "prediction_layers") or 0,
        "tied_embeddings": fields.flag("tie_word_embeddings", layout.tied),
        "positions": layout.positions,
        "norm": layout.norm,
        "norms_per_layer": layout.norms,
        "embedding_norm": layout.embedding_norm,
        "final_norm": layout.final_norm,
        "parallel_block": layout.parallel,
    }


def _encoder(fields: Fields, layout: Layout) -> int | None:
    if not layout.encoder_layers:
        return 0
    return fields.needed(layout.encoder_layers, Architecture, "layers", meaning="the layers of the encoder")


def _context(fields: Fields, layout: Layout) -> int | None:
    default = layout.class_values.get(layout.context[0])
    if default is not None and fields.given(layout.context) is None:
        fields.notes.append(f"{layout.context[0]} {default} as the type's own default")
        return default
    return fields.needed(layout.context, Architecture, "context", meaning="the longest sequence")


def _attention(fields: Fields, layout: Layout, hidden: int | None) -> dict[str, Any]:
    heads = fields.needed(layout.heads, Attention, "heads", meaning="the heads of queries")
    kv_heads, head_dim = _kv_heads(fields, layout), _either(fields, layout, "head_dim", "the width of a head")
    if heads and kv_heads and heads % kv_heads:
        one, other = fields.given(layout.heads), fields.given(layout.kv_heads)
        what = f"`{one}` is {heads}, and `{other}`, {kv_heads}, does not divide it"
        fields.refuse("COST-006", str(other), what, f"correct `{one}` or `{other}`")
    if heads and hidden and fields.given(layout.head_dim) is None and "head_dim" not in layout.needs and hidden % heads:
        one, other = fields.given(layout.hidden), fields.given(layout.heads)
        what = f"`{one}` is {hidden}, and `{other}`, {heads}, does not divide it"
        fields.refuse("COST-006", str(other), what, f"correct `{one}` or `{other}`, or add `head_dim`")
    window = fields.optional(layout.window, Attention, "window")
    return {
        "heads": heads,
        "kv_heads": None if kv_heads == heads else kv_heads,
        "head_dim": None if head_dim and heads and head_dim * heads == hidden else head_dim,
        "window": window,
        "full_every": layout.full_every if window else None,
        "bias": fields.flag(layout.attention_bias, layout.bias),
        "qkv_bias": layout.qkv_bias,
        "qk_norm": layout.qk_norm,
    }


def _kv_heads(fields: Fields, layout: Layout) -> int | None:
    return 1 if layout.one_kv_head else _either(fields, layout, "kv_heads", "the heads of keys and values")


def _either(fields: Fields, layout: Layout, field: str, meaning: str) -> int | None:
    names = getattr(layout, field)
    if field in layout.needs:
        return fields.needed(names, Attention, field, meaning=meaning)
    return fields.optional(names, Attention, field)


def _latent(fields: Fields, layout: Layout) -> dict[str, Any]:
    def rank(name: str, field: str) -> int | None:
        return fields.needed((name,), LatentAttention, field, meaning="a dimension of latent attention")

    return {
        "heads": fields.needed(layout.heads, LatentAttention, "heads", meaning="the heads of queries"),
        "q_rank": fields.optional(("q_lora_rank",), LatentAttention, "q_rank"),
        "kv_rank": rank("kv_lora_rank", "kv_rank"),
        "nope_dim": rank("qk_nope_head_dim", "nope_dim"),
        "rope_dim": rank("qk_rope_head_dim", "rope_dim"),
        "value_dim": rank("v_head_dim", "value_dim"),
    }


def _feed_forward(fields: Fields, layout: Layout, hidden: int | None) -> dict[str, Any]:
    width: int | None
    if layout.ratio:
        ratio = fields.needed(layout.ratio, FeedForward, "width", meaning="the width of the feed-forward block / hidden")
        width = ratio * hidden if ratio and hidden else None
    elif layout.width_ratio and fields.given(layout.width) is None:
        width = layout.width_ratio * hidden if hidden else None
    else:
        width = fields.needed(layout.width, FeedForward, "width", meaning="the width of the feed-forward block")
    return {"width": width, "gated": layout.gated, "bias": fields.flag(layout.mlp_bias, layout.bias)}


def _experts(fields: Fields, names: ExpertNames, layers: int | None) -> dict[str, Any] | None:
    if names.optional and fields.given(names.count) is None:
        return None
    count = fields.needed(names.count, Experts, "count", meaning="how many experts a layer has")
    active = fields.needed(names.active, Experts, "active", meaning="the experts that a token goes through")
    if count and active and active > count:
        one, other = fields.given(names.active), fields.given(names.count)
        what = f"`{one}` is {active}, more than the {count} of `{other}`"
        fields.refuse("COST-006", str(one), what, f"correct `{one}` or `{other}`")
    shared_width = fields.optional(names.shared_width, Experts, "shared_width")
    shared = 1 if shared_width else fields.optional(names.shared, Experts, "shared") or 0
    return {
        "count": count,
        "active": active,
        "width": fields.needed(names.width, Experts, "width", meaning="the width of one expert"),
        "shared": shared,
        "shared_width": shared_width,
        "first_dense_layers": _first_dense(fields, names, layers),
        "every": fields.optional(names.every, Experts, "every") or 1,
        "router_bias": names.router_bias,
        **_groups(fields, names),
    }


def _groups(fields: Fields, names: ExpertNames) -> dict[str, int | None]:
    """Groups of experts that limit where a token goes; none where the router is said not to look at them."""
    groups = fields.optional(names.groups, Experts, "groups") or 1
    active = fields.optional(names.active_groups, Experts, "active_groups")
    if active and active > groups:
        one, other = fields.given(names.active_groups), fields.given(names.groups)
        what = f"`{one}` is {active}, more than the {groups} of `{other or names.groups[0]}`"
        fields.refuse("COST-006", str(one), what, f"correct `{one}` or `{other or names.groups[0]}`")
    if not active or active >= groups or fields.config.get("topk_method") == "greedy":
        return {}
    return {"groups": groups, "active_groups": active}


def _first_dense(fields: Fields, names: ExpertNames, layers: int | None) -> int:
    dense = fields.config.get("mlp_only_layers") if "decoder_sparse_step" in names.every else None
    if dense and dense != list(range(len(dense) if isinstance(dense, list) else 0)):
        what = "`mlp_only_layers` should be the first layers, as [0, 1], to be counted here"
        fields.refuse("COST-005", "mlp_only_layers", what, "describe the model as an Architecture of its own")
        return 0
    first = len(dense) if dense else fields.optional(names.first_dense, Experts, "first_dense_layers") or 0
    if layers and first > layers:
        one = "mlp_only_layers" if dense else names.first_dense[0]
        what = f"`{one}` keeps {first} layers dense, more than the {layers} of `num_hidden_layers`"
        fields.refuse("COST-006", one, what, f"correct `{one}` or `num_hidden_layers`")
    return first


def _named(config: Mapping[str, Any], fallback: str | None) -> str:
    """A name for the model as it may stand in a file, from what the configuration or its folder says."""
    said = config.get("_name_or_path")
    for candidate in (said if isinstance(said, str) else None, fallback, str(config.get("model_type"))):
        last = (candidate or "").rstrip("/").rpartition("/")[2][:63].lower()
        if clean := re.sub(r"[^a-z0-9.]+", "-", last).strip("-."):
            return clean
    return "model"


def _source(fields: Fields, place: str) -> str:
    notes = list(fields.notes)
    for field, meaning in UNCOUNTED.items():
        value = fields.config.get(field)
        if value and value is not False and value != fields.config.get("hidden_size"):
            notes.append(f"not counted: {meaning} (`{field}`)")
    kind = ascii(fields.config.get("model_type"))[:60]
    return "; ".join([f"{place.encode('utf-8', 'replace').decode()}, model_type {kind}", *notes])
