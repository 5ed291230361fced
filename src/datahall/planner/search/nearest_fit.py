"""Where nothing fits: what comes nearest, and what would make it fit."""

from dataclasses import replace

import numpy as np

from datahall.models.parallel.fit import fit_of
from datahall.models.parallel.spec import TrainPlan
from datahall.planner.search.found import NearestFit
from datahall.planner.search.pieces import Pieces
from datahall.planner.search.question import Question
from datahall.planner.search.space import Block, Space, runs
from datahall.planner.search.weights import Scales

DOUBLINGS = 6
TRIED = 300
"""Blocks that are weighed for each count of accelerators, those with most stages and tensor ranks first."""


def nearest_fit(plan: TrainPlan, question: Question) -> NearestFit:
    """Of the plan that takes least beyond what it may."""
    fit = fit_of(question.architecture, plan, question.limit_bytes, question.stack.recomputed)
    memory_bytes = fit.memory.needed / (1 - question.reserve_ratio)
    return NearestFit(plan, fit, accelerators_that_fit(question), memory_bytes)


def accelerators_that_fit(question: Question) -> int | None:
    """The fewest, doubling, with which some plan fits; None where none was found."""
    counts = (question.accelerators << doubling for doubling in range(1, DOUBLINGS + 1))
    return next((count for count in counts if some_fits(replace(question, accelerators=count, fewer=False))), None)


def some_fits(question: Question) -> bool:
    """Whether some plan on exactly so many accelerators fits, among the blocks that split a model most."""
    space = Space(question)
    pieces = Pieces(question, space)
    blocks = sorted(space.blocks(), key=lambda block: -block.pipeline * block.tensor * block.context * block.expert)
    return any(_fits(pieces, block) for block in blocks[:TRIED])


def _fits(pieces: Pieces, block: Block) -> bool:
    """Whether some plan of a block fits: of the smallest micro-batch, all else varied."""
    rows, columns = pieces.rows(block.tensor, block.context), pieces.space.columns(block)
    sizes = pieces.space.sizes(block.data)
    if not len(rows.size) or not sizes:
        return False
    scales = Scales(pieces, block, rows.at(rows.size == sizes[0]), columns)
    for variant in pieces.space.variants(block.pipeline):
        valid = runs(variant, block.pipeline, scales.counts)
        needed = scales.needed(pieces.stages(block.pipeline, variant), [variant])[0]
        if np.any((needed <= pieces.question.limit_bytes) & valid):
            return True
    return False
