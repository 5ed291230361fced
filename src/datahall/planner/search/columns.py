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
    shards, reductions, gatherings = [], list[Floats](), list[Floats]()
    of_layers: dict[bool, tuple[list[float], list[float]]] = {kind: ([], []) for kind in layers}
    known: dict[tuple[bool, bool, int | None], tuple[Floats, Floats, int]] = {}
    for column in columns:
        key = (column.zero > 0, column.zero == 3, column.shard)
        if key not in known:
            run = pieces.sharing(block.tensor, block.context, block.data, block.experts, column)
            known[key] = *_reduction(run, dense), run.exchange.groups["shard"].ranks
            if column.zero == 3:
                sizes = np.array(list(layers.values()))
                for kind, gather, reduce in zip(layers, *run.shard_s(sizes), strict=True):
                    of_layers[kind][0].append(gather)
                    of_layers[kind][1].append(reduce)
        reduction, gathering, ranks = known[key]
        shards.append(ranks)
        reductions.append(reduction)
        gatherings.append(gathering + 0.0 * dense)
    run = pieces.sharing(block.tensor, block.context, block.data, block.experts, columns[0])
    across = run.exchange.s("expert_gradient", "all_reduce", routed * run.plan.gradient_bytes)
    shard = np.array(shards, np.float64)
    return Columns(
        zero, shard, np.flatnonzero(zero == 3),
        {kind: np.array(each[0]) for kind, each in of_layers.items()},
        {kind: np.array(each[1]) for kind, each in of_layers.items()},
        np.array(reductions) + across, np.array(gatherings), _update_s(pieces, block, (zero, shard), (dense, routed)),
    )  # fmt: skip


def _reduction(run: Any, dense: Floats) -> tuple[Floats, Floats]:
    """Reduction and gathering of stages, s."""
    if not run.plan.bucket_elements:
        reduce, gather = run.reduction_s(dense)
        return reduce, gather
    each = [run.reduction_s(float(size)) for size in dense]  # the count of buckets is of one size
    return np.array([reduce for reduce, _ in each]), np.array([gather for _, gather in each])


def _update_s(pieces: Pieces, block: Block, columns: tuple[Floats, Floats], held: tuple[Floats, Floats]) -> Floats:
    (zero, shard), (dense, routed) = columns, held
    run = pieces.sharing(block.tensor, block.context, block.data, block.experts, Column())
    plan, ranks = run.plan, run.exchange.groups["expert_gradient"].ranks
    sharded = (zero > 0)[:, None] * 1.0
    count = combine.updated(dense, routed, sharded=sharded, shard=shard[:, None], expert_shard=ranks)
    each = {"gradient_bytes": plan.gradient_bytes, "state_bytes": plan.optimiser_bytes, "weight_bytes": WEIGHT_BYTES}
    return optimiser_s(pieces.question.cluster.device, count, **each)
