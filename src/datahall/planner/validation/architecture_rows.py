"""The model of a row: of our catalogue where the row names one and leaves it to that, otherwise as its own columns say."""

import functools
import re
from collections.abc import Mapping
from typing import Any

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.infrastructure.catalog.catalogue import near
from datahall.models.cost.catalogue import aliases, architectures
from datahall.models.cost.parameters import parameters_of
from datahall.models.cost.spec import Architecture, Attention, Experts, FeedForward
from datahall.planner.validation.cells import count, is_blank, number, said, why_no_count

GPT = {"positions": "learned", "norm": "layernorm", "tied_embeddings": True}
SHAPES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (r"bloom", {**GPT, "positions": "alibi", "embedding_norm": True}),
    (r"mpt", {**GPT, "positions": "alibi"}),
    (r"neox", {**GPT, "positions": "rotary", "tied_embeddings": False, "parallel_block": True}),
    (r"gpt[ _-]?oss", {}),
    (r"gpt|opt|megatron|mt-nlg|turing|gopher|chinchilla", GPT),
)
"""Norms, positions and the output layer by words of a model's name; others are as Llama."""
GATED = re.compile(r"llama|qwen|mistral|mixtral|deepseek|internlm|glm|palm|gemma|phi|yi\b|nemo", re.IGNORECASE)
ENCODER_DECODER = re.compile(r"\b(?:flan[ _-]?)?t5\b|\bul2\b|\bbart\b", re.IGNORECASE)
ADDED = re.compile(r"\(.*?\)|\b(?:meta|instruct|base|chat|hf|it|fp8|bf16|v0[.]\d)\b", re.ASCII)
"""Words of a name that do not change the model: who made it, how it was tuned and stored."""
LEAST_TOLD_B = 0.5
"""Billions of parameters from which a count that is far off is worth a word."""
ALIKE = 0.12
"""By which `params_b` and a count from the columns may differ: names are rounded, embeddings often left out."""
SIZES = {"layers": "layers", "hidden": "hidden", "heads": "attention.heads"}
MORE = {"kv_heads": "attention.kv_heads", "experts": "experts.count", "topk": "experts.active", "moe_ffn": "experts.width"}


def architecture_of(row: Mapping[str, Any], notes: list[str]) -> Architecture:
    """The row's model. Raises Refused, ROW-001, or Missing, COST-001, which name the columns; notes: what was taken."""
    wrong = [
        c for c in (*SIZES, *MORE, "ffn", "vocab", "seq_len", "head_dim") if not is_blank(row, c) and count(row, c) is None
    ]
    if wrong:
        raise refused(wrong[0], why_no_count(row, wrong[0]), "give a count, or leave the cell empty")
    known = catalogued(said(row, "model"))
    if known is not None and _agrees(row, known) and (_is_special(known) or _leaves_open(row)):
        return _of_catalogue(row, known, notes)
    return _of_columns(row, known, notes)


def refused(column: str, what: str, fix: str) -> Refused:
    return Refused(Problem("ROW-001", column, what, fix))


def catalogued(model: str) -> Architecture | None:
    """The catalogue's row for a model as people write it: `LLAMA3.1_405B`, `Qwen3_30B_a3B`, `GPT OSS 120B`."""
    name = _by_letters().get(_letters(model))
    return None if name is None else architectures()[name]


@functools.cache
def _by_letters() -> Mapping[str, str]:
    return {_letters(word): name for word, name in {**{n: n for n in architectures()}, **aliases()}.items()}


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", ADDED.sub("", text.lower().rpartition("/")[2].replace("_", " ").replace("-", " ")))


def _value(architecture: Architecture, path: str) -> int | None:
    found: Any = architecture
    for part in path.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, int) else None


def _agrees(row: Mapping[str, Any], known: Architecture) -> bool:
    """Whether no filled column says otherwise."""
    paths = {**SIZES, "experts": "experts.count"}
    return all(is_blank(row, column) or count(row, column) == _value(known, path) for column, path in paths.items())


def _is_special(known: Architecture) -> bool:
    """What columns cannot tell: shared experts, dense layers before them, latent attention, further prediction layers."""
    return known.experts is not None or not isinstance(known.attention, Attention)


def _leaves_open(row: Mapping[str, Any]) -> bool:
    return any(is_blank(row, column) for column in (*SIZES, "ffn", "vocab", "kv_heads"))


def _of_catalogue(row: Mapping[str, Any], known: Architecture, notes: list[str]) -> Architecture:
    blank = [column for column in (*SIZES, "ffn", "vocab") if is_blank(row, column)]
    notes.append(f"{', '.join(blank) or 'what columns cannot tell'} of {known.name} in the catalogue")
    changed: dict[str, Any] = {"vocab": count(row, "vocab") or known.vocab}
    if "w/o mtp" in said(row, "note").lower():
        changed["prediction_layers"] = 0
    return known.model_copy(update=changed)


def _of_columns(row: Mapping[str, Any], known: Architecture | None, notes: list[str]) -> Architecture:
    missing = next((column for column in SIZES if is_blank(row, column)), None)
    if missing is not None:
        _tell_unknown(row, missing, known)
    hidden, heads = count(row, "hidden") or 0, count(row, "heads") or 0
    head_dim = _head_dim(row, known, hidden, heads)
    if is_blank(row, "vocab"):
        notes.append("no vocabulary given: embedding and logits not counted")
    model = said(row, "model")
    if ENCODER_DECODER.search(model):
        raise refused("model", f"model=`{model[:60]}` reads an encoder, whose time is not modelled", "give a decoder")
    shape = next((shape for words, shape in SHAPES if re.search(words, model, re.IGNORECASE)), {})
    biased = shape.get("norm") == "layernorm" and "mpt" not in model.lower()
    width = count(row, "ffn") or 4 * hidden
    made = Architecture(
        name=re.sub(r"[^a-z0-9.-]+", "-", model.lower()).strip("-.")[:60] or "row",
        layers=count(row, "layers") or 0,
        hidden=hidden,
        vocab=count(row, "vocab") or 2,
        context=count(row, "seq_len") or 2048,
        attention=Attention(heads=heads, kv_heads=_kv_heads(row, heads), head_dim=head_dim, bias=biased),
        feed_forward=FeedForward(
            width=width, gated=width != 4 * hidden and (not shape or bool(GATED.search(model))), bias=biased
        ),
        experts=_experts(row),
        source=f"the row itself: {said(row, 'source')}",
        **{"norm": "rmsnorm", "positions": "rotary", **shape},
    )
    return _counted(row, made, notes)


def _counted(row: Mapping[str, Any], made: Architecture, notes: list[str]) -> Architecture:
    """With or without gates, whichever has as many parameters as the row says; told where neither has by far.

    Without `params_b`: gated where the width is not the usual four times hidden, but in families that never are.
    """
    told, gated = number(row, "params_b"), made.feed_forward.gated
    if told is None or told <= 0 or made.vocab <= 2:
        if gated and not GATED.search(said(row, "model")):
            notes.append("feed-forward taken as gated, as its width is not four times hidden")
        return made
    other = made.model_copy(update={"feed_forward": made.feed_forward.model_copy(update={"gated": not gated})})
    mine, others = (parameters_of(one).total / 1e9 for one in (made, other))
    if abs(mine / told - 1) > ALIKE and abs(others / told - 1) < ALIKE:
        notes.append(f"feed-forward taken as {'not ' if gated else ''}gated, as params_b={told:g} says")
        return other
    if min(abs(size / told - 1) for size in (mine, others)) > 3 * ALIKE and mine > LEAST_TOLD_B:
        notes.append(f"params_b={told:g}, but the columns make {mine:.3g}")
    return made


def _head_dim(row: Mapping[str, Any], known: Architecture | None, hidden: int, heads: int) -> int | None:
    """Width of a head: of the column `head_dim`, or of the catalogue's model of these sizes; None: hidden over heads."""
    told = count(row, "head_dim")
    if told is None and known is not None and _agrees(row, known):
        told = getattr(known.attention, "head_dim", None)
    if told is None and hidden % heads:
        what = f"hidden={hidden} is not a multiple of heads={heads}, and head_dim is missing"
        raise refused("heads", what, "correct either, or give the width of a head in a column head_dim")
    return told


def _tell_unknown(row: Mapping[str, Any], column: str, known: Architecture | None) -> None:
    """Raises: a size is blank, and the catalogue has no such model, or one of other sizes."""
    model = said(row, "model")
    if known is not None:
        raise refused(column, f"{column} is missing, and model=`{model}` has other sizes than {known.name}", "fill it")
    what = f"{column} is missing, and model=`{model[:60]}` is not in the catalogue"
    raise Missing(
        Problem("COST-001", column, what, near(model[:60], (*architectures(), *aliases()), otherwise="fill the column"))
    )


def _kv_heads(row: Mapping[str, Any], heads: int) -> int | None:
    kv_heads = count(row, "kv_heads")
    if kv_heads is not None and (kv_heads > heads or heads % kv_heads):
        raise refused("kv_heads", f"heads={heads} is not a multiple of kv_heads={kv_heads}", "correct either")
    return kv_heads


def _experts(row: Mapping[str, Any]) -> Experts | None:
    held, active, width = count(row, "experts"), count(row, "topk"), count(row, "moe_ffn")
    if held is None:
        if active or width:
            raise refused("experts", f"topk={active}, moe_ffn={width}, but experts is missing", "fill all three, or none")
        return None
    if active is None or width is None:
        missing = "topk" if active is None else "moe_ffn"
        raise refused(missing, f"experts={held}, but {missing} is missing", "fill all three, or none")
    if active > held:
        raise refused("topk", f"topk={active} is more than experts={held}", "correct either")
    return Experts(count=held, active=active, width=width)
