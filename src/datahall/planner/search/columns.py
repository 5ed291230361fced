"""What data ranks exchange and update under each ZeRO stage and shard, of one block's stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel import combine
from datahall.models.parallel.kernels import optimiser_s
from datahall.models.parallel.step import WEIGHT_BYTES
from datahall.planner.search.pieces import Floats, Held, Pieces
from datahall.planner.search.space import Block, Column


@dataclass(frozen=True, slots=True)
class Columns:
    """Arrays over columns; those of stages have a second axis."""

    zero: NDArray[np.int64]
    shard: Floats
    """Ranks that a state is shared over, whether or not it is."""
    sharded: NDArray[np.int64]
    """Which columns shard weights (ZeRO 3)."""
    gather: dict[bool, Floats]
    """Of one layer by kind, of the columns that shard weights, s."""
    reduce: dict[bool, Floats]
    reduction: Floats
    """Of a stage's gradients once in a step, s: column, stage."""
    gathering: Floats
    """Of a stage's updated weights, s."""
    update: Floats
    """Of a stage's optimiser, s."""


def columns_of(pieces: Pieces, block: Block, columns: Sequence[Column], held: Sequence[Held]) -> Columns:
    """Of these stages of a block. held: what each stage has."""
    zero = np.array([column.zero for column in columns])
    dense, routed = np.array([each.dense for each in held]), np.array([each.routed for each in held])
    layers = pieces.summed(block.tensor, block.experts).dense
    shard = np.array([min(column.shard or block.across, block.across) for column in columns], np.float64)
    reduction, gathering = np.zeros((2, len(columns), len(held)))
    gather, reduce = np.zeros((2, len(layers), 0))
    for kind in (0, 1, 3):  # ZeRO 1 and 2 exchange alike
        at = np.flatnonzero((zero == kind) | ((zero == 2) & (kind == 1)))
        if len(at):
            same = tuple(Column(kind, columns[int(index)].shard) for index in at)
            run = pieces.shared(block, same)
            reduction[at], gathering[at] = _reduction(pieces, block, same, dense)
            if kind == 3:
                gather, reduce = (each.T for each in run.shard_s(np.array(list(layers.values()))[None, :]))
    run = pieces.sharing(block.tensor, block.context, block.data, block.experts, columns[0])
    across = run.exchange.s("expert_gradient", "all_reduce", routed * run.plan.gradient_bytes)
    return Columns(
        zero, shard, np.flatnonzero(zero == 3), dict(zip(layers, gather, strict=True)), dict(zip(layers, reduce, strict=True)),
        reduction + across, gathering, _update_s(pieces, block, (zero, shard), (dense, routed)),
    )  # fmt: skip


def _reduction(pieces: Pieces, block: Block, columns: tuple[Column, ...], dense: Floats) -> tuple[Any, Any]:
    """Reduction and gathering, s: column, stage."""
    run = pieces.shared(block, columns)
    if not run.plan.bucket_elements and not run.stack.broadcasts_shards:
        reduce, gather = run.reduction_s(dense[None, :])
        return reduce, gather
    # A count of buckets is of one size, and a broadcast of one shard after another of one group.
    runs = [pieces.sharing(block.tensor, block.context, block.data, block.experts, column) for column in columns]
    found = np.array([[each.reduction_s(float(size)) for size in dense] for each in runs])
    return found[..., 0], found[..., 1]


def _update_s(pieces: Pieces, block: Block, columns: tuple[Floats, Floats], held: tuple[Floats, Floats]) -> Floats:
    (zero, shard), (dense, routed) = columns, held
    run = pieces.sharing(block.tensor, block.context, block.data, block.experts, Column())
    plan, ranks = run.plan, run.exchange.groups["expert_gradient"].ranks
    sharded = (zero > 0)[:, None] * 1.0
    count = combine.updated(dense, routed, sharded=sharded, shard=shard[:, None], expert_shard=ranks)
    each = {"gradient_bytes": plan.gradient_bytes, "state_bytes": plan.optimiser_bytes, "weight_bytes": WEIGHT_BYTES}
    return optimiser_s(pieces.question.cluster.device, count, **each)
