"""What data ranks exchange and update under each ZeRO stage and shard, of one block's stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel import combine
from datahall.models.parallel.kernels import optimiser_s
from datahall.models.parallel.states import expert_shard_of
from datahall.models.parallel.step import WEIGHT_BYTES
from datahall.planner.search.pieces import Floats, Held, Pieces
from datahall.planner.search.space import Block, Column


@dataclass(frozen=True, slots=True)
class Columns:
    """Arrays over columns; those of stages have a second axis."""

    zero: NDArray[np.int64]
    shard: Floats
    """Ranks that a state is shared over, whether or not it is."""
    expert_shard: NDArray[np.int64]
    """The same of states of routed experts."""
    sharded: NDArray[np.int64]
    """Which columns shard weights (ZeRO 3)."""
    gather: dict[bool, Floats]
    """Of one layer by kind, of the columns that shard weights, s."""
    reduce: dict[bool, Floats]
    slowing: dict[bool, Floats]
    """Share of these, behind computing, that slows it."""
    apart: Floats
    """1 where tokens travel to experts over links while these wait for ports."""
    reduction: Floats
    """Of a stage's gradients once in a step, s: column, stage."""
    gathering: Floats
    """Of a stage's updated weights, s."""
    again: Floats
    """Of a stage's gradients in each further micro-batch (ZeRO 2), s."""
    update: Floats
    """Of a stage's optimiser, s."""


def columns_of(pieces: Pieces, block: Block, columns: Sequence[Column], held: Sequence[Held]) -> Columns:
    """Of these stages of a block. held: what each stage has."""
    zero = np.array([column.zero for column in columns])
    dense, routed = np.array([each.dense for each in held]), np.array([each.routed for each in held])
    layers = pieces.summed(block.tensor, block.experts).held
    shard = np.array([min(column.shard or block.across, block.across) for column in columns], np.float64)
    alike = expert_shard_of(pieces.plan(block, data=block.data), shard)
    reduction, gathering, again = np.zeros((3, len(columns), len(held)))
    gather, reduce, slowing = np.zeros((3, len(layers), 0))
    apart: Any = np.zeros(0)
    for kind in (0, 2, 3):  # in one micro-batch ZeRO 1 and 2 exchange alike
        at = np.flatnonzero((zero == kind) | ((zero == 1) & (kind == 2)))
        if len(at):
            same = tuple(Column(kind, columns[int(index)].shard) for index in at)
            run = pieces.shared(block, same)
            reduction[at], gathering[at], again[at] = _reduction(pieces, block, same, (dense, routed))
            if kind == 3:
                each = np.array(list(layers.values())).T[:, None, :]
                gather, reduce = (found.T for found in run.shard_s(*each))
                slowing, apart = run.gather_slowing(*each).T, run.exchange.apart("expert", "shard")[:, 0]
    again *= (zero == 2)[:, None]
    return Columns(
        zero, shard, alike, np.flatnonzero(zero == 3),
        dict(zip(layers, gather, strict=True)), dict(zip(layers, reduce, strict=True)),
        dict(zip(layers, slowing, strict=True)), apart,
        reduction, gathering, again, _update_s(pieces, (zero, shard, alike), (dense, routed)),
    )  # fmt: skip


def _reduction(pieces: Pieces, block: Block, columns: tuple[Column, ...], held: tuple[Floats, Floats]) -> tuple[Any, ...]:
    """Reduction, gathering, and reduction in each further micro-batch, s: column, stage."""
    run = pieces.shared(block, columns)
    if not run.plan.bucket_elements and not run.stack.broadcasts_shards:
        found: tuple[Any, ...] = run.reduction_s(*(each[None, :] for each in held))
        return found
    # A count of buckets is of one size, and a broadcast of one shard after another of one group.
    runs = [pieces.sharing(block.tensor, block.context, block.data, block.experts, column) for column in columns]
    sizes = [[each.reduction_s(float(dense), float(routed)) for dense, routed in zip(*held, strict=True)] for each in runs]
    return tuple(np.moveaxis(np.array(sizes), 2, 0))


def _update_s(pieces: Pieces, columns: tuple[Any, ...], held: tuple[Floats, Floats]) -> Floats:
    (zero, shard, alike), (dense, routed), plan = columns, held, pieces.plain
    sharded = (zero > 0)[:, None] * 1.0
    count = combine.updated(dense, routed, sharded=sharded, shard=shard[:, None], expert_shard=alike[:, None])
    each = {"gradient_bytes": plan.gradient_bytes, "state_bytes": plan.optimiser_bytes, "weight_bytes": WEIGHT_BYTES}
    return optimiser_s(pieces.question.cluster.device, count, **each)
