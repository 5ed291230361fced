"""Seconds and bytes of all that plans are made of, computed once for each choice by the code of `models.parallel`, and kept.

A search combines them: nothing here is computed twice, and nothing is computed otherwise than for a single plan. What
depends on how many micro-batches, stages or data ranks there are is left out here (a plan of one micro-batch, one stage and
no sharding has none of it), and is added by `seconds.py`.
"""

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from datahall.models.parallel.memory import gathered_bytes
from datahall.models.parallel.states import RankParameters, rank_parameters
from datahall.planner.search.exchanges import many
from datahall.planner.search.layers import Layers, end_of
from datahall.planner.search.question import Question
from datahall.planner.search.runs import Floats as Floats
from datahall.planner.search.runs import Rows as Rows
from datahall.planner.search.space import Block, Column, Space, Variant
from datahall.planner.search.stages import Kind, kinds_of


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


class Pieces(Layers):
    """All that a question's plans are made of."""

    def __init__(self, question: Question, space: Space) -> None:
        super().__init__(question, space)
        self.bounds: dict[Any, Any] = {}
        """What is at least taken, once worked out: see bounds.py."""

    def space_of(self, question: Question) -> Space:
        """Of this question, or of the same one about fewer accelerators, for which the pieces are good, too.

        Raises ValueError for another question.
        """
        own = self.question
        if question == own:
            return self.space
        if question.accelerators > own.accelerators or replace(question, accelerators=own.accelerators, fewer=own.fewer) != own:
            raise ValueError("pieces are of another question, or of one about fewer accelerators")
        return Space(question)

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
    def stage_parameters(self, tensor: int, experts: tuple[int, int | None], kinds: tuple[Kind, ...]) -> Floats:
        """Of stages on one rank, as memory counts them: parameters of all data ranks, of routed experts, and gathered bytes."""
        held = [self.held(tensor, experts, kind) for kind in kinds]
        return np.array([(each.rank.shared, each.rank.experts, each.gathered) for each in held]).T

    @functools.cache  # noqa: B019
    def summed(self, tensor: int, experts: tuple[int, int | None]) -> Summed:
        """What a second micro-batch adds, which is half of what each would: so that twice that is one's own."""
        block = Block(tensor, 1, 1, 1, *experts)
        one, two, sharing = (self._summing(block, *chosen) for chosen in ((0, 1), (0, 2), (3, 2)))
        ranks, found = [sharing.exchange.groups[axis].ranks for axis in ("shard", "expert_shard")], {}
        held = {kind: one.held(first) for kind, first in one.firsts.items()}
        for kind, first in one.firsts.items():
            whole = 2 * float(two.added_s(first) - one.added_s(first))
            dense, routed = held[kind]
            found[kind] = whole, 2 * ranks[0] * sharing.accumulate_s(dense), 2 * ranks[1] * sharing.accumulate_s(0.0, routed)
        ends = 2 * (two.vocabulary_s(end_of(True, False)) - one.vocabulary_s(end_of(True, False)))
        return Summed(found, ends, held)

    def _summing(self, block: Block, zero: int, micro_batches: int) -> Any:
        return self.run(self.plan(block, zero=zero, global_batch=micro_batches * block.expert))


def pieces_of(question: Question) -> Pieces:
    """Nothing is worked out yet."""
    return Pieces(question, Space(question))
