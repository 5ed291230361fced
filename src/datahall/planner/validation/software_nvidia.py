"""What NVIDIA's recipes of a release set for a model on a machine: the software of its published rows, from documents only.

A row of Megatron-Bridge says which parallelism it ran, not which graphs, dispatcher and overlap: those stand in the recipes of
its release. So the release, which the source names, is an input. Nothing here was fitted to a row's time;
recipes that are guessed say `assumed`.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from datahall.foundation.document import load
from datahall.foundation.errors import Problem
from datahall.foundation.spec import Name, Spec
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.planner.validation.cells import count, said

FILE = Path(__file__).parent / "nvidia_recipes.yaml"
OURS = re.compile(r"megatron-bridge|moe-modelzoo|megatron-lm examples/llama", re.IGNORECASE)
MODELS: tuple[tuple[str, str], ...] = (
    (r"deepseek.?v3", "deepseek-v3"),
    (r"gpt.?oss.?120b", "gpt-oss-120b"),
    (r"qwen3.?30b", "qwen3-30b-a3b"),
    (r"qwen3.?235b", "qwen3-235b-a22b"),
    (r"llama.?3(?:\.1)?.?8b", "llama3-8b"),
    (r"llama.?3(?:\.1)?.?70b", "llama3-70b"),
    (r"llama.?3(?:\.1)?.?405b", "llama3-405b"),
)
"""Words of these sources for models of the catalogue."""


class Fields(Spec):
    """Fields of Stack and of a plan that are not the default."""

    stack: dict[str, Any] = Field(default_factory=dict)
    plan: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        unknown = {*self.stack} - {field.name for field in fields(Stack)} | {*self.plan} - {*TrainPlan.model_fields}
        if unknown:
            raise ValueError(f"no such fields: {', '.join(sorted(unknown))}")
        return self


class Shared(Fields):
    why: str = Field(min_length=8)


class RecipeRow(Fields):
    """What a recipe sets. Patterns are of whole texts in lower case; precision is bf16, fp8, mxfp8 or nvfp4."""

    name: Name
    releases: str
    models: str
    hardware: str
    precisions: str
    note: str = ".*"
    pipeline: int | None = None
    """Only with so many stages."""
    source: str = Field(min_length=8)


class RecipeFile(Spec):
    common: Shared
    mixture: Shared
    """On top, of models with experts."""
    blackwell: Shared
    """On top, on its accelerators."""
    recipes: tuple[RecipeRow, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The software of one row."""

    name: str
    stack: Mapping[str, Any]
    plan: Mapping[str, Any]
    architecture: str
    """Of the catalogue."""
    prediction: bool
    """Whether the layers that predict further tokens were trained."""
    why: str

    def made(self) -> Stack:
        """Its assumptions, as the step's time takes them."""
        made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in self.stack.items()}
        return Stack(**made)


@functools.cache
def recipe_file() -> RecipeFile:
    return load(FILE, RecipeFile)


def is_nvidia(row: Mapping[str, Any]) -> bool:
    """Whether the row's source is one whose recipes are known here."""
    return OURS.search(said(row, "source")) is not None


TUNED = re.compile(
    r"(?<!no )(?<!not )(?<!without )\b(q?lora|dora|sft|peft|dpo|rlhf|grpo|(?<!full )(?<!full-)fine-?tun\w*)\b",
    re.ASCII | re.IGNORECASE,
)


def tuned(row: Mapping[str, Any]) -> Problem | None:
    """ROW-010: work that is not that of pre-training, in the row's words; fine-tuning of all weights is."""
    for column in ("note", "model", "source"):
        if found := TUNED.search(said(row, column)):
            what = f"{column} says {found[1]}, whose frozen, packed or sampled work is not modelled"
            return Problem("ROW-010", column, what, "compare a row of pre-training")
    return None


def recipe_of(row: Mapping[str, Any]) -> Recipe | Problem:
    """The recipe of a row's release, model, hardware and precision, or why there is none."""
    text = said(row, "model")
    architecture = next((name for words, name in MODELS if re.search(words, text, re.IGNORECASE)), None)
    if (problem := tuned(row)) is not None:
        return problem
    if architecture is None:
        known = ", ".join(name for _, name in MODELS)
        return Problem(
            "ROW-011", "model", f"the dimensions of `{text[:60]}` are not known", f"fill its columns, or take {known}"
        )
    keys = {
        "releases": release_of(row), "models": text.lower(), "hardware": hardware_of(row), "precisions": precision_of(row),
        "note": said(row, "note").lower(),
    }  # fmt: skip
    stages = count(row, "pp") or 1
    found = next((each for each in recipe_file().recipes if _matches(each, keys, stages)), None)
    if found is None:
        what = f"no recipe is known for release {keys['releases']}, {text[:60]}, {keys['hardware']}, {keys['precisions']}"
        return Problem("ROW-012", "source", what, "add one with its source to planner/validation/nvidia_recipes.yaml")
    return _recipe(row, found, architecture)


def _recipe(row: Mapping[str, Any], found: RecipeRow, architecture: str) -> Recipe:
    file, mixed = recipe_file(), (count(row, "experts") or 0) > 1
    shared = (file.common, *[file.mixture] * mixed, *[file.blackwell] * (hardware_of(row) != "h100"))
    stack, plan = dict[str, Any](), dict[str, Any]()
    for each in (*shared, found):
        stack |= each.stack
        plan |= each.plan
    why = "; ".join((*(each.why for each in shared), f"{found.name}: {found.source}"))
    return Recipe(found.name, stack, plan, architecture, "w/o mtp" not in said(row, "note").lower(), why)


def _matches(recipe: RecipeRow, keys: Mapping[str, str], stages: int) -> bool:
    if recipe.pipeline not in (None, stages):
        return False
    if recipe.note != ".*" and not re.search(recipe.note, keys["note"]):
        return False
    return all(re.fullmatch(getattr(recipe, key), keys[key]) for key in ("releases", "models", "hardware", "precisions"))


def release_of(row: Mapping[str, Any]) -> str:
    """The release that the source names, such as 26.04.01; `zoo` for the model zoo; empty where none."""
    source = said(row, "source")
    if "modelzoo" in source.lower():
        return "zoo"
    told = re.search(r"\brelease\s+(\d\d\.\d\d(?:\.\d\d)?)", source)
    return told[1] if told else ""


def hardware_of(row: Mapping[str, Any]) -> str:
    """gb300, gb200, b300, b200 or h100; the row's own first word where it is none of them."""
    text = said(row, "hardware").lower()
    told = re.search(r"gb300|gb200|b300|b200|h100", text)
    return told[0] if told else text.split(" ")[0]


def precision_of(row: Mapping[str, Any]) -> str:
    """bf16, fp8 (scaled by tensor or block), mxfp8 or nvfp4."""
    text = said(row, "precision").lower().replace("fp8-mx", "mxfp8")
    return next((name for name in ("nvfp4", "mxfp8", "fp8", "bf16") if name in text), text)
