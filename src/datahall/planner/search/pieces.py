"""Seconds and bytes of single layers, computed once for each choice by the code of `models.parallel`, and kept.

A search combines them: nothing here is computed twice, and nothing is computed otherwise than for a single plan. What
depends on how many micro-batches, stages or data ranks there are is left out here (a plan of one micro-batch, one stage and
no sharding has none of it), and is added by `seconds.py`.
"""

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel.communication import exchange_of
from datahall.models.parallel.expert_constants import expert_constants
from datahall.models.parallel.footprint import CONTEXT_BYTES, FRAGMENTATION, TokenBytes
from datahall.models.parallel.layout import Stage
from datahall.models.parallel.memory import gathered_bytes, logit_bytes, token_bytes
from datahall.models.parallel.spec import Recompute, TrainPlan
from datahall.models.parallel.states import RankParameters, rank_parameters
from datahall.models.parallel.step import _Run as Run
from datahall.models.parallel.step_constants import step_constants
from datahall.planner.search.exchanges import Exchanges, many
from datahall.planner.search.question import Question
from datahall.planner.search.space import Block, Column, Space, Variant
from datahall.planner.search.stages import Kind, kinds_of

Floats = NDArray[np.float64]
Cell = tuple[float, float, float, float]
Key = tuple[int, bool, int]
"""A row: micro-batch, sequence parallelism, recomputation."""
ENDS = ((False, False), (True, False), (False, True), (True, True))
"""Whether a stage holds the embedding, and the output layer."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Choices of a micro-batch, of sequence parallelism and of recomputation."""

    size: NDArray[np.int64]
    """Sequences of a micro-batch."""
    parallel: NDArray[np.bool_]
    recompute: NDArray[np.int64]
    """Index into the space's."""
    place: NDArray[np.int64]
    """Among all rows of the same tensor and context ranks."""

    def at(self, chosen: Any) -> "Rows":
        """Some of the rows."""
        return Rows(self.size[chosen], self.parallel[chosen], self.recompute[chosen], self.place[chosen])


@dataclass(frozen=True, slots=True)
class LayerRows:
    """One kind of layer, one micro-batch, by row, s."""

    forward: Floats
    backward: Floats
    sharded: Floats
    """Backward where weights are sharded (ZeRO 3)."""
    again: Floats
    exchange: Floats
    """Of tensor, context and expert ranks, exposed."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One micro-batch, by row, s."""

    layers: dict[bool, LayerRows]
    """By whether they have experts."""
    beside: dict[bool, LayerRows]
    """The same while another micro-batch is computed."""
    vocabulary: dict[tuple[bool, bool], Floats]
    """By the ends that a stage holds."""


@dataclass(frozen=True, slots=True)
class Held:
    """Parameters of one stage on one rank."""

    dense: float
    """That all data ranks share, as the step counts them."""
    routed: float
    rank: RankParameters
    """As memory counts them."""
    gathered: float
    """Bytes of whole layers, where they are sharded."""
    layers: dict[bool, int]
    """Layers with experts, and without, as the step counts them."""


@dataclass(frozen=True, slots=True)
class Summed:
    """Gradients of one micro-batch added to those before it; and a layer's parameters."""

    layers: dict[bool, tuple[float, float, float]]
    """Seconds by kind of layer: where weights are whole; where they are sharded, those that all data ranks share and those of
    routed experts, times the ranks that share them."""
    ends: float
    """Of embedding or output layer."""
    held: dict[bool, tuple[float, float]]
    """Parameters of one layer that all data ranks share, and those of routed experts."""


class Pieces:
    """All that a question's plans are made of."""

    def __init__(self, question: Question, space: Space) -> None:
        self.question, self.space = question, space
        self.exchanges: dict[tuple[int | None, ...], Exchanges] = {}
        self.kept: dict[tuple[int, int, tuple[int, int | None]], Floats] = {}
        self.bounds: dict[Any, Any] = {}
        """What is at least taken, once worked out: see bounds.py."""

    @functools.cached_property
    def layer_counts(self) -> dict[bool, int]:
        """Layers with experts, and without."""
        whole = Stage(0, (range(self.question.architecture.layers),), True, True, 1.0)
        return dict(self.run(self.plan(Block(1, 1, 1, 1))).counts(whole))

    def run(self, plan: TrainPlan) -> Any:
        """What times a single plan; its exchanges take arrays of sizes, too, which its own annotations do not say."""
        question = self.question
        ranks = (plan.tensor, plan.context, plan.data, plan.pipeline, plan.expert, plan.expert_tensor, plan.shard)
        if ranks not in self.exchanges:
            self.exchanges[ranks] = Exchanges(exchange_of(plan, question.cluster).groups)
        exchange = self.exchanges[ranks]
        constants = step_constants(), expert_constants()
        return Run(question.architecture, plan, question.cluster, question.stack, exchange, *constants)

    def plan(self, block: Block, **chosen: Any) -> TrainPlan:
        """A plan on these ranks: one stage, one micro-batch of one sequence on each data rank, unless chosen otherwise."""
        fields: dict[str, Any] = {"pipeline": 1, "chunks": 1, "schedule": "1f1b", "zero": 0, "shard": None, "micro_batch": 1}
        ranks = {"tensor": block.tensor, "context": block.context, "expert": block.expert}
        fields |= ranks | {"expert_tensor": block.expert_tensor, "data": block.expert} | chosen
        fields.setdefault("global_batch", fields["data"] * fields["micro_batch"])
        return self.plain.model_copy(update=fields)

    @functools.cached_property
    def plain(self) -> TrainPlan:
        """With what is pinned: to be copied, which costs a tenth of being checked."""
        return self.question.plan()

    @functools.cache  # noqa: B019 - they live as long as one search
    def sharing(self, tensor: int, context: int, data: int, experts: tuple[int, int | None], column: Column) -> Any:
        """What times exchanges of data ranks; they do not depend on stages."""
        chosen = {"data": data, "zero": column.zero, "shard": column.shard}
        return self.run(self.plan(Block(tensor, context, 1, data, *experts), **chosen))

    def shared(self, block: Block, columns: tuple[Column, ...]) -> Any:
        """The same of columns with one ZeRO stage, side by side."""
        return self._shared(block.tensor, block.context, block.data, block.experts, columns)

    @functools.cache  # noqa: B019
    def _shared(
        self, tensor: int, context: int, data: int, experts: tuple[int, int | None], columns: tuple[Column, ...]
    ) -> Any:
        runs = [self.sharing(tensor, context, data, experts, column) for column in columns]
        return replace(runs[0], exchange=many([run.exchange for run in runs]))

    @functools.cache  # noqa: B019
    def rows(self, tensor: int, context: int) -> Rows:
        """Every row of these ranks whose micro-batch one accelerator could hold: see `largest`."""
        space, keys = self.space, list[tuple[int, bool, int]]()
        for parallel in space.sequence_parallels(tensor, context):
            most = self.largest(tensor, context, parallel)
            sizes = [size for size in space.micro_batches if size <= most]
            keys += [(size, parallel, index) for size in sizes for index in range(len(space.recomputes))]
        found = np.array(keys, np.int64).reshape(-1, 3)
        return Rows(found[:, 0], found[:, 1].astype(bool), found[:, 2], np.arange(len(found)))

    def timed(self, block: Block, rows: Rows) -> Timed:
        """Seconds of these rows: each is worked out when it is first asked for."""
        key = (block.tensor, block.context, block.experts)
        if key not in self.kept:
            width = 10 * len(self.layer_counts) + len(ENDS)
            self.kept[key] = np.full((len(self.rows(block.tensor, block.context).size), width), np.nan)
        kept = self.kept[key]
        for at in np.flatnonzero(np.isnan(kept[rows.place, 0])):
            one = int(rows.size[at]), bool(rows.parallel[at]), int(rows.recompute[at])
            kept[rows.place[at]] = self._row(block, one)
        found, kinds = kept[rows.place].T, tuple(self.layer_counts)
        each = [LayerRows(*found[5 * index : 5 * index + 5]) for index in range(2 * len(kinds))]
        alone, beside = (dict(zip(kinds, each[index::2], strict=True)) for index in (0, 1))
        return Timed(alone, beside, dict(zip(ENDS, found[-len(ENDS) :], strict=True)))

    def _row(self, block: Block, key: Key) -> list[float]:
        """Of each kind of layer, alone and beside another micro-batch, what `LayerRows` has, then the vocabulary's seconds by
        ends."""
        found: list[float] = []
        for kind in self.layer_counts:
            for beside in (False, True):
                forward, backward, again, exchange = self.layer(block, key, kind, beside=beside)
                longer = self._longer(block.tensor, block.context, _experts(block, kind), key[:2], kind, beside=beside and kind)
                found += [forward, backward, backward + longer, again, exchange]
        return [*found, *self._vocabulary(block.tensor, block.context, *key[:2])]

    @functools.cached_property
    def beside(self) -> bool:
        """Whether in any plan tokens travel to experts while another micro-batch is computed."""
        schedule = Variant("dualpipe", 1)
        return self.question.stack.expert_overlap or any(schedule in self.space.variants(n) for n in self.space.pipelines)

    def layer(self, block: Block, key: Key, kind: bool, *, beside: bool = False) -> Cell:
        """One row of one kind of layer: forward, backward, again, exchange, s."""
        return self._layer(
            block.tensor, block.context, _experts(block, kind), key, kind, beside=beside and kind and self.beside
        )

    @functools.cache  # noqa: B019
    def _layer(self, tensor: int, context: int, experts: tuple[int, int | None], key: Key, kind: bool, *, beside: bool) -> Cell:
        size, parallel, recompute = key
        block, chosen = Block(tensor, context, 1, 1, *experts), {"micro_batch": size, "sequence_parallel": parallel}
        run = self.run(self.plan(block, **chosen, recompute=self.space.recomputes[recompute]))
        part = run.layer(run.firsts[kind], beside=beside)
        forward, backward, again = float(part.forward), float(part.backward), float(part.again)
        return forward, backward, again, float(part.seconds) - forward - backward - again

    @functools.cache  # noqa: B019
    def _longer(
        self, tensor: int, context: int, experts: tuple[int, int | None], key: tuple[int, bool], kind: bool, *, beside: bool
    ) -> float:
        """By how much backward is longer where weights are sharded: whatever is computed again."""
        beside = beside and self.beside
        whole = self._layer(tensor, context, experts, (*key, 0), kind, beside=beside)
        chosen = {"micro_batch": key[0], "sequence_parallel": key[1], "recompute": self.space.recomputes[0], "zero": 3}
        run = self.run(self.plan(Block(tensor, context, 1, 1, *experts), **chosen))
        return float(run.passed(run.firsts[kind], beside=beside)[0].backward) - whole[1]

    @functools.cache  # noqa: B019
    def _vocabulary(self, tensor: int, context: int, size: int, parallel: bool) -> tuple[float, ...]:
        run = self.run(self.plan(Block(tensor, context, 1, 1), micro_batch=size, sequence_parallel=parallel))
        return tuple(run.vocabulary_s(_end(*ends)) for ends in ENDS)

    @functools.cache  # noqa: B019
    def largest(self, tensor: int, context: int, parallel: bool) -> float:
        """Sequences of the largest micro-batch that could fit, as work on one layer and logits alone must; not below the
        smallest."""
        question, space = self.question, self.space
        plan = self.plan(Block(tensor, context, 1, 1))
        kinds = [(split, each) for split in (None, 1) for each in space.recomputes]
        work = min(min(map(float, self.token(tensor, split, parallel, each, False).working)) for split, each in kinds)
        tokens = question.sequence / context
        each = FRAGMENTATION * max(work, float(logit_bytes(question.architecture, plan, 1.0))) * tokens
        return max((question.limit_bytes - CONTEXT_BYTES) / each, float(min(space.micro_batches, default=0)))

    @functools.cache  # noqa: B019
    def token(self, tensor: int, split: int | None, parallel: bool, recompute: Recompute, piped: bool) -> TokenBytes:
        """Bytes of one token; split: ranks that split an expert, where others than tensor's; piped: more than one stage."""
        chosen = {"sequence_parallel": parallel, "recompute": recompute, "pipeline": 1 + piped}
        plan = self.plan(Block(tensor, 1, 1, 1, expert_tensor=split), **chosen)
        return token_bytes(self.question.architecture, plan, self.question.stack.recomputed)

    @functools.cache  # noqa: B019
    def stages(self, pipeline: int, variant: Variant) -> tuple[Kind, ...]:
        chosen = {"pipeline": pipeline, "schedule": variant.schedule, "chunks": variant.chunks}
        return kinds_of(self.question.architecture, self.plan(Block(1, 1, 1, 1), **chosen))

    @functools.cache  # noqa: B019
    def held(self, tensor: int, experts: tuple[int, int | None], kind: Kind) -> Held:
        """Parameters of a stage on one rank."""
        plan = self.plan(Block(tensor, 1, 1, 1, *experts))
        run = self.run(plan)
        rank = rank_parameters(self.question.architecture, plan, kind.stage)
        whole = gathered_bytes(self.question.architecture, plan, rank, output=kind.stage.output)
        dense, routed = run.stage_held(kind.stage)
        return Held(dense, routed, rank, whole, dict(run.counts(kind.stage)))

    @functools.cache  # noqa: B019
    def summed(self, tensor: int, experts: tuple[int, int | None]) -> Summed:
        """What a second micro-batch adds, which is half of what each would: so that twice that is one's own."""
        block = Block(tensor, 1, 1, 1, *experts)
        one, two, sharing = (self._summing(block, *chosen) for chosen in ((0, 1), (0, 2), (3, 2)))
        ranks, found = [sharing.exchange.groups[axis].ranks for axis in ("shard", "expert_shard")], {}
        held = {kind: one.held(first) for kind, first in one.firsts.items()}
        for kind, first in one.firsts.items():
            whole = 2 * float(two.layer(first).backward - one.layer(first).backward)
            dense, routed = held[kind]
            found[kind] = whole, 2 * ranks[0] * sharing.accumulate_s(dense), 2 * ranks[1] * sharing.accumulate_s(0.0, routed)
        ends = 2 * (two.vocabulary_s(_end(True, False)) - one.vocabulary_s(_end(True, False)))
        return Summed(found, ends, held)

    def _summing(self, block: Block, zero: int, micro_batches: int) -> Any:
        return self.run(self.plan(block, zero=zero, global_batch=micro_batches * block.expert))


def _experts(block: Block, kind: bool) -> tuple[int, int | None]:
    """Expert ranks, as far as they change a kind of layer."""
    return block.experts if kind else (1, None)


def _end(embedding: bool, output: bool) -> Stage:
    """A stage that holds these ends."""
    return Stage(0, (range(1),), embedding, output, 1.0)
