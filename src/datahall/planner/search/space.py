"""The choices that a search has: every value that some possible plan takes, and what is pinned alone.

A block is one choice of tensor, context, pipeline, data and expert ranks. Within it rows (micro-batch, sequence parallelism,
recomputation) meet columns (ZeRO stage and shard) under every schedule. Choices that change nothing are left out: schedules
with one stage, shards with nothing to shard, sequence parallelism with one tensor rank.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel import checks
from datahall.models.parallel.layout import stack_of
from datahall.models.parallel.spec import Recompute
from datahall.planner.search.question import Question

Schedule = Literal["1f1b", "interleaved", "zero_bubble", "dualpipe"]
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
RECOMPUTES: tuple[Recompute, ...] = get_args(Recompute)


@dataclass(frozen=True, slots=True)
class Variant:
    """A schedule and its chunks on each stage."""

    schedule: Schedule
    chunks: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """Ranks of one family of plans."""

    tensor: int
    context: int
    pipeline: int
    data: int
    expert: int = 1
    expert_tensor: int | None = None

    @property
    def accelerators(self) -> int:
        return self.tensor * self.context * self.pipeline * self.data

    @property
    def across(self) -> int:
        """Ranks that hold the same weights."""
        return self.context * self.data

    @property
    def experts(self) -> tuple[int, int | None]:
        return self.expert, self.expert_tensor


@dataclass(frozen=True, slots=True)
class Column:
    """What data ranks shard, and over how many of them."""

    zero: int = 0
    shard: int | None = None


class Space:
    """All choices of a question."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.layers = stack_of(question.architecture)
        self.parts = self.layers + 2 + question.architecture.prediction_layers
        """Pipeline parts at most: both ends, and layers that predict further tokens, may fill some."""

    def blocks(self) -> Iterator[Block]:
        """Every block of at most so many accelerators, or of exactly so many where none may stay idle."""
        most = self.question.accelerators
        for tensor in self.tensors:
            for context in self.contexts:
                for pipeline in self.pipelines:
                    left = most // (tensor * context * pipeline)
                    for data in self.datas:
                        if data > left:
                            break
                        if self.question.fewer or tensor * context * pipeline * data == most:
                            for expert, split in self.experts(tensor, context * data):
                                yield Block(tensor, context, pipeline, data, expert, split)

    @functools.cached_property
    def tensors(self) -> list[int]:
        most = min(self.question.architecture.attention.heads, self.question.accelerators)
        rules = (checks.tensor_heads, checks.tensor_kv_heads, checks.tensor_width)
        return [tensor for tensor in self._picked("tensor", divisors(most, below=True)) if self._holds(rules, tensor=tensor)]

    @functools.cached_property
    def contexts(self) -> list[int]:
        rules = (checks.context_sequence, checks.positions_sequence)
        choices = [c for c in divisors(self.question.sequence) if c <= self.question.accelerators]
        return [context for context in self._picked("context", choices) if self._holds(rules, context=context)]

    @functools.cached_property
    def pipelines(self) -> list[int]:
        choices = range(1, min(self.parts, self.question.accelerators) + 1)
        return [pipeline for pipeline in self._picked("pipeline", choices) if self.variants(pipeline)]

    @functools.cached_property
    def datas(self) -> list[int]:
        batch = self.question.global_batch
        return [data for data in self._picked("data", divisors(batch)) if batch % data == 0]

    @functools.cached_property
    def micro_batches(self) -> list[int]:
        """Sequences of one micro-batch, for any count of data ranks."""
        batch = self.question.global_batch
        return [size for size in self._picked("micro_batch", divisors(batch)) if batch % size == 0]

    @functools.cached_property
    def recomputes(self) -> list[Recompute]:
        return self._picked("recompute", RECOMPUTES)

    @functools.cache  # noqa: B019 - a space lives as long as one search
    def sequence_parallels(self, tensor: int, context: int) -> list[bool]:
        choices = [True, False] if tensor > 1 else [True]
        choices = self._picked("sequence_parallel", choices)
        held = {"tensor": tensor, "context": context}
        return [each for each in choices if self._holds((checks.tensor_sequence,), sequence_parallel=each, **held)]

    @functools.cache  # noqa: B019
    def variants(self, pipeline: int) -> list[Variant]:
        """Schedules that so many stages can run, whatever the batch."""
        known = [each for each in SCHEDULES if each in self.question.schedules] or SCHEDULES
        schedules = self._picked("schedule", known if pipeline > 1 else ["1f1b"])
        rules = (checks.pipeline_layers, checks.chunks_schedule, checks.chunks_layers, checks.dualpipe_stages)
        found = []
        for schedule in schedules:
            many = range(2, self.parts // pipeline + 1) if schedule == "interleaved" and pipeline > 1 else [1]
            if "schedule" in self.question.pinned and schedule == "interleaved":
                many = range(1, max(1, self.parts // pipeline) + 1)
            chosen = {"pipeline": pipeline, "schedule": schedule}
            found += [Variant(schedule, v) for v in self._picked("chunks", many) if self._holds(rules, **chosen, chunks=v)]
        return found

    @functools.cache  # noqa: B019
    def hidden_parts(self, pipeline: int) -> float:
        """Parts of a micro-batch's way through the other stages, of which some schedule hides all but one while filling: see
        `combine.bubble_s`."""
        hidden = {"zero_bubble": 3.0, "dualpipe": np.inf}
        return max(hidden.get(each.schedule, float(each.chunks)) for each in self.variants(pipeline))

    @functools.cache  # noqa: B019
    def experts(self, tensor: int, across: int) -> list[tuple[int, int | None]]:
        """Expert ranks, and ranks that split each expert: the tensor ranks, or none."""
        mixture = self.question.architecture.experts
        if mixture is None:
            pinned = self.question.pinned
            return [(1, None)] if pinned.get("expert", 1) == 1 else []
        splits = self._picked("expert_tensor", [None, 1] if tensor > 1 else [None])
        found = []
        for split in splits:
            ranks = across * tensor / (split or tensor)
            found += [(expert, split) for expert in self.expert_ranks if ranks % expert == 0]
        return found

    @functools.cached_property
    def expert_ranks(self) -> list[int]:
        """That divide the experts."""
        mixture = self.question.architecture.experts
        count = mixture.count if mixture else 1
        return [expert for expert in self._picked("expert", divisors(count)) if count % expert == 0]

    @functools.cached_property
    def zeros(self) -> list[int]:
        """ZeRO's stages."""
        return self._picked("zero", [0, 1, 2, 3])

    def columns(self, block: Block) -> list[Column]:
        """What data ranks may shard."""
        return self._columns(block.context, block.data)

    @functools.cache  # noqa: B019
    def _columns(self, context: int, data: int) -> list[Column]:
        across, found = context * data, list[Column]()
        for zero in self._picked("zero", [0, 1, 2, 3] if across > 1 else [0]):
            shards: list[int | None] = [None]
            if zero:
                shards += [shard for shard in divisors(data) if 1 < shard < across]
            some = self._picked("shard", shards)
            found += [Column(zero, shard) for shard in some if shard is None or (data % shard == 0 if zero else shard == 1)]
        return found

    def sizes(self, data: int) -> list[int]:
        """Sequences of one micro-batch that so many data ranks allow."""
        each = self.question.global_batch // data
        return [size for size in self.micro_batches if each % size == 0]

    def count(self, block: Block) -> int:
        """Configurations in a block."""
        rows = len(self.sequence_parallels(block.tensor, block.context)) * len(self.recomputes)
        return rows * self.ways(block.pipeline, block.data) * self.column_count(block.context, block.data)

    @functools.cache  # noqa: B019
    def column_count(self, context: int, data: int) -> int:
        return len(self._columns(context, data))

    @functools.cache  # noqa: B019
    def ways(self, pipeline: int, data: int) -> int:
        """Pairs of micro-batch and schedule."""
        counts = self.question.global_batch // data // np.array(self.sizes(data))
        return sum(int(np.sum(runs(variant, pipeline, counts))) for variant in self.variants(pipeline))

    def _picked(self, field: str, choices: Sequence[Any]) -> list[Any]:
        return [self.question.pinned[field]] if field in self.question.pinned else list(choices)

    def _holds(self, rules: Sequence[checks.Rule], **fields: Any) -> bool:
        plan = self.question.plan(**fields)
        return not any(True for rule in rules for _ in rule(self.question.architecture, plan, ""))


def runs(variant: Variant, pipeline: int, micro_batches: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a schedule can run so many micro-batches: PAR-016 for arrays."""
    if pipeline == 1 or variant.schedule in ("1f1b", "zero_bubble"):
        return np.ones(np.shape(micro_batches), bool)
    if variant.schedule == "interleaved":
        return np.asarray(micro_batches % pipeline == 0)
    return np.asarray((micro_batches % 2 == 0) & (micro_batches >= 2 * pipeline))


def divisors(value: int, *, below: bool = False) -> list[int]:
    """Of the value, in order; `below`: all numbers up to it instead."""
    if below:
        return list(range(1, value + 1))
    small = [n for n in range(1, int(value**0.5) + 1) if value % n == 0]
    return sorted({*small, *(value // n for n in small)})
