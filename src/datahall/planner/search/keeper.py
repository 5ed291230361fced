"""The best configurations so far, and how good another must be to count."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.planner.search.pieces import Floats, Rows
from datahall.planner.search.space import Block, Column, Variant

TIE = 1.001
"""Steps of time within which the simpler plan ranks first: far below what the prediction is good for."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """How configurations rank."""

    step: int
    """Of 0.1 %."""
    parts: int
    """Choices that are not the simplest."""
    accelerators: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration."""

    seconds: float
    needed_bytes: float
    block: Block
    variant: Variant
    column: Column
    size: int
    parallel: bool
    recompute: int
    """Index into the space's."""

    @property
    def key(self) -> Key:
        return Key(step_of_tie(self.seconds), self._parts, self.block.accelerators, self.seconds)

    @property
    def _parts(self) -> int:
        block = self.block
        ranks = (block.tensor, block.context, block.pipeline, block.expert, self.variant.chunks)
        choices = (self.column.shard is not None, block.expert_tensor is not None, not self.parallel, self.recompute)
        special = self.variant.schedule in ("zero_bubble", "dualpipe")
        return sum(each > 1 for each in ranks) + sum(map(int, choices)) + self.column.zero + 2 * special


@dataclass(frozen=True, slots=True)
class Family:
    """Rows and columns of a block under some schedules."""

    block: Block
    variants: Sequence[Variant]
    rows: Rows
    columns: Sequence[Column]

    def point(self, at: tuple[int, int, int], seconds: float, needed_bytes: float) -> Point:
        """At a schedule, a column and a row."""
        (variant, column, row), rows = at, self.rows
        each = int(rows.size[row]), bool(rows.parallel[row]), int(rows.recompute[row])
        return Point(float(seconds), float(needed_bytes), self.block, self.variants[variant], self.columns[column], *each)


class Keeper:
    """The best `top` points."""

    def __init__(self, top: int, limit_s: float = math.inf) -> None:
        """limit_s: of others found before, that the points stand beside."""
        self.top, self.points = top, list[Point]()
        self.limit_s = TIE ** (step_of_tie(limit_s) + 1) if limit_s < math.inf else limit_s
        """Slower ones can not get in."""

    def add(self, family: Family, seconds: Floats, needed: Floats, fits: NDArray[np.bool_]) -> None:
        """Points of a family: schedule, column, row."""
        held = fits & (seconds <= self.limit_s)
        at = np.flatnonzero(held)
        if not len(at):
            return
        times = seconds.ravel()[at]
        if len(at) > self.top:
            most = np.partition(times, self.top - 1)[self.top - 1] * TIE
            at = at[times <= most]
        for each in at:
            where = np.unravel_index(each, seconds.shape)
            variant, column, row = map(int, where)
            self.points.append(family.point((variant, column, row), seconds[where], needed[where]))
        self._trim()

    def _trim(self) -> None:
        self.points = sorted(self.points, key=lambda point: point.key)[: self.top]
        if len(self.points) == self.top:
            self.limit_s = min(self.limit_s, TIE ** (self.points[-1].key.step + 1))


def step_of_tie(seconds: float) -> int:
    """Which step of 0.1 %."""
    return math.floor(math.log(seconds) / math.log(TIE))
