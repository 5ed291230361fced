"""Host time to start the operations of one layer: what a layer with experts waits for more often than for its kernels.

Counts, each from a document: a plain layer 50 operations forward (layer_time.py). A router 72, 31 with its fused kernels, 17
with what prepares a dispatch where a library does that (NVIDIA/Megatron-LM, docs/discussions/deepseek-v3-gb200-optimization,
2.1.4 and 2.2.1). An expert's two products start one by one, each with a cast of its input where operands are narrow; backward
each is two products and a cast. Without a fused kernel these repeat for each expert of the rank.
"""

from dataclasses import dataclass
from typing import Any

from datahall.models.parallel.expert_constants import ExpertConstants
from datahall.models.parallel.stack import Stack

PLAIN = 50
"""Of a layer without experts, forward; https://mlhero.books.neutronlabs.ai/ch21-runtimes/01-pytorch-dispatch, read 2026-11."""
STATIC = 30
"""Of that, attention with its norms and sums: all but the block."""
ROUTER, ROUTER_DISPATCHED = 31, 17
AROUND = 10
"""Sorting tokens to experts and back, activation, dispatch and combine."""


@dataclass(frozen=True, slots=True)
class Starts:
    """Seconds of the host, forward and backward: of what never changes its shape, and of routed experts."""

    static: tuple[float, float]
    experts: tuple[Any, Any]
    wait: float
    """Forward, while nothing runs: the host must read how many tokens go where before it starts the dispatch."""


def routing_kernels(stack: Stack) -> int:
    """Kernels that choose experts and count tokens, forward."""
    return ROUTER_DISPATCHED if stack.fused_dispatch else ROUTER


def starts_of(stack: Stack, *, held: Any, narrow: bool, fitted: ExpertConstants) -> Starts:
    """Of a layer with experts, `held` of them on the rank. narrow: whether operands are cast."""
    if stack.graphs == "whole" or stack.host_kernel_s == 0:
        return Starts((0.0, 0.0), (0.0, 0.0), 0.0)
    count = STATIC + routing_kernels(stack)
    start_s = stack.host_kernel_s * (fitted.narrow_start_ratio if narrow else 1.0)
    static_s = 0.0 if stack.graphs == "static" else count * start_s
    loops = 1.0 if stack.fused_experts else held
    forward, backward = (4.0, 6.0) if narrow else (2.0, 4.0)
    around_s, each_s = AROUND * start_s, loops * fitted.expert_start_s
    experts = (around_s + forward * each_s, 2 * around_s + backward * each_s)
    return Starts((static_s, 2 * static_s), experts, 0.0 if stack.expert_overlap else around_s)
