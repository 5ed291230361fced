"""The best way to run a training step on a cluster."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel.memory import memory_of
from datahall.models.parallel.step import step_of
from datahall.planner.search.bounds import bound_of
from datahall.planner.search.columns import columns_of
from datahall.planner.search.found import Candidate, Found
from datahall.planner.search.keeper import Family, Keeper, Point
from datahall.planner.search.layouts import Layouts, layouts_of
from datahall.planner.search.nearest_fit import nearest_fit
from datahall.planner.search.pieces import Floats, Pieces, Rows, pieces_of
from datahall.planner.search.question import Question
from datahall.planner.search.refusals import refuse_impossible
from datahall.planner.search.seconds import Timer
from datahall.planner.search.space import Block, Column, Space, Variant, runs
from datahall.planner.search.stages import Kind
from datahall.planner.search.weights import Scales


def search(
    question: Question, *, top: int = 10, bounded: bool = True, limit_s: float = math.inf, pieces: Pieces | None = None
) -> Found:
    """The fastest plans that fit, and what was counted on the way.

    bounded: blocks and rows that cannot be among the best are not timed, which changes nothing in `best`; without it every
    configuration that fits in some column of its row is. limit_s: what plans must beat, or come within the same 0.1 % of, to
    count at all. pieces: of the same question about more accelerators, so that what both need is worked out once.
    Raises Refused where no plan is possible: with what stands in the way of the pinned values, or STEP-001.
    """
    began = time.perf_counter()
    hunt = Hunt(question, Keeper(top, limit_s), pieces or pieces_of(question), bounded=bounded)
    layouts = layouts_of(hunt.pieces, hunt.space)
    refuse_impossible(question, len(layouts.counts))
    hunt.through(layouts)
    best = tuple(hunt.candidate(point) for point in hunt.keeper.points)
    near = None if best or hunt.nearest is None or limit_s < math.inf else nearest_fit(hunt.plan(hunt.nearest), question)
    counts = int(np.sum(layouts.counts)), hunt.evaluated, hunt.fitting
    return Found(best, *counts, time.perf_counter() - began, near, tuple(_notes(question, best)))


def _notes(question: Question, best: Sequence[Candidate]) -> Iterator[str]:
    """What a reader might not expect."""
    if best and (idle := question.accelerators - best[0].plan.accelerators):
        yield (
            f"{idle:,} of {question.accelerators:,} accelerators stay idle: no plan on all of them is as fast: their count, "
            f"global_batch={question.global_batch:,} and the model's shape do not divide well"
        )
    if question.reserve_ratio:
        yield f"{question.reserve_ratio:.0%} of each accelerator's memory is left free"


Lines = tuple[Rows, Sequence[Column]]
Groups = dict[tuple[tuple[Kind, ...], int], list[Variant]]
"""By stages; and by chunks, where these change how much of the experts' exchange other passes hide."""
Weighed = tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]
"""Bytes needed, whether the plan is possible, and whether it fits besides: schedule, column, row."""


@dataclass
class Hunt:
    """One search under way."""

    question: Question
    keeper: Keeper
    pieces: Pieces
    bounded: bool = True
    evaluated: int = 0
    fitting: int = 0
    weighed: int = 0
    nearest: Point | None = None
    """Of those weighed before anything fitted."""
    space: Space = field(init=False)
    groups: dict[int, Groups] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.space = self.pieces.space_of(self.question)

    def through(self, layouts: Layouts) -> None:
        """All blocks, those first that could be fastest, until none that is left could be among the best."""
        for index, least_s in enumerate(layouts.least_s):
            if self.bounded and least_s > self.keeper.limit_s:
                return
            self.block(layouts.block(index))

    def block(self, block: Block) -> None:
        """Weigh a block's plans, then time those of rows and columns that have some that fit."""
        rows, columns = self._rows(block), self.space.columns(block)
        if not len(rows.size):
            return
        groups = self._groups(block.pipeline)
        scales = Scales(self.pieces, block, rows, columns)
        weighed = [self._weigh(scales, group) for group in groups.items()]
        some = np.logical_or.reduce([np.any(fits, axis=0) for _, _, fits in weighed])
        if np.any(some):
            held = np.flatnonzero(np.any(some, axis=0))
            some[:, held] &= self._promising(block, rows.at(held))
            if not np.any(some):
                return
            at = np.flatnonzero(np.any(some, axis=1)), np.flatnonzero(np.any(some, axis=0))
            self._time(block, (rows.at(at[1]), [columns[index] for index in at[0]]), groups, weighed, at)
        elif not self.keeper.points:
            for variants, each in zip(groups.values(), weighed, strict=True):
                self._came_near(block, (rows, columns), variants, each)

    def _time(self, block: Block, found: Lines, groups: Groups, weighed: Sequence[Weighed], at: tuple[Any, Any]) -> None:
        """Time what is left of a block. at: columns and rows, of those that were weighed."""
        (rows, columns), whole = found, weighed[0][0].shape[1:] == (len(at[0]), len(at[1]))
        cut: Any = ... if whole else (slice(None), *np.ix_(*at))
        kinds = list(dict.fromkeys(kind for group, _ in groups for kind in group))
        held = [self.pieces.held(block.tensor, block.experts, kind) for kind in kinds]
        timer = Timer(self.pieces, block, rows, columns_of(self.pieces, block, columns, held))
        for ((group, chunks), variants), (needed, valid, fits) in zip(groups.items(), weighed, strict=True):
            dual = variants[0].schedule == "dualpipe" and block.pipeline > 1
            slow = timer.slowest(group, [kinds.index(kind) for kind in group], dual=dual, chunks=chunks)
            fits_cut = fits[cut]
            self.evaluated += int(np.count_nonzero(valid[cut]))
            self.fitting += int(np.count_nonzero(fits_cut))
            self.keeper.add(Family(block, variants, rows, columns), timer.steps(slow, variants), needed[cut], fits_cut)

    def _rows(self, block: Block) -> Rows:
        """That divide the batch, and could be among the best if they computed little again."""
        rows = self.pieces.rows(block.tensor, block.context)
        held = self.question.global_batch // block.data % rows.size == 0
        if self._limited:
            for parallel in self.space.sequence_parallels(block.tensor, block.context):
                fast = self._fast(block, parallel, 0)
                held[rows.parallel == parallel] &= np.repeat(fast, len(self.space.recomputes))
        return rows.at(held)

    def _promising(self, block: Block, rows: Rows) -> NDArray[np.bool_]:
        """Which rows could be among the best with what they compute again."""
        found = np.ones(len(rows.size), bool)
        if self._limited:
            for parallel, recompute in {*zip(rows.parallel.tolist(), rows.recompute.tolist(), strict=True)}:
                at = (rows.parallel == parallel) & (rows.recompute == recompute)
                sizes = self.pieces.sizes(block.tensor, block.context, parallel)
                found[at] = self._fast(block, parallel, recompute)[np.searchsorted(sizes, rows.size[at])]
        return found

    def _fast(self, block: Block, parallel: bool, recompute: int) -> NDArray[np.bool_]:
        """By micro-batch, whether it could be among the best."""
        bound = bound_of(self.pieces, block, parallel, recompute)
        counts = self.question.global_batch // block.data // bound.size
        least_s = bound.step_s(block.pipeline, counts, self.space.hidden_parts(block.pipeline))
        return np.asarray(least_s <= self.keeper.limit_s)

    @property
    def _limited(self) -> bool:
        return self.bounded and bool(np.isfinite(self.keeper.limit_s))

    def _groups(self, pipeline: int) -> Groups:
        """Schedules by the stages that they make; a rank of DualPipe holds two."""
        if pipeline not in self.groups:
            found: Groups = {}
            for variant in self.space.variants(pipeline):
                chunks = variant.chunks if self.question.stack.expert_overlap else 1
                found.setdefault((self.pieces.stages(pipeline, variant), chunks), []).append(variant)
            self.groups[pipeline] = found
        return self.groups[pipeline]

    def _weigh(self, scales: Scales, group: tuple[tuple[tuple[Kind, ...], int], list[Variant]]) -> Weighed:
        """Under schedules that make the same stages."""
        (kinds, _), variants = group
        can = np.array([runs(variant, scales.block.pipeline, scales.counts) for variant in variants])
        needed = scales.needed(kinds, variants)
        valid = np.broadcast_to(can[:, None, :], needed.shape)
        self.weighed += int(np.count_nonzero(valid))
        return needed, valid, (needed <= self.question.limit_bytes) & valid

    def _came_near(self, block: Block, found: Lines, variants: Sequence[Variant], weighed: Weighed) -> None:
        needed, valid, _ = weighed
        missing = np.where(valid, needed, np.inf)
        at = np.unravel_index(np.argmin(missing), missing.shape)
        if np.isfinite(missing[at]) and (self.nearest is None or missing[at] < self.nearest.needed_bytes):
            where = int(at[0]), int(at[1]), int(at[2])
            self.nearest = Family(block, variants, *found).point(where, np.inf, missing[at])

    def candidate(self, point: Point) -> Candidate:
        plan = self.plan(point)
        question = self.question
        step = step_of(question.architecture, plan, question.cluster, question.stack)
        return Candidate(plan, step, memory_of(question.architecture, plan, question.stack.recomputed))

    def plan(self, point: Point) -> Any:
        block = point.block
        return self.question.plan(
            tensor=block.tensor, context=block.context, pipeline=block.pipeline, data=block.data, expert=block.expert,
            expert_tensor=block.expert_tensor, schedule=point.variant.schedule, chunks=point.variant.chunks,
            zero=point.column.zero, shard=point.column.shard, micro_batch=point.size, sequence_parallel=point.parallel,
            recompute=self.space.recomputes[point.recompute],
        )  # fmt: skip
