"""The batch and the sequence of a run where nobody says them."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Name, Spec
from datahall.models.cost.operations import training_flop
from datahall.models.cost.spec import Architecture

FILE = Path(__file__).with_name("batches.yaml")
LONGEST = 8192
"""Tokens: models made for longer contexts are pre-trained on shorter ones, and on their whole context at the end (Llama 3,
arXiv:2407.21783, section 3.4: 8,192 for all but some 800 of 15,600 billion tokens)."""
LAW = "Bi et al. (DeepSeek LLM), arXiv:2401.02954, section 3.1: batch in tokens = 0.2920 C^0.3271, C: FLOPs of the run"


class PublishedBatch(Spec):
    """How models were pre-trained."""

    models: tuple[Name, ...] = Field(min_length=1)
    sequence: int = Field(ge=1)
    tokens_of_batch: float | None = Field(default=None, gt=0)
    """Where the source counts tokens."""
    sequences: int | None = Field(default=None, ge=1)
    """Where it counts sequences."""
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}-\d{2}$")
    checked: Literal["read", "secondary", "unverified"]

    def batch(self, sequence: int) -> int:
        """Sequences of this length that make the published batch."""
        if self.sequences is not None and sequence == self.sequence:
            return self.sequences
        return _even((self.tokens_of_batch or (self.sequences or 1) * self.sequence) / sequence)


class PublishedBatches(Spec):
    rows: tuple[PublishedBatch, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences of one step and tokens of a sequence, each with the reason for it."""

    sequences: int
    sequence: int
    why: str
    sequence_why: str
    assumed: bool
    """Whether the batch was chosen here."""


@functools.cache
def published() -> Mapping[str, PublishedBatch]:
    """By name of the architecture."""
    return {name: row for row in load(FILE, PublishedBatches).rows for name in row.models}


def batch_of(architecture: Architecture, tokens: float, *, sequence: int | None, sequences: int | None) -> Batch:
    """The batch as asked; else the published one; else by DeepSeek's law."""
    row = published().get(architecture.name)
    length, length_why = _sequence(architecture, row, sequence)
    if sequences is not None:
        return Batch(sequences, length, "as asked", length_why, assumed=False)
    if row is not None:
        why = f"as published: {row.source}"
        return Batch(min(row.batch(length), max(1, int(tokens / length))), length, why, length_why, assumed=True)
    wanted = 0.2920 * float(training_flop(architecture, tokens, sequence=length)) ** 0.3271
    return Batch(_even(min(wanted, tokens) / length), length, LAW, length_why, assumed=True)


def _sequence(architecture: Architecture, row: PublishedBatch | None, asked: int | None) -> tuple[int, str]:
    if asked is not None:
        return asked, "as asked"
    if row is not None:
        return row.sequence, f"as published: {row.source}"
    if architecture.context <= LONGEST:
        return architecture.context, f"the context of {architecture.name}"
    return LONGEST, f"longer contexts than {LONGEST:,} are usually trained at the end only"


def _even(value: float) -> int:
    """The nearest of 4, 5, 6, 7 times a power of two, so that data ranks and micro-batches divide it: 1,562.5 becomes 1,536."""
    unit: int = 1 << max(0, math.floor(math.log2(max(1.0, value))) - 2)
    return max(1, round(value / unit)) * unit
