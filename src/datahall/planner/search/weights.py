"""Bytes of the fullest stage for every row and column of a block at once, by the formulas of `footprint`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel import footprint
from datahall.models.parallel.footprint import TokenBytes
from datahall.models.parallel.memory import buffer_bytes, logit_bytes
from datahall.models.parallel.states import ParameterBytes, expert_shard_of, parameter_bytes, states_bytes
from datahall.planner.search.pieces import Floats, Pieces, Rows
from datahall.planner.search.space import Block, Column, Variant
from datahall.planner.search.stages import Kind


class Scales:
    """Weighs the plans of one block."""

    def __init__(self, pieces: Pieces, block: Block, rows: Rows, columns: Sequence[Column]) -> None:
        self.pieces, self.block, self.rows = pieces, block, rows
        question = pieces.question
        self.counts = question.global_batch // block.data // rows.size
        self.tokens = rows.size * question.sequence / block.context
        self.token = self._token()
        plan = pieces.plan(block, pipeline=block.pipeline, data=block.data)
        self.logits: Any = logit_bytes(question.architecture, plan, self.tokens)
        self.nothing = np.zeros(len(self.tokens))
        self.buffers = self._buffers()
        self._columns(columns)

    def _columns(self, columns: Sequence[Column]) -> None:
        plans = {zero: self.pieces.plan(self.block, data=self.block.data, zero=zero) for zero in range(4)}
        per = [parameter_bytes(plans[column.zero]) for column in columns]
        self.per = ParameterBytes(*(np.array([getattr(each, name) for each in per]) for name in ParameterBytes.__slots__))
        self.zero = np.array([column.zero for column in columns])
        across = self.block.across
        self.shard = np.array([min(column.shard or across, across) for column in columns], np.float64)
        self.expert_shard = expert_shard_of(self.pieces.plan(self.block, data=self.block.data), self.shard)

    def _token(self) -> TokenBytes:
        """By row."""
        block, space = self.block, self.pieces.space
        tokens = [
            self.pieces.token(block.tensor, block.expert_tensor, parallel, recompute, block.pipeline > 1)
            for parallel in (False, True)
            for recompute in space.recomputes
        ]
        at = self.rows.parallel * len(space.recomputes) + self.rows.recompute
        layers = range(4)
        return TokenBytes(
            [np.array([token.kept[i] for token in tokens])[at] for i in layers],
            [np.array([token.working[i] for token in tokens])[at] for i in layers],
            np.array([token.outer for token in tokens])[at],
            np.array([token.embedding for token in tokens])[at],
            np.array([token.boundary for token in tokens])[at],
            np.array([token.joined for token in tokens])[at],
        )

    def _buffers(self) -> Floats:
        found = np.zeros(len(self.tokens))
        for parallel in {*self.rows.parallel.tolist()}:
            at = self.rows.parallel == parallel
            chosen = {"pipeline": self.block.pipeline, "data": self.block.data, "sequence_parallel": parallel}
            plan = self.pieces.plan(self.block, **chosen)
            found[at] = buffer_bytes(self.pieces.question.architecture, plan, self.tokens[at])
        return found

    def states(self, kinds: Sequence[Kind]) -> Floats:
        """Of each stage, by column: what does not move with a micro-batch."""
        shared, experts, gathered = self.pieces.stage_parameters(self.block.tensor, self.block.experts, tuple(kinds))
        parts = {"zero": self.zero, "shard": self.shard, "expert_shard": self.expert_shard}
        weights, gradients, optimiser = states_bytes(self.per, shared[:, None], experts[:, None], **parts)
        whole = (self.zero == 3) * gathered[:, None]
        return np.asarray(footprint.lasting_bytes(weights + gradients + optimiser, whole))

    def needed(self, kinds: Sequence[Kind], variants: Sequence[Variant]) -> Floats:
        """What the stage that needs most cannot do without: schedule, column, row."""
        most: Any = None
        for kind, states in zip(kinds, self.states(kinds), strict=True):
            working = self.tokens * footprint.working_bytes(self.token, kind.layers)
            logits = self.logits if kind.output else self.nothing
            moving = self._kept(kind, variants) + (working + logits + self.buffers)
            spare = np.minimum(working, logits)
            here = states[:, None] + (footprint.moving_bytes(moving) - spare)[:, None, :]
            most = here if most is None else np.maximum(most, here, out=most)
        return np.asarray(most)

    def _kept(self, kind: Kind, variants: Sequence[Variant]) -> Floats:
        """Activations from forward to backward: schedule, row."""
        in_flight = np.empty((len(variants), len(self.tokens)))
        for index, variant in enumerate(variants):
            ranks: dict[str, Any] = {"pipeline": self.block.pipeline, "chunks": variant.chunks, "micro_batches": self.counts}
            in_flight[index] = footprint.in_flight(variant.schedule, kind.index, **ranks)
        ends: dict[str, Any] = {"embedding": kind.embedding, "output": kind.output}
        return np.asarray(self.tokens * footprint.activation_bytes(self.token, kind.layers, in_flight, **ends))


def least_bytes(pieces: Pieces, family: Block, pipelines: NDArray[np.int64], datas: NDArray[np.int64]) -> Floats:
    """What the fullest stage holds at least, of pairs of pipeline and data ranks: a mean stage's weights, gradients and
    optimiser, with as much shared over as many ranks as there are."""
    (whole,) = pieces.stages(1, Variant("1f1b"))
    rank = pieces.held(family.tensor, family.experts, whole).rank
    shard = family.context * datas.astype(np.float64)
    experts = np.maximum(1.0, shard * family.tensor / (family.expert_tensor or family.tensor) / family.expert)
    least: Any = np.inf
    for zero in {0, *pieces.space.zeros}:
        per = parameter_bytes(pieces.plan(family, zero=zero))
        parts = states_bytes(per, rank.shared, rank.experts, zero=zero, shard=shard, expert_shard=experts)
        least = np.minimum(least, sum(parts) / pipelines)
    return np.asarray(footprint.lasting_bytes(least, 0.0))
