"""What the software of a training run does: stated, not fitted."""

from dataclasses import dataclass
from typing import Literal

Recomputed = Literal["latent_up", "norms", "expert_activation", "dense_block"]


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
    tensor_pieces: int = 1
    """Pieces in which tensor ranks exchange beside the products that make or take what they exchange, so that only one piece
    stands alone; 1: the whole, before or after. User buffers of Transformer Engine take 4 (`num_splits`)."""
    fused_loss: bool = False
    """Softmax and cross entropy are one kernel over 16-bit logits, which the gradient overwrites."""
    data_overlap: bool = True
    """Gradients are reduced by buckets behind the backward pass of the last micro-batch, weights gathered behind the next
    forward pass."""
    send_overlap: bool = False
    """Sends between pipeline stages run behind computing."""
    stops_early: bool = False
    """Full recomputation ends with the last tensor that backward needs, so that a layer's last product is not computed again:
    PyTorch's checkpoint without re-entrance, from 2.1 on (torch.utils.checkpoint, `early_stop`)."""
    blocking: bool = False
    """The host waits for each kernel before it starts the next (CUDA_LAUNCH_BLOCKING=1): starts add up with kernels."""
    broadcasts_shards: bool = False
    """Ranks that shard the optimiser broadcast what they updated one after another, instead of one gathering of all."""
    graphs: Literal["none", "static", "whole"] = "none"
    """What CUDA graphs capture: nothing, all of a layer whose shapes never change (all but routed experts), or whole steps."""
    fused_dispatch: bool = False
    """A library sends each token once to each rank or domain that wants it (DeepEP, HybridEP). Otherwise an all-to-all of as
    many copies as experts, sorted before and after by kernels of their own."""
    fused_experts: bool = False
    """One kernel multiplies all experts of a rank, activation and casts in it. Otherwise each starts its own."""
    expert_overlap: bool = False
    """Tokens of one micro-batch travel while another is computed, forward beside backward."""
    routed_domains: int | None = None
    """Domains that the experts of one token may lie in, where the software limits routing; None: as the model's router does."""
    imbalance: float = 1.0
    """Tokens of the busiest rank's experts over the mean; 1 where a benchmark forces balance."""
    narrow_dispatch: bool = False
    """Tokens travel to experts in 8 bits; they come back in 16."""
    narrow_gradients: bool = False
    """So do gradients of what experts gave back, as in DeepSeek-V3's training (arXiv:2412.19437, section 3.3.3)."""
    recomputed: tuple[Recomputed, ...] = ()
    """Parts of a layer that backward computes again, besides what the plan says."""

    @property
    def start_s(self) -> float:
        """Host time to start one operation of a layer without experts: none that graphs capture."""
        return self.host_kernel_s if self.graphs == "none" else 0.0
