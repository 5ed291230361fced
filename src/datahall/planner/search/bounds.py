"""What a step takes at least: its layers, ends and exchanges, for many micro-batches at once.

Cheap enough to be worked out for every choice of ranks, and never more than what `step_of` says, so that whole blocks of plans
need not be weighed and timed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.planner.search.pieces import Floats, Pieces
from datahall.planner.search.space import Block

SLACK = 0.97
"""For rounding, and for products that a stack spares where weights are sharded."""


@dataclass(frozen=True)
class Bound:
    """By micro-batch, s."""

    size: NDArray[np.int64]
    whole: Floats
    """One micro-batch through all layers, embedding and output layer."""
    layer: Floats
    """Through the layer that takes least."""
    count: int
    """Layers."""

    def stage_s(self, pipeline: Any) -> Floats:
        """On the slowest of so many stages: the mean over stages, or the most layers. DualPipe's ranks hold two stages and
        compute half on each: some rank has at least its share of the layers, rounded up to a half."""
        return np.asarray(np.maximum(self.whole / pipeline, np.ceil(2 * self.count / pipeline) / 2 * self.layer))

    def step_s(self, pipeline: Any, micro_batches: Any, parts: Any) -> Floats:
        """All micro-batches on the slowest stage, and one on the others, of which a schedule hides all but one of `parts`."""
        stage_s = self.stage_s(pipeline)
        return np.asarray(micro_batches * stage_s + np.maximum(0.0, self.whole - stage_s) / parts)


def bound_of(pieces: Pieces, block: Block, parallel: bool, recompute: int = 0) -> Bound:
    """Of a block's tensor, context and expert ranks. recompute: index into the space's; the first, which computes least again,
    bounds the others."""
    known: dict[Any, Bound] = pieces.bounds
    key = (block.tensor, block.context, block.experts, parallel, recompute)
    if key not in known:
        known[key] = _bound(pieces, block, parallel, recompute)
    return known[key]


def _bound(pieces: Pieces, block: Block, parallel: bool, recompute: int) -> Bound:
    layers = {kind: pieces.layer(block, parallel, recompute, kind, beside=True) for kind in pieces.layer_counts}
    each: dict[bool, Any] = {kind: SLACK * np.sum(layer[:4], axis=0) for kind, layer in layers.items()}
    ends = SLACK * pieces.vocabulary(block.tensor, block.context, parallel)[-1]
    total: Any = sum(pieces.layer_counts[kind] * layer for kind, layer in each.items())
    size = pieces.sizes(block.tensor, block.context, parallel)
    return Bound(size, total + ends, np.min(list(each.values()), axis=0), pieces.space.layers)
