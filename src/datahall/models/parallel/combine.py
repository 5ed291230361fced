"""From the pieces of one micro-batch to a step, s: for one plan's numbers and for NumPy arrays of many plans alike.

The pieces (a layer's passes, single collectives) come from layer_time.py and communication.py; they know nothing of how many
micro-batches, stages or ranks there are. What does is here, once, so that `step_of` and a search cannot disagree. Every
argument is a number or an array; arrays broadcast. Choices (schedules, overlaps) arrive as numbers, too: 1.0 or 0.0, or arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Number = float | NDArray[Any]
MEMORY_PASSES = 3
"""Bytes of memory traffic for each byte that passes a rank of a ring: own and received read, the result written."""
UNIT_BYTES_PER_S = 1.05e10
"""That one multiprocessor moves: 20 of them fill 160 GB/s of links and 50 of a port, DeepSeek-V3, arXiv:2412.19437, 3.2.2."""
TINY_S = 1e-300
"""Keeps a share of no time at 0."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds of one micro-batch on one rank, all its layers: what adds up to the stage's time."""

    forward: Number = 0.0
    backward: Number = 0.0
    again: Number = 0.0
    """Forward work that backward repeats."""
    vocabulary: Number = 0.0
    """Embedding, logits, loss."""
    tensor: Number = 0.0
    """Exposed exchange of the tensor ranks."""
    context: Number = 0.0
    """Exposed exchange of keys and values."""
    expert: Number = 0.0
    """Tokens on their way to experts and back."""
    gather: Number = 0.0
    """Exposed gathering of sharded weights and reduction of their gradients (ZeRO 3)."""

    def each(self) -> tuple[Number, ...]:
        return tuple(getattr(self, name) for name in PARTS)

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(*(mine + theirs for mine, theirs in zip(self.each(), other.each(), strict=True)))

    def times(self, count: Number) -> "Parts":
        return Parts(*(count * part for part in self.each()))

    @property
    def seconds(self) -> Any:
        return sum(self.each())


PARTS = tuple(field.name for field in fields(Parts))
REST = ("bubble", "send", "data", "optimiser", "straggler", "host")


@dataclass(frozen=True, slots=True)
class Step:
    """Seconds of one step, on the slowest pipeline stage."""

    parts: Parts
    """All micro-batches."""
    bubble: Any
    """Waiting while the pipeline fills and drains."""
    send: Any
    """Exposed sends between stages."""
    data: Any
    """Exposed reduction of gradients and gathering of weights over the data ranks (ZeRO 0 to 2)."""
    optimiser: Any
    straggler: Any = 0.0
    """Waiting for the slowest rank."""
    host: Any = 0.0
    """No accelerator computes: loading, norms of gradients, logging."""

    @property
    def seconds(self) -> Any:
        return self.parts.seconds + sum(getattr(self, name) for name in REST)

    def breakdown(self) -> dict[str, float]:
        """Seconds by name; they add up to `seconds`. Of one plan."""
        found = dict(zip(PARTS, map(float, self.parts.each()), strict=True))
        return found | {name: float(getattr(self, name)) for name in REST}


def accumulated_s(sum_s: Number, micro_batches: Number) -> Any:
    """Of one micro-batch, on average: gradients added to those before it, where adding takes `sum_s`; the first has none."""
    return (1 - 1 / micro_batches) * sum_s


def gathered_s(
    gather_s: Number, reduce_s: Number, *, forward_s: Number, backward_s: Number, overlap: Number, contention: Number
) -> Any:
    """Of one layer whose weights are sharded (ZeRO 3): what of gathering them twice and reducing their gradients no computing
    hides. backward_s: with what is computed again."""
    hidden = behind_s(gather_s, forward_s, contention) + behind_s(gather_s + reduce_s, backward_s, contention)
    return overlap * hidden + (1 - overlap) * (2 * gather_s + reduce_s)


def behind_s(exchange_s: Number, computing_s: Number, contention: Number) -> Any:
    """What an exchange behind computing adds to it: what sticks out, and `contention` times what does not, for the exchange
    takes multiprocessors and memory bandwidth from the computing."""
    return np.maximum(0.0, exchange_s - computing_s) + contention * np.minimum(exchange_s, computing_s)


def hiding_s(forward_s: Number, backward_s: Number, apart_s: Number, *, full: Number) -> tuple[Any, Any]:
    """Forward and backward pass with tokens on their way (`apart_s`), of which every second way is forward; where all is
    computed again (`full`), every third."""
    share = 1 / (2 + full)
    return forward_s + share * apart_s, backward_s + (1 - share) * apart_s


def slowing(ratio: Number, exchanges: Sequence[tuple[Number, Number]], *, memory_bytes_per_s: float, units: int) -> Any:
    """Of exchanges one after another, each seconds and the bytes/s that pass a rank: what share of them computing loses.

    ratio: the most, as one at the speed of links within a domain takes it. A slower one takes no more than it needs: of the
    memory's bandwidth what it moves (what came is read, added or copied, and written), and of `units` those that move it.
    Gradients reduced once in a step keep the ratio: it was fitted on them, imperfect overlap and all.
    """
    each_byte = MEMORY_PASSES / memory_bytes_per_s + 1 / (UNIT_BYTES_PER_S * units)
    lost = sum(each * np.minimum(ratio, each_byte * rate) for each, rate in exchanges)
    total = sum(each for each, _ in exchanges)
    return lost / np.maximum(total, TINY_S)


def stage_parts(layers: Sequence[tuple[Number, Parts]], *, around: Parts, dual: Number) -> Parts:
    """One micro-batch through all that a rank holds: each kind of layer, how many of them, and what stands around them.

    dual: 1 where a rank holds two stages and computes half of the micro-batches on each (DualPipe).
    """
    total = around
    for count, parts in layers:
        total += parts.times(count)
    return total.times(1 - 0.5 * dual)


def lone_ratio(*, micro_batches: Number, pipeline: Number, chunks: Number, dual: Number) -> Any:
    """Passes of a step that no pass of the other direction runs beside, while the pipeline fills and drains, on average over
    stages: of interleaved chunks p - 1 + (v - 1) p of m v, as in Megatron Core's schedules; of one stage the first of m; of
    DualPipe 5/4 p - 1/2 of m: 3/2 p - 1 - r of a rank r of each half (deepseek-ai/DualPipe, dualpipe/dualpipe.py, step)."""
    filling = (pipeline - 1) / np.where(np.greater(chunks, 1), 1, 2) + (chunks - 1) * pipeline
    lone = dual * (1.25 * pipeline - 0.5) + (1 - dual) * filling
    return np.minimum(1.0, np.maximum(1.0, lone) / (micro_batches * chunks))


def blended(alone: Parts, beside: Parts, lone: Number) -> Parts:
    """A layer on average: the share `lone` of its passes alone, the others beside a pass of the other direction."""
    return alone.times(lone) + beside.times(1 - lone)


def bubble_s(others_s: Number, slowest_s: Number, forward_s: Number, *, pipeline: Number, divisor: Number, dual: Number) -> Any:
    """Filling and draining. 1F1B: one micro-batch through all other stages (`others_s`).

    divisor: chunks where interleaved, else 1; 3 for zero-bubble (ZB-H1: Qi et al., arXiv:2401.10241, section 2.2).
    DualPipe: (p/2 - 1) (F&B + B - 3W), here with F&B = F + B and W = B/2. Source: DeepSeek-V3, arXiv:2412.19437, table 2.
    """
    both = np.maximum(0.0, pipeline / 2 - 1) * (forward_s + (slowest_s - forward_s) / 2)
    return (1 - dual) * others_s / divisor + dual * both


def send_s(hop_s: Number, *, micro_batches: Number, chunks: Number, pipeline: Number, overlap: Number) -> Any:
    """Two sends for each micro-batch and chunk, unless computing hides them, and those of filling and draining."""
    return ((1 - overlap) * 2 * micro_batches * chunks + 2 * (pipeline - 1)) * hop_s


def data_s(
    reduce_s: Number,
    gather_s: Number,
    *,
    forward_s: Number,
    backward_s: Number,
    layers: Number,
    overlap: Number,
    contention: Number,
    pipeline: Number = 1.0,
    chunks: Number = 1.0,
    again_s: Number = 0.0,
    further: Number = 0.0,
) -> Any:
    """What of the reduction hides behind no backward pass, of the gathering behind no forward pass; at least one layer's.
    forward_s, backward_s: of one micro-batch; backward with what is computed again.
    again_s: a reduction in each of the `further` micro-batches, where no rank keeps whole gradients (ZeRO 2).

    Interleaved, the last `pipeline` micro-batches go backward chunk by chunk, so that all but the last chunk's gradients are
    ready before the end: the first chunk's p (1 - 1/v) passes. All stages start a chunk's reduction together, when it is
    done, so that the last chunk's stands alone. Weights of chunk i are needed i p / v passes after the first chunk's, which
    are gathered layer by layer. Source: Megatron-LM, megatron/core/pipeline_parallel/schedules.py: grad_sync_func and
    param_sync_func, aligned over stages unless --no-align-grad-reduce says otherwise.
    """
    several, before = np.greater(chunks, 1), pipeline * (1 - 1 / chunks)
    reduction = _exposed(reduce_s, np.where(several, before, 1.0) * backward_s, np.where(several, chunks, layers), contention)
    gathering = _exposed(gather_s, (before + 1 / chunks) * forward_s, layers, contention)
    gathering = np.maximum(gathering, (gather_s - forward_s) / chunks)
    reduction = reduction + further * _exposed(again_s, backward_s, layers, contention)
    return overlap * (reduction + gathering) + (1 - overlap) * (reduce_s + gather_s + further * again_s)


def _exposed(seconds: Number, window_s: Number, pieces: Number, contention: Number) -> Any:
    """pieces: layers or chunks, of which the last one's exchange finds nothing to hide behind."""
    return np.maximum(behind_s(seconds, window_s, contention), seconds / np.maximum(1, pieces))


def updated(dense: Number, routed: Number, *, sharded: Number, shard: Number, expert_shard: Number) -> Any:
    """Parameters that one rank's optimiser updates; sharded: 1 where data ranks share that work (ZeRO)."""
    return dense / (sharded * shard + 1 - sharded) + routed / (sharded * expert_shard + 1 - sharded)


def straggler_s(seconds: Number, *, accelerators: Number, ratio: Number) -> Any:
    """Waiting for the slowest of many ranks whose times spread by `ratio`: the expected largest of n normal deviates."""
    return seconds * ratio * np.sqrt(2 * np.log(accelerators))


def step_from(
    slow: Parts,
    *,
    micro_batches: Number,
    accelerators: Number,
    bubble: Number,
    send: Number,
    data: Number,
    optimiser: Number,
    straggler_ratio: Number,
    host_s: Number,
) -> Step:
    """The step whose slowest stage takes `slow` for a micro-batch."""
    parts = slow.times(micro_batches)
    late = straggler_s(parts.seconds + bubble, accelerators=accelerators, ratio=straggler_ratio)
    return Step(parts, bubble, send, data, optimiser, late, host_s)
