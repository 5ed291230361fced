"""What a step takes at least: the matrix products and the tensor ranks' exchange of its layers, for many micro-batches at once.

Cheap enough to be worked out for every choice of ranks, and never more than what `step_of` says, so that whole blocks of plans
need not be timed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel.experts import expert_products, load_of
from datahall.models.parallel.kernels import matmul_s
from datahall.models.parallel.layer_time import block_products, projections
from datahall.models.parallel.step_constants import sustained
from datahall.planner.search.pieces import Floats, Pieces, Rows
from datahall.planner.search.space import Block

SLACK = 0.97
"""For rounding, for products that a stack may spare, and for rows that fill blocks of a device less well."""


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

    def stage_s(self, pipeline: Any) -> Floats:
        """On the slowest of so many stages: the mean over stages, or the most layers. DualPipe's ranks hold two stages and
        compute half on each: some rank has at least its share of the layers, rounded up to a half."""
        return np.asarray(np.maximum(self.layers / pipeline, np.ceil(2 * self.count / pipeline) / 2 * self.layer))


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
    kinds = {kind: _layer_s(pieces, many, (family, parallel), kind) for kind in pieces.layer_counts}
    total: Any = sum(pieces.layer_counts[kind] * each for kind, each in kinds.items())
    return Bound(size, total, np.min(list(kinds.values()), axis=0), pieces.space.layers)


def _layer_s(pieces: Pieces, run: Any, at: tuple[Block, bool], experts: bool) -> Floats:
    """One layer, forward and backward: what experts do not change is worked out once."""
    (family, parallel), known = at, pieces.bounds
    key = (family.tensor, family.context, parallel, experts)
    if key not in known:
        known[key] = _whole_s(run, experts), run.tensor_s()
    whole, sums = known[key]
    mixture = run.architecture.experts
    if experts and mixture is not None:
        whole = whole + _products_s(run, expert_products(run.architecture, run.plan, load_of(run.architecture, run.plan)))
    return SLACK * np.asarray(whole + sums * (0.5 if run.unsplit(run.firsts[experts]) else 1.0), np.float64)


def _whole_s(run: Any, experts: bool) -> Any:
    """All products but those of routed experts."""
    architecture, plan = run.architecture, run.plan
    tokens = plan.micro_batch * plan.sequence / plan.context
    width, mixture = architecture.feed_forward.width, architecture.experts
    if experts and mixture is not None:
        width = mixture.shared * (mixture.shared_width or mixture.width)
    blocks = block_products(architecture, plan, tokens, width) if width else []
    return _products_s(run, [*projections(architecture, plan, tokens), *blocks])


def _products_s(run: Any, products: Sequence[Any]) -> Any:
    """Forward, and backward the gradients of inputs and of weights."""
    device, precision = sustained(run.cluster.device, run.constants), run.plan.precision
    shapes = [(m, n, k, batch) for m, n, k, batch in products]
    turned = [(m, k, n, batch) for m, n, k, batch in products] + [(k, n, m, batch) for m, n, k, batch in products]
    found: Any = 0.0
    for m, n, k, batch in shapes + turned:
        found = found + matmul_s(device, m, n, k, precision=precision, batch=batch)
    return found


class Gauge:
    """Which rows of a block could beat a limit, by what larger micro-batches took.

    For each sequence a larger micro-batch takes no longer: kernels start less often and fill the device better, messages are
    longer. So what one took bounds all smaller ones, within `SLACK`; and what a row takes with least computed again bounds
    those that compute more again.
    """

    def __init__(self, pieces: Pieces, block: Block) -> None:
        self.pieces, self.block = pieces, block
        self.each = pieces.question.global_batch // block.data

    def possible(self, limit_s: float) -> bool:
        """Whether any row could: of each kind of row, only the largest micro-batch is timed."""
        space, block = self.pieces.space, self.block
        return any(
            self._sequences_s(size, parallel) <= limit_s
            for parallel in space.sequence_parallels(block.tensor, block.context)
            for size in self._sizes(parallel)[-1:]
        )

    def promising(self, rows: Rows, limit_s: float) -> NDArray[np.bool_]:
        """By row."""
        found, space = np.zeros(len(rows.size), bool), self.pieces.space
        for parallel in space.sequence_parallels(self.block.tensor, self.block.context):
            at = rows.parallel == parallel
            bound_s = 0.0
            for size in sorted(set(rows.size[at].tolist()), reverse=True):
                if bound_s <= limit_s:
                    bound_s = self._sequences_s(size, parallel)
                    found |= at & (rows.size == size) & (bound_s <= limit_s)
        return found

    def _sizes(self, parallel: bool) -> list[int]:
        rows = self.pieces.rows(self.block.tensor, self.block.context)
        return sorted({size for size in rows.size[rows.parallel == parallel].tolist() if self.each % size == 0})

    def _sequences_s(self, size: int, parallel: bool) -> float:
        """All sequences of a data rank, on the slowest stage, s: what smaller micro-batches take at least."""
        key = (size, parallel, 0)
        cells = {kind: self.pieces.layer(self.block, key, kind, beside=True) for kind in self.pieces.layer_counts}
        least = {kind: cell[0] + cell[1] + cell[3] for kind, cell in cells.items()}
        total = sum(self.pieces.layer_counts[kind] * each for kind, each in least.items())
        count = self.pieces.space.layers
        most = np.ceil(2 * count / self.block.pipeline) / 2 * min(least.values())
        return float(SLACK * self.each / size * max(total / self.block.pipeline, most))
