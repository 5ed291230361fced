"""What a step takes at least: the matrix products and the tensor ranks' exchange of its layers, for many micro-batches at once.

Cheap enough to be worked out for every choice of ranks, and never more than what `step_of` says, so that whole blocks of plans
need not be timed.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel.experts import expert_products, load_of
from datahall.models.parallel.kernels import matmul_s
from datahall.models.parallel.layer_time import block_products, projections
from datahall.models.parallel.step_constants import sustained
from datahall.planner.search.pieces import Floats, Pieces
from datahall.planner.search.space import Block

SLACK = 0.99
"""For rounding, and for products that a stack may spare."""


@dataclass(frozen=True)
class Bound:
    """By micro-batch, s."""

    size: NDArray[np.int64]
    layers: Floats
    """One micro-batch through all layers."""
    layer: Floats
    """Through the layer that takes least."""
    count: int
    """Layers."""

    def stage_s(self, pipeline: int) -> Floats:
        """On the slowest of so many stages: the mean over stages, or the most layers. DualPipe's ranks hold two stages and
        compute half on each: some rank has at least its share of the layers, rounded up to a half."""
        return np.maximum(self.layers / pipeline, math.ceil(2 * self.count / pipeline) / 2 * self.layer)


def bound_of(pieces: Pieces, block: Block, parallel: bool) -> Bound:
    """Of a block's tensor, context and expert ranks."""
    known: dict[Any, Bound] = pieces.bounds
    key = (block.tensor, block.context, block.experts, parallel)
    if key not in known:
        known[key] = _bound(pieces, Block(block.tensor, block.context, 1, 1, *block.experts), parallel)
    return known[key]


def _bound(pieces: Pieces, family: Block, parallel: bool) -> Bound:
    rows = pieces.rows(family.tensor, family.context)
    size = np.unique(rows.size[rows.parallel == parallel])
    run = pieces.run(pieces.plan(family, sequence_parallel=parallel, recompute=pieces.space.recomputes[0]))
    many = replace(run, plan=run.plan.model_copy(update={"micro_batch": size.astype(np.float64)}))
    kinds = {kind: _layer_s(many, kind) for kind in pieces.layer_counts}
    total: Any = sum(pieces.layer_counts[kind] * each for kind, each in kinds.items())
    return Bound(size, total, np.min(list(kinds.values()), axis=0), pieces.space.layers)


def _layer_s(run: Any, experts: bool) -> Floats:
    """One layer, forward and backward."""
    architecture, plan = run.architecture, run.plan
    tokens = plan.micro_batch * plan.sequence / plan.context
    products, mixture = projections(architecture, plan, tokens), architecture.experts
    if experts and mixture is not None:
        products = [*products, *expert_products(architecture, plan, load_of(architecture, plan))]
        width = mixture.shared * (mixture.shared_width or mixture.width)
    else:
        width = architecture.feed_forward.width
    if width:
        products = [*products, *block_products(architecture, plan, tokens, width)]
    device = sustained(run.cluster.device, run.constants)
    total: Any = run.tensor_s() * (0.5 if run.unsplit(run.firsts[experts]) else 1.0)
    for m, n, k, batch in products:
        for shape in ((m, n, k), (m, k, n), (k, n, m)):
            total = total + matmul_s(device, *shape, precision=plan.precision, batch=batch)
    return SLACK * np.asarray(total, np.float64)
