"""Seconds of a step for every row and column of a block at once, by the formulas of `combine`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from datahall.models.parallel import combine
from datahall.models.parallel.combine import Parts
from datahall.planner.search.columns import Columns
from datahall.planner.search.layers import LayerRows
from datahall.planner.search.pieces import Floats, Pieces, Rows
from datahall.planner.search.space import Block, Variant
from datahall.planner.search.stages import Kind


@dataclass(frozen=True, slots=True)
class Slowest:
    """Of all stages the slowest, at each column and row, s."""

    micro_batch: Any
    """One micro-batch on it."""
    exchange: tuple[Any, ...]
    """Over its data ranks: reduction and gathering once in a step, and reduction in each further micro-batch; forward and
    backward pass to hide behind, and its layers."""
    optimiser: Floats
    others: Floats
    """One micro-batch on all others, added up."""
    forward: Any
    """The longest forward pass of any stage."""


class Timer:
    """Times the plans of one block."""

    def __init__(self, pieces: Pieces, block: Block, rows: Rows, columns: Columns) -> None:
        self.pieces, self.block, self.rows, self.columns = pieces, block, rows, columns
        question = pieces.question
        self.stack, self.timed = question.stack, pieces.timed(block, rows)
        self.counts = (question.global_batch // block.data // rows.size).astype(np.float64)
        self.run = pieces.run(pieces.plan(block, pipeline=block.pipeline, data=block.data))
        self.constants = self.run.constants
        self.overlap = {"overlap": self.stack.data_overlap}
        self.full = np.array([pieces.space.recomputes[index] == "full" for index in rows.recompute])
        self.summed = pieces.summed(block.tensor, block.experts)
        self.later = combine.accumulated_s(1.0, self.counts)
        self.alone = {kind: self._layer(kind, self.timed.layers) for kind in self.timed.layers}
        self.beside = {kind: self._layer(kind, self.timed.beside) for kind in self.timed.layers if kind and pieces.beside}
        self.hop = self._hop_s()

    def _layer(self, kind: bool, timed: dict[bool, LayerRows]) -> Parts:
        """One layer, one micro-batch: column, row."""
        rows, columns, at = timed[kind], self.columns, self.columns.sharded
        whole, dense, routed = self.summed.layers[kind]
        gather: Any = 0.0
        backward: Any = rows.backward + self.later * whole
        if len(at):
            ranks, alike = columns.shard[at, None], columns.expert_shard[at, None]
            tokens_s = rows.expert * columns.apart[:, None]
            hiding = combine.hiding_s(rows.forward, rows.sharded + rows.again, tokens_s, full=self.full)
            behind: dict[str, Any] = self.overlap | {"contention": columns.slowing[kind][:, None]}
            gathering, reducing = columns.gather[kind][:, None], columns.reduce[kind][:, None]
            gather = np.zeros((len(columns.zero), len(rows.forward)))
            gather[at] = combine.gathered_s(gathering, reducing, forward_s=hiding[0], backward_s=hiding[1], **behind)
            backward = np.broadcast_to(backward, gather.shape).copy()
            backward[at] = rows.sharded + self.later * (dense / ranks + routed / alike)
        return Parts(forward=rows.forward, backward=backward, again=rows.again, tensor=rows.exchange, gather=gather)

    def _hop_s(self) -> Floats:
        """A send to the next stage, by row."""
        rows, run, block = self.rows, self.run, self.block
        if block.pipeline == 1:
            return np.zeros(len(rows.size))
        moved = rows.size * (run.moved_bytes / run.plan.micro_batch)
        hop: Floats = run.exchange.s("pipeline", "send_recv", moved / block.tensor)
        return hop + np.where(rows.parallel, 0.0, run.exchange.s("tensor", "all_gather", moved))

    def layer(self, kind: bool, *, dual: bool, chunks: int) -> Parts:
        """One layer, on average over passes that others run beside and passes that none does: column, row."""
        if kind not in self.beside or not (dual or self.stack.expert_overlap):
            return self.alone[kind]
        counts: dict[str, Any] = {"micro_batches": self.counts, "pipeline": self.block.pipeline, "chunks": chunks}
        return combine.blended(self.alone[kind], self.beside[kind], combine.lone_ratio(**counts, dual=dual))

    def stage(self, kind: Kind, *, dual: bool, chunks: int = 1) -> Parts:
        """One micro-batch through a stage: column, row."""
        held = self.pieces.held(self.block.tensor, self.block.experts, kind)
        layers = [(count, self.layer(which, dual=dual, chunks=chunks)) for which, count in held.layers.items() if count]
        ends = (kind.stage.embedding, kind.stage.output)
        vocabulary: Any = self.timed.vocabulary[ends]
        if any(ends):  # ZeRO 3 adds gradients to a shard of those before
            ranks = np.where(self.columns.zero == 3, self.columns.shard, 1.0)[:, None]
            vocabulary = vocabulary + self.later * (self.summed.ends / ranks)
        return combine.stage_parts(layers, around=Parts(vocabulary=vocabulary, gather=self._first_s(kind)), dual=dual)

    def _first_s(self, kind: Kind) -> Any:
        """The first layer's gathering and the last one's reduction, which nothing hides."""
        columns, at = self.columns, self.columns.sharded
        if not len(at) or not self.stack.data_overlap:
            return 0.0
        first = np.zeros((len(columns.zero), 1))
        first[at, 0] = columns.gather[kind.first_experts] + columns.reduce[kind.first_experts]
        return first

    def slowest(self, kinds: Sequence[Kind], at: Sequence[int], *, dual: bool, chunks: int = 1) -> Slowest:
        """Of stages of these kinds; at: where their figures stand in `columns`."""
        found: list[Slowest] = []
        total: Any = 0.0
        for kind, index in zip(kinds, at, strict=True):
            parts, columns = self.stage(kind, dual=dual, chunks=chunks), self.columns
            exchange = tuple(each[:, index, None] for each in (columns.reduction, columns.gathering, columns.again))
            behind = parts.forward, parts.backward + parts.again, float(kind.stage.layer_count)
            seconds = parts.seconds
            total = total + kind.count * seconds
            one = Slowest(seconds, (*exchange, *behind), columns.update[:, index, None], total, parts.forward)
            found = [_slower(found[0], one) if found else one]
        slow = found[0]
        return Slowest(slow.micro_batch, slow.exchange, slow.optimiser, total - slow.micro_batch, slow.forward)

    def steps(self, slow: Slowest, variants: Sequence[Variant]) -> Floats:
        """Seconds of a step under schedules that have these stages: schedule, column, row."""
        pipeline, first = self.block.pipeline, variants[0]
        dual = first.schedule == "dualpipe" and pipeline > 1
        divisors = [{"interleaved": each.chunks, "zero_bubble": 3}.get(each.schedule, 1) for each in variants]
        divisor, chunks = np.array(divisors)[:, None, None], np.array([each.chunks for each in variants])[:, None, None]
        bubble = combine.bubble_s(
            slow.others, slow.micro_batch, slow.forward, pipeline=pipeline, divisor=divisor, dual=dual
        )  # fmt: skip
        ranks: dict[str, Any] = {"chunks": chunks, "pipeline": pipeline}
        step = combine.step_from(
            Parts(gather=slow.micro_batch), micro_batches=self.counts, accelerators=self.block.accelerators, bubble=bubble,
            send=combine.send_s(self.hop, micro_batches=self.counts, **ranks, overlap=self.stack.send_overlap),
            data=self.data_s(slow, **ranks), optimiser=slow.optimiser,
            straggler_ratio=self.constants.straggler_ratio, host_s=self.constants.step_s,
        )  # fmt: skip
        return np.asarray(step.seconds)

    def data_s(self, slow: Slowest, **ranks: Any) -> Any:
        """What no computing hides of the slowest stage's reduction and gathering: schedule, column, row."""
        reduction, gathering, again, forward, backward, layers = slow.exchange
        repeated: dict[str, Any] = {"again_s": again, "further": self.counts - 1}
        windows: dict[str, Any] = {"forward_s": forward, "backward_s": backward, "layers": layers}
        behind: dict[str, Any] = self.overlap | {"contention": self.constants.contention_ratio}
        return combine.data_s(reduction, gathering, **windows, **behind, **ranks, **repeated)


def _slower(one: Slowest, other: Slowest) -> Slowest:
    """At each place the slower of two; the first where they are alike."""
    later = other.micro_batch > one.micro_batch
    return Slowest(
        np.maximum(one.micro_batch, other.micro_batch),
        tuple(np.where(later, theirs, mine) for theirs, mine in zip(other.exchange, one.exchange, strict=True)),
        np.where(later, other.optimiser, one.optimiser),
        other.others,
        np.maximum(one.forward, other.forward),
    )
