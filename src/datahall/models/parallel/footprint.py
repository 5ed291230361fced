"""From counts to bytes of a pipeline stage: for one plan's numbers and for NumPy arrays of many plans alike.

`memory_of` and a search call the same formulas, so that they cannot disagree. Every argument is a number or an array; arrays
broadcast. Choices arrive as numbers, too: 1.0 or 0.0, or arrays of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Number = float | NDArray[Any]

CONTEXT_BYTES = 2.0 * 2**30
"""Assumed: driver context, kernels, library workspaces and the buffers of a few communicators: 1 to 2 GB are usual, the upper
end is taken. Not fitted."""
FRAGMENTATION = 1.05
"""Assumed: what the allocator holds over what is in use, on all that comes and goes. The round figure nearest to eight
rows of torchtitan, which are no test of it; PyTorch's allocator loses a few per cent to a third (GMLake, arXiv:2401.08156)."""


@dataclass(frozen=True, slots=True)
class TokenBytes:
    """Of one token on one rank. Layers by kind: dense, with experts; and of both those that also read an encoder."""

    kept: Sequence[Number]
    """From forward to backward, of one layer."""
    working: Sequence[Number]
    """While one layer goes backward: what was not kept, and gradients inside it."""
    outer: Number
    """One activation between two layers."""
    embedding: Number
    """Kept by what stands before the layers."""
    boundary: Number
    """A stage's output, where the stack keeps it."""
    joined: Number = 0.0
    """Kept by what joins states with next tokens before the layers that predict further ones, of all of these."""


def activation_bytes(token: TokenBytes, counts: Sequence[int], in_flight: Number, *, embedding: bool, output: bool) -> Any:
    """For one token of each sequence: all layers of the stage, and what stands before and after them."""
    kept: Any = token.embedding if embedding else 0.0
    for count, layer in zip(counts, token.kept, strict=True):
        kept = kept + count * layer if count else kept
    kept = kept + (token.joined if output else token.boundary)
    # The final norm's and the output layer's inputs are kept for one micro-batch only: it goes backward at once.
    return kept * in_flight + (2 * token.outer if output else 0.0)


def working_bytes(token: TokenBytes, counts: Sequence[int]) -> Any:
    """For one token: the layer that takes most."""
    found: Any = 0.0
    for count, layer in zip(counts, token.working, strict=True):
        found = np.maximum(found, layer) if count else found
    return found


def sharded_bytes(per: Number, shared: Number, experts: Number, *, on: Number, shard: Number, expert_shard: Number) -> Any:
    """Of states that take `per` bytes of each parameter; on: 1 where data ranks shard them."""
    return per * (shared / (on * shard + 1 - on) + experts / (on * expert_shard + 1 - on))


def in_flight(schedule: str, stage: int, *, pipeline: int, chunks: int, micro_batches: Number) -> Any:
    """Micro-batches that a stage keeps activations of at once, in units of all its layers.

    1F1B: one for each stage from here to the end. Narayanan et al., arXiv:2104.04473, 2.2.1.
    Interleaved: 2 (p - stage - 1) + (v - 1) p + 1 chunks of 1/v of the layers: on the first stage p (1 + (p - 1)/(p v)).
    Korthikanti et al., arXiv:2205.05198, 4.2.3.
    Zero-bubble (ZB-H1): no more than 1F1B. Qi et al., arXiv:2401.10241, 2.1.
    DualPipe: p + 1 of one stage's layers, of the two stages that a rank holds. DeepSeek-V3, arXiv:2412.19437, table 2.
    Never more than there are in a step.
    """
    p, v, count = pipeline, chunks, np.maximum(1, micro_batches)
    if schedule == "dualpipe" and p > 1:
        return np.minimum(p + 1, count) / 2
    if schedule == "interleaved" and p > 1:
        return np.minimum(2 * (p - stage - 1) + (v - 1) * p + 1, count * v) / v
    return np.minimum(p - stage, count) / 1.0


def total_bytes(states: Number, gathered: Number, moving: Number) -> Any:
    """All that one accelerator holds; moving: activations, work, logits and buffers."""
    return lasting_bytes(states, gathered) + moving_bytes(moving)


def lasting_bytes(states: Number, gathered: Number) -> Any:
    """What does not depend on the micro-batch."""
    return states + FRAGMENTATION * gathered + CONTEXT_BYTES


def moving_bytes(moving: Number) -> Any:
    """What does, with what the allocator holds over it."""
    return FRAGMENTATION * moving
