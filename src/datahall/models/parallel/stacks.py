"""Software that trains, by name: what it overlaps and fuses, and which choices its runs make unless told otherwise."""

import functools
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from datahall.foundation.document import load
from datahall.foundation.errors import Missing, Problem
from datahall.foundation.spec import Name, Spec
from datahall.infrastructure.catalog.catalogue import near
from datahall.models.parallel.kernel_constants import attention_constants
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack

FILE = Path(__file__).parent / "constants/stacks.yaml"
DEFAULT = "megatron-core"
"""Of a plan made today."""
TRAVEL = r"(?:1f1b|a2a|all[ _-]?to[ _-]?all|expert|moe|ep)[ _-](?:comm\w*[ _-])?overlap"
WEAK = frozenset({"deepseek", "deepseek-v3", "deepep", "dualpipe"})
"""Words of a model, or of a part that other software uses, too: they name a stack only where a text names no other."""
WORDS: tuple[tuple[str, str, Any], ...] = (
    (r"flash(?:[ _-]?attention)?[ _-]?4\b", "attention_kernel", "flash4"),
    (r"flash(?:[ _-]?attention)?[ _-]?3\b", "attention_kernel", "flash3"),
    (r"flash(?:[ _-]?attention)?[ _-]?2\b", "attention_kernel", "flash2"),
    (r"flash(?:[ _-]?attention)?[ _-]?1\b", "attention_kernel", "flash1"),
    (r"\b(?:no|without)[ _-]cuda[ _-]?graphs?", "", None),
    (r"\bcuda[ _-]?graphs?|\bcompiled?\b|torch\.compile", "host_kernel_s", 0.0),
    (r"\beager\b", "fused", False),
    (r"\basync[ _-]?(?:tp|tensor)", "tensor_overlap", True),
    (r"\b(?:deep|hybrid)[ _-]?ep\b", "fused_dispatch", True),
    (rf"\b(?:no|without)[ _-]{TRAVEL}", "expert_overlap", False),
    (rf"\b{TRAVEL}", "expert_overlap", True),
    (r"\b(?:fp8|8[ _-]bit)[ _-]?dispatch", "narrow_dispatch", True),
)
"""What else a stack's text may say: words, the field of `Stack`, its value. The first of each field counts."""
COMPILED = re.compile(r"\bcompiled?\b", re.ASCII | re.IGNORECASE)
UNFUSED = re.compile(r"\b(?:no|without)[ _-]flash|\bunfused[ _-]attention", re.ASCII | re.IGNORECASE)


class NamedStack(Spec):
    """One training software of one time."""

    name: Name
    aliases: tuple[str, ...] = ()
    """Other words by which rows and users call it."""
    why: str = Field(min_length=8)
    """What it does, in a line: the reason for the fields below."""
    stack: dict[str, Any] = Field(default_factory=dict)
    """Fields of `Stack` that are not the default."""
    plan: dict[str, Any] = Field(default_factory=dict)
    """Fields of a plan that its runs set unless told otherwise."""
    measures: Literal["device", "reserved"] = "device"
    """Whether the memory that it reports is that of the device, or what the framework's allocator has reserved."""
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}-\d{2}$")
    checked: Literal["read", "secondary", "unverified"]

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        """Raises ValueError where a field is none of `Stack` or `TrainPlan`."""
        unknown = {*self.stack} - {field.name for field in fields(Stack)} | {*self.plan} - {*TrainPlan.model_fields}
        if unknown:
            raise ValueError(f"{self.name}: no such fields: {', '.join(sorted(unknown))}")
        return self

    def made(self) -> Stack:
        """Its assumptions, as the step's time takes them."""
        made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in self.stack.items()}
        return Stack(**made)


class NamedStacks(Spec):
    stacks: tuple[NamedStack, ...]


@functools.cache
def stacks() -> Mapping[str, NamedStack]:
    """All, by name, in the order of the file: old ones first."""
    return {row.name: row for row in load(FILE, NamedStacks).stacks}


def stack_named(name: str, where: str = "stack") -> NamedStack:
    """The stack of that name or alias, whatever its case. Raises Missing, STACK-001, with the near names."""
    found = _by_word().get(_folded(name))
    if found is None:
        raise Missing(
            Problem("STACK-001", where, f"there is no software stack {name[:80]!a}", near(name[:80], stacks(), otherwise=OTHER))
        )
    return found


OTHER = f"leave it out for `{DEFAULT}`"


def stack_said(text: str, where: str = "stack") -> NamedStack:
    """The stack that a text names with words of its own: `megatron-core 0.9, CUDA graphs` or `torchtitan eager flash 2`.

    The longest name or alias that stands in it counts; then flash attention's release, `no flash`, `CUDA graphs`, `compile`,
    `eager`, `DeepEP`, `1f1b overlap` and `FP8 dispatch` change that. Raises Missing, STACK-001, where it names none.
    """
    words = re.sub(r"\s*[+&]\s*(?=deepspeed)", "-", re.sub(r"[_/]+", "-", text.lower()))
    named = [word for word in _by_word() if re.search(_pattern(word), words)]
    if not named:
        return stack_named(text, where)
    found = _by_word()[max(set(named) - WEAK or named, key=len)]
    if COMPILED.search(text):
        found = stacks().get(found.name.replace("-eager", "-compile"), found)
    changes = _changes(text)
    plan = {"flash_attention": False} if UNFUSED.search(text) else {"flash_attention": True} if _fuses(text) else {}
    return found.model_copy(update={"stack": found.stack | changes, "plan": found.plan | plan})


def _pattern(word: str) -> str:
    """Of a name in a text: its parts joined by dashes or spaces; another part after a dash makes it another name."""
    name = r"[-\s]+".join(map(re.escape, word.split("-")))
    return rf"(?<![a-z0-9]){name}(?![a-z0-9]|-(?!flash|cuda|eager|compile|no-)[a-z])"


def _changes(text: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for pattern, field, value in WORDS:
        if re.search(pattern, text, re.ASCII | re.IGNORECASE):
            said.setdefault(field or "host_kernel_s", value)
    return {field: value for field, value in said.items() if value is not None}


def _fuses(text: str) -> bool:
    return re.search(r"\bflash", text, re.IGNORECASE) is not None


def on_device(stack: Stack, architecture: str) -> Stack:
    """The same with an attention kernel whose rate is known there: otherwise the fastest that is."""
    known = {row.kernel for row in attention_constants().rows if row.architecture == architecture}
    if stack.attention_kernel is None or not known or stack.attention_kernel in known:
        return stack
    return replace(stack, attention_kernel=None)


@functools.cache
def _by_word() -> Mapping[str, NamedStack]:
    return {_folded(word): row for row in stacks().values() for word in (row.name, *row.aliases)}


def _folded(text: str) -> str:
    return re.sub(r"[\s_/]+", "-", text.strip().lower())
