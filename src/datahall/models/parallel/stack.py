"""What the software of a training run does: stated, not fitted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stack:
    """What the software does, as far as it sets the time: assumptions that are stated, not fitted."""

    attention_kernel: str | None = None
    """Of fused attention; None: the fastest published for the accelerator."""
    fused: bool = True
    """Norms, activations, sums and dropouts are one kernel each, as in Megatron-LM or a compiled model."""
    host_kernel_s: float = 1.5e-5
    """Host time to start one operation from an eager framework; 0 with CUDA graphs or a compiled model. A layer is never
    faster than its starts. The middle of 5 to 25 us, https://jiahuanglin.xyz/all_lessons/gpu_kernel_serving (lesson 18, read
    2026-11): a wide range, which hosts and stacks fill."""
    fused_accumulation: bool = True
    """Products of the weights' gradients add into what was accumulated; otherwise a kernel of its own does."""
    tensor_overlap: bool = True
    """Backward, half of the tensor-parallel exchange runs behind the products of the weights' gradients."""
    data_overlap: bool = True
    """Gradients are reduced by buckets behind the backward pass of the last micro-batch, weights gathered behind the next
    forward pass."""
    send_overlap: bool = False
    """Sends between pipeline stages run behind computing."""
