"""Step times of one replica looked up instead of composed: what a simulation asks for a hundred thousand times.

Products, sums and host are interpolated between rows of a grid over decoding sequences and tokens of prompts; attention grows
in proportion to the pairs of tokens that it reads, as its kernels do once there is something to read.
"""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from datahall.models.inference.cycle import context_of, own_prompt
from datahall.models.inference.replica import Replica, Work
from datahall.models.inference.spec import Load

PER_DOUBLING = 3
"""Rows of the grid for each doubling: finer changes no step by more than 1 %."""


@dataclass(frozen=True)
class StepTable:
    decode: list[float]
    prompts: list[float]
    seconds: list[list[float]]
    """By decoding sequences, then tokens of prompts; no token reads another."""
    context_s: float
    """For each token that one decoding sequence reads."""
    pair_s: float
    """For each token that one token of a prompt reads."""

    def step_s(self, decode: int, prompts: float, read: float, pairs: float) -> float:
        """decode: sequences. prompts: tokens. read: tokens that decoding reads, over sequences. pairs: the same of prompts."""
        i, u = _place(self.decode, decode)
        j, v = _place(self.prompts, prompts)
        low, high = self.seconds[i], self.seconds[i + 1]
        first, second = low[j] + v * (low[j + 1] - low[j]), high[j] + v * (high[j + 1] - high[j])
        return first + u * (second - first) + self.context_s * read + self.pair_s * pairs


def step_table(replica: Replica, load: Load) -> StepTable:
    """For steps of up to the replica's batch and tokens, with prompts and contexts about those of the load."""
    most, tokens = replica.plan.max_batch or replica.engine.max_batch, replica.plan.step_tokens or replica.engine.step_tokens
    if not replica.engine.chunked_prefill:
        tokens = max(tokens, 8 * load.input_tokens)
    decode, prompts = _grid(most), _grid(tokens)
    one = own_prompt(load)
    work = Work(np.array(decode)[:, None], 0.0, np.array(prompts)[None, :], 0.0, np.array(prompts)[None, :] / one)
    seconds = replica.step_s(work)
    seconds[0, 0] = 0.0
    context, piece = context_of(load), min(one, float(tokens))
    beside = float(replica.step_s(Work(1.0, 0.0)))
    read_s = (float(replica.step_s(Work(1.0, context))) - beside) / context
    alone, reads = (float(replica.step_s(Work(prompts=piece, seen=seen, ended=piece / one))) for seen in (0.0, one / 2))
    return StepTable(decode, prompts, seconds.tolist(), read_s, (reads - alone) / (piece * one / 2))


def _grid(most: float) -> list[float]:
    """0, 1 and on to `most`, evenly by ratio; one more row beyond, so that every place has a next."""
    count = max(2, round(PER_DOUBLING * np.log2(max(2.0, most))) + 1)
    return [0.0, *np.geomspace(1.0, max(2.0, most), count).tolist(), 2 * max(2.0, most)]


def _place(grid: list[float], value: float) -> tuple[int, float]:
    i = min(bisect_right(grid, value) - 1, len(grid) - 2)
    return i, (value - grid[i]) / (grid[i + 1] - grid[i])
