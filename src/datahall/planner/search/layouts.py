"""All blocks of a space as arrays: how many configurations each has, and how fast the fastest of them could be at best."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.planner.search.bounds import bound_of
from datahall.planner.search.pieces import Floats, Pieces
from datahall.planner.search.space import Block, Space, runs
from datahall.planner.search.weights import least_bytes


@dataclass(frozen=True, slots=True)
class Layouts:
    """Blocks, those first that could be fastest."""

    blocks: NDArray[np.int64]
    """Tensor, context, pipeline, data, expert and expert_tensor (0: the tensor ranks)."""
    least_s: Floats
    """No plan of the block takes less: computing and exchanges of layers and ends, with the pipeline's filling. Infinite where
    nothing can fit."""
    counts: NDArray[np.int64]
    """Configurations."""

    def block(self, index: int) -> Block:
        tensor, context, pipeline, data, expert, split = map(int, self.blocks[index])
        return Block(tensor, context, pipeline, data, expert, split or None)


def layouts_of(pieces: Pieces, space: Space | None = None) -> Layouts:
    """Every block of the space; without it, of that of the pieces."""
    found = list(_families(pieces, space or pieces.space))
    if not found:
        return Layouts(np.zeros((0, 6), np.int64), np.zeros(0), np.zeros(0, np.int64))
    blocks, least_s, counts = (np.concatenate([each[i] for each in found]) for i in range(3))
    order = np.argsort(least_s, kind="stable")
    return Layouts(blocks[order], least_s[order], counts[order])


def _families(pieces: Pieces, space: Space) -> Iterator[tuple[NDArray[np.int64], Floats, NDArray[np.int64]]]:
    """For each choice of tensor, context and expert ranks, all pipelines and data ranks at once."""
    most, fewer = space.question.accelerators, space.question.fewer
    pipelines, datas = np.array(space.pipelines, np.int64), np.array(space.datas, np.int64)
    ways = _ways(space)
    for tensor in space.tensors:
        for context in space.contexts:
            ranks = tensor * context * np.multiply.outer(pipelines, datas)
            inside = ranks <= most if fewer else ranks == most
            inside &= ways > 0
            columns = np.array([space.column_count(context, int(data)) for data in datas], np.int64)
            lines = len(space.sequence_parallels(tensor, context)) * len(space.recomputes)
            for expert, split in _experts(space, tensor, context * datas, inside):
                held = inside & ((context * datas * tensor // (split or tensor)) % expert == 0)
                if lines and np.any(held):
                    family = Block(tensor, context, 1, 1, expert, split)
                    counts = lines * ways * columns
                    where = np.nonzero(held & (counts > 0))
                    p, d = pipelines[where[0]], datas[where[1]]
                    same = np.ones_like(p)
                    blocks = np.stack([tensor * same, context * same, p, d, expert * same, (split or 0) * same], axis=1)
                    yield blocks, _least_s(pieces, family, p, d), counts[where]


def _experts(space: Space, tensor: int, across: NDArray[np.int64], inside: NDArray[np.bool_]) -> list[tuple[int, int | None]]:
    """Choices that some of these counts of data ranks allow."""
    some = across[np.any(inside, axis=0)]
    return list(dict.fromkeys(choice for each in some for choice in space.experts(tensor, int(each))))


def _ways(space: Space) -> NDArray[np.int64]:
    """Pairs of micro-batch and schedule by pipeline and data: as `Space.ways`, for all at once."""
    counts = [space.question.global_batch // data // np.array(space.sizes(data), np.int64) for data in space.datas]
    every = np.concatenate([np.zeros(0, np.int64), *counts])
    of = np.repeat(np.arange(len(counts)), [len(each) for each in counts])
    found = np.zeros((len(space.pipelines), len(counts)), np.int64)
    for index, pipeline in enumerate(space.pipelines):
        for variant in space.variants(pipeline):
            found[index] += np.bincount(of[runs(variant, pipeline, every)], minlength=len(counts))
    return found


def _least_s(pieces: Pieces, family: Block, pipelines: NDArray[np.int64], datas: NDArray[np.int64]) -> Floats:
    """Of pairs of pipeline and data ranks: the fastest row's bound; infinite where no row could be held, nor any state."""
    found = np.full(len(pipelines), np.inf)
    parts = np.array([pieces.space.hidden_parts(int(pipeline)) for pipeline in pipelines])
    for parallel in pieces.space.sequence_parallels(family.tensor, family.context):
        bound = bound_of(pieces, family, parallel)
        if len(bound.size):
            each = pieces.question.global_batch // datas[:, None]
            counts = np.where(each % bound.size == 0, each // bound.size, np.inf)
            least_s = bound.step_s(pipelines[:, None], counts, parts[:, None])
            np.minimum(found, np.min(least_s, axis=1), out=found)
    found[least_bytes(pieces, family, pipelines, datas) > pieces.question.limit_bytes] = np.inf
    return found
