"""Seconds of single layers: of every micro-batch and all expert ranks at once, by the code that times a single plan.

A plan whose micro-batch and expert ranks are arrays stands for all of them. What depends on how many micro-batches, stages or
data ranks there are is left out here: a plan of one micro-batch, one stage and no sharding has none of it.
"""

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel.layout import Stage
from datahall.planner.search.exchanges import ExpertExchanges, ManyExchanges, groups_of
from datahall.planner.search.question import Question
from datahall.planner.search.runs import Floats, Rows, Runs
from datahall.planner.search.space import Block, Space, Variant

ENDS = ((False, False), (True, False), (False, True), (True, True))
"""Whether a stage holds the embedding, and the output layer."""


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
    expert: Floats
    """Of that, of expert ranks."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One micro-batch, by row, s."""

    layers: dict[bool, LayerRows]
    """By whether they have experts."""
    beside: dict[bool, LayerRows]
    """The same while another micro-batch is computed."""
    vocabulary: dict[tuple[bool, bool], Floats]
    """By the ends that a stage holds."""


class Layers(Runs):
    """Of one question: each is worked out when it is first asked for, and kept."""

    def __init__(self, question: Question, space: Space) -> None:
        super().__init__(question, space)
        self.kept: dict[tuple[int, int, tuple[int, int | None]], Floats] = {}

    @functools.cached_property
    def layer_counts(self) -> dict[bool, int]:
        """Layers with experts, and without."""
        whole = Stage(0, (range(self.question.architecture.layers),), True, True, 1.0)
        return dict(self.run(self.plan(Block(1, 1, 1, 1))).counts(whole))

    @functools.cached_property
    def firsts(self) -> dict[bool, int]:
        """The first layer with experts, and the first without."""
        return dict(self.run(self.plan(Block(1, 1, 1, 1))).firsts)

    @functools.cached_property
    def beside(self) -> bool:
        """Whether in any plan tokens travel to experts while another micro-batch is computed."""
        schedule = Variant("dualpipe", 1)
        return self.question.stack.expert_overlap or any(schedule in self.space.variants(n) for n in self.space.pipelines)

    @functools.cache  # noqa: B019 - they live as long as one search
    def sizes(self, tensor: int, context: int, parallel: bool) -> NDArray[np.int64]:
        """Micro-batches of the rows of these ranks, the smallest first."""
        rows = self.rows(tensor, context)
        return np.unique(rows.size[rows.parallel == parallel])

    def timed(self, block: Block, rows: Rows) -> Timed:
        """Seconds of these rows."""
        kept = self._kept(block)
        missing = np.isnan(kept[rows.place, 0])
        for parallel, recompute in {*zip(rows.parallel[missing].tolist(), rows.recompute[missing].tolist(), strict=True)}:
            every = self.rows(block.tensor, block.context)
            kept[(every.parallel == parallel) & (every.recompute == recompute)] = self._lines(block, parallel, recompute)
        found, kinds = kept[rows.place].T, tuple(self.layer_counts)
        each = [LayerRows(*found[6 * index : 6 * index + 6]) for index in range(2 * len(kinds))]
        alone, beside = (dict(zip(kinds, each[index::2], strict=True)) for index in (0, 1))
        return Timed(alone, beside, dict(zip(ENDS, found[-len(ENDS) :], strict=True)))

    def _kept(self, block: Block) -> Floats:
        """Row by row, what `timed` takes apart; NaN where nothing was asked for so far."""
        key = (block.tensor, block.context, block.experts)
        if key not in self.kept:
            width = 12 * len(self.layer_counts) + len(ENDS)
            self.kept[key] = np.full((len(self.rows(block.tensor, block.context).size), width), np.nan)
        return self.kept[key]

    def _lines(self, block: Block, parallel: bool, recompute: int) -> Floats:
        """By micro-batch: of each kind of layer, alone and beside another micro-batch, what `LayerRows` has, then the
        vocabulary's seconds by ends."""
        found: list[Any] = []
        for kind in self.layer_counts:
            for beside in (False, True):
                forward, backward, again, exchange, expert = self.layer(block, parallel, recompute, kind, beside=beside)
                longer = self._longer(block.tensor, block.context, parallel, kind)
                found += [forward, backward, backward + longer, again, exchange, expert]
        return np.array([*found, *self.vocabulary(block.tensor, block.context, parallel)]).T

    def layer(self, block: Block, parallel: bool, recompute: int, kind: bool, *, beside: bool = False) -> Floats:
        """One kind of layer: forward, backward, again, exchange and of that experts', each by micro-batch, s."""
        split = block.expert_tensor if kind else None
        family = Block(block.tensor, block.context, 1, 1, 1, split)
        at = self.expert_ranks(block.tensor, split).index(block.expert) if kind else 0
        return np.asarray(self._layer(family, (parallel, recompute), kind, beside=beside and kind and self.beside)[:, at])

    @functools.cache  # noqa: B019
    def _layer(self, family: Block, chosen: tuple[bool, int], kind: bool, *, beside: bool) -> Floats:
        """Forward, backward, again, exchange, and of that experts': by expert ranks and micro-batch, s. chosen: sequence
        parallelism and recomputation."""
        fields = {"sequence_parallel": chosen[0], "recompute": self.space.recomputes[chosen[1]]}
        run = self._several(family, kind, **fields)
        part = run.layer(self.firsts[kind], beside=beside)
        found = (part.forward, part.backward, part.again, part.tensor + part.context + part.expert, part.expert)
        shape = len(self.expert_ranks(family.tensor, family.expert_tensor)) if kind else 1, len(run.plan.micro_batch)
        return np.array([np.broadcast_to(each, shape) for each in found])

    @functools.cache  # noqa: B019
    def _longer(self, tensor: int, context: int, parallel: bool, kind: bool) -> Any:
        """By how much backward is longer where weights are sharded, by micro-batch: no product adds gradients to a sum then.
        Experts' products never do."""
        if kind or 3 not in self.space.zeros:
            return 0.0
        chosen = {"sequence_parallel": parallel, "recompute": self.space.recomputes[0]}
        whole, sharded = (self._several(Block(tensor, context, 1, 1), kind, **chosen, zero=zero) for zero in (0, 3))
        first = self.firsts[kind]
        return sharded.passed(first)[0].backward - whole.passed(first)[0].backward

    @functools.cache  # noqa: B019
    def vocabulary(self, tensor: int, context: int, parallel: bool) -> Floats:
        """By ends of a stage and micro-batch, s."""
        run = self._several(Block(tensor, context, 1, 1), False, sequence_parallel=parallel)
        return np.array([run.vocabulary_s(end_of(*ends)) + 0.0 * run.plan.micro_batch for ends in ENDS])

    def _several(self, family: Block, kind: bool, **chosen: Any) -> Any:
        """What times plans of every micro-batch, and of all expert ranks where layers have experts."""
        size = self.sizes(family.tensor, family.context, chosen["sequence_parallel"]).astype(np.float64)
        alone = self.run(self.plan(family))
        if not kind:
            return replace(alone, plan=self.plan(family, **chosen, micro_batch=size))
        ranks = self.expert_ranks(family.tensor, family.expert_tensor)
        count = np.array(ranks, np.float64)[:, None]
        sent = self._sent(family.expert_tensor or family.tensor, ranks)
        exchange = ExpertExchanges(alone.exchange.groups, alone.exchange.known, sent)
        plan = self.plan(family, **chosen, micro_batch=size, expert=count, data=count)
        return replace(alone, plan=plan, exchange=exchange)

    @functools.cache  # noqa: B019
    def expert_ranks(self, tensor: int, split: int | None) -> tuple[int, ...]:
        """All that the accelerators have room for, where so many ranks split each expert."""
        room = self.question.accelerators // (split or tensor)
        return tuple(expert for expert in self.space.expert_ranks if expert <= room)

    @functools.cache  # noqa: B019
    def _sent(self, split: int, experts: tuple[int, ...]) -> ManyExchanges:
        """Exchanges of tokens with their experts: where these sit depends on nothing else."""
        runs = [self.run(self.plan(Block(split, 1, 1, 1, expert))) for expert in experts]
        return ManyExchanges({"expert": groups_of(tuple(run.exchange.groups["expert"] for run in runs))})


def end_of(embedding: bool, output: bool) -> Stage:
    """A stage that holds these ends."""
    return Stage(0, (range(1),), embedding, output, 1.0)
