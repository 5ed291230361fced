"""The training software behind a row: what its `stack` column names, otherwise what its source is known to have run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from datahall.foundation.errors import Missing, Refused
from datahall.models.parallel.stacks import DEFAULT, NamedStack, stack_named, stack_said
from datahall.planner.validation.cells import is_blank, said
from datahall.planner.validation.software_nvidia import Recipe, is_nvidia, recipe_of, tuned

UNFUSED, FUSED = re.compile(r"no flash|without flash|unfused", re.IGNORECASE), re.compile(r"flash", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Software:
    """A named stack, and what this source did beyond it: from documents, some read after errors were seen (stacks.yaml)."""

    named: NamedStack
    plan: Mapping[str, Any]
    """Fields of a plan, those of the stack among them."""
    unstated: bool
    """Whether neither the row nor its source says what ran."""
    assumed: str
    """Why this software was taken; empty where the row names it."""
    held: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the plan that differ for memory: what DeepSpeed's fp16 optimiser makes in 32 bits lives during its step only,
    when activations are gone, and is not kept beside them."""

    @property
    def why(self) -> str:
        return f"{self.named.name}: {self.named.why}"


@dataclass(frozen=True, slots=True)
class Source:
    """A stack by the words of a source."""

    words: str
    stack: str
    plan: Mapping[str, Any] = field(default_factory=dict)
    held: Mapping[str, Any] = field(default_factory=dict)


HELD = {"gradient_bytes": 4}
SOURCES = (
    Source("bigscience", "bigscience-2022"),
    Source("korthikanti|2205\\.05198", "megatron-2022"),
    Source("sc21", "megatron-2021"),
    Source("vtrain", "megatron-deepspeed-2022", {"dropout": True, "bucket_elements": 0, "keeps_outputs": False}, HELD),
    Source("llm-foundry", "llm-foundry-2023"),
    Source("internevo|internlm", "internevo"),
    Source("torchtitan", "torchtitan-eager"),
    Source("llama 3 herd|2407\\.21783", "meta-llama3"),
    Source("mt-nlg|2201\\.11990", "megatron-deepspeed-2022", {"dropout": True, "bucket_elements": 0, "keeps_outputs": False}),
    Source("neox", "deepspeed", {"flash_attention": False, "bucket_elements": 0, "logit_bytes": 6, "dropout": True}),
    Source("glm-130b", "deepspeed", {"flash_attention": False, "bucket_elements": 0, "logit_bytes": 6, "dropout": True}),
    Source("opt-175b|2205\\.01068", "fairscale-2022"),
    Source("maxtext|palm", "maxtext"),
    Source("megatron-deepspeed", "megatron-deepspeed-2022"),
    Source("megatron-bridge", "megatron-bridge"),
    Source("nemo", "nemo"),
    Source("megatron", "megatron-core"),
    Source("deepspeed", "deepspeed"),
    Source("colossal", "colossal-ai"),
    Source("datahall", "datahall"),
    Source("litgpt|lightning|hugging ?face|accelerate|pytorch", "pytorch-fsdp"),
    Source("\\bjax\\b|\\bxla\\b|t5x|paxml|levanter", "maxtext"),
)
"""The first whose words stand in the row's source counts."""
RELEASE = "26.04"
"""Of NVIDIA's recipes where a row names none: the one in the middle of those that are known."""
NO_RELEASE = "no stack named, source not known: megatron-bridge of 26.04 assumed, recipe {}"
CHANGES = re.compile(r"flash|cuda.?graph|compile|eager|async|release|\b\d\d\.\d\d", re.ASCII | re.IGNORECASE)
"""Words of a `stack` cell that names none, but changes that of its source."""
SHARDED = ((r"fsdp|full_shard|hybrid_shard", "pytorch-fsdp"), (r"zero[\s_-]*[23]", "deepspeed"))
"""Stacks that speak of sharding in these words, where a source is not known."""


def software_of(row: Mapping[str, Any]) -> Software:
    """What the row's `stack` says, or its source, or today's default, which also stands in for a stack that nobody knows.

    Raises Refused, ROW-010, for work that is not that of pre-training.
    """
    if (problem := tuned(row)) is not None:
        raise Refused(problem)
    if is_blank(row, "stack"):
        return _by_source(row)
    text = said(row, "stack")
    try:
        named = stack_said(text, "stack")
    except Missing as error:
        by_source = _by_source(row)
        if CHANGES.search(text):
            return _changed(by_source, text)
        problem = error.problems[0]
        assumed = f"{problem.code} {problem.what}: {by_source.named.name} taken instead, interval widened; {problem.fix}"
        return replace(by_source, unstated=True, assumed=assumed)
    by_source = _by_source(_released(row, named.name))
    if by_source.named.name == named.name and not by_source.unstated:
        return _changed(by_source, text)
    return Software(named, _attention(row) | named.plan, False, _taken_as(text, named))


def _taken_as(text: str, named: NamedStack) -> str:
    """What was taken, where the cell has another name for it."""
    return "" if named.name in re.sub(r"[\s_/]+", "-", text.lower()) else f"stack `{text[:60]}` taken as {named.name}"


def _released(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The row with the release of its `stack` cell in its source, where NVIDIA's recipes are looked up by it."""
    release = re.search(r"\b\d\d\.\d\d(?:\.\d\d)?\b", said(row, "stack"))
    if name != "megatron-bridge" or (release is None and is_nvidia(row)):
        return row
    return {**row, "source": f"NVIDIA-NeMo/Megatron-Bridge release {release[0] if release else RELEASE}"}


def _changed(found: Software, text: str) -> Software:
    """The source's software, with what the text says of attention, graphs and compiling."""
    base, said_so = stack_named(found.named.name), stack_said(f"{found.named.name}, {text}", "stack")
    stack = {name: value for name, value in said_so.stack.items() if base.stack.get(name) != value}
    plan = {name: value for name, value in said_so.plan.items() if base.plan.get(name) != value}
    named = found.named.model_copy(update={"stack": {**found.named.stack, **stack}})
    return replace(found, named=named, plan={**found.plan, **plan})


def _by_source(row: Mapping[str, Any]) -> Software:
    if is_nvidia(row):
        recipe = recipe_of(row)
        if isinstance(recipe, Recipe):
            return _of_recipe(row, recipe)
    text = said(row, "source").lower()
    source = next((each for each in SOURCES if re.search(each.words, text)), None)
    if source is None:
        return _unstated(row)
    named = stack_named("torchtitan-compile" if "titan" in source.stack and _is_compiled(row) else source.stack)
    if "asynctp" in said(row, "note").lower():
        named = named.model_copy(update={"stack": {**named.stack, "tensor_overlap": True}})
    assumed = f"stack {named.name} taken by the source"
    return Software(named, {**named.plan, **source.plan, **_attention(row)}, False, assumed, source.held)


def _unstated(row: Mapping[str, Any]) -> Software:
    """Of a source that nothing is known of: by its words for sharding, with what the row says of compiling and graphs."""
    if _as_nvidia(row) and isinstance(recipe := recipe_of(_released(row, "megatron-bridge")), Recipe):
        return replace(_of_recipe(row, recipe), unstated=True, assumed=NO_RELEASE.format(recipe.name))
    sharding = said(row, "zero_fsdp").lower()
    name = next((name for words, name in SHARDED if re.search(words, sharding)), DEFAULT)
    named = stack_said(f"{name}, {said(row, 'precision')}, {said(row, 'note')}")
    return Software(named, named.plan | _attention(row), True, f"no stack named, source not known: {named.name} assumed")


def _as_nvidia(row: Mapping[str, Any]) -> bool:
    """Whether experts, 8 or 4 bits are trained, without words of other software: most published runs of them are NVIDIA's."""
    narrow = re.search(r"fp8|fp4", said(row, "precision"), re.IGNORECASE)
    others = any(re.search(words, said(row, "zero_fsdp"), re.IGNORECASE) for words, _ in SHARDED)
    return bool(narrow or not is_blank(row, "experts")) and not others


def _of_recipe(row: Mapping[str, Any], recipe: Recipe) -> Software:
    """What NVIDIA's recipe of the row's release sets; what it computes again stands in its stack, part by part.

    A row that refers to the recipe leaves open what else is computed again: recipes say it of some configurations only.
    """
    named = stack_named("megatron-bridge")
    made = named.model_copy(update={"stack": {**named.stack, **recipe.stack}, "why": recipe.why})
    words = said(row, "recompute").lower()
    again = {"recompute": "none"} if "norm" in words else {}
    assumed = f"stack megatron-bridge with recipe {recipe.name}, by the source's release"
    return Software(made, {**named.plan, **recipe.plan, **again}, False, assumed)


def _is_compiled(row: Mapping[str, Any]) -> bool:
    return "compile" in said(row, "precision").lower()


def _attention(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the row's note says of attention; nothing where it says nothing."""
    note = said(row, "note")
    if UNFUSED.search(note):
        return {"flash_attention": False}
    return {"flash_attention": True} if FUSED.search(note) else {}
