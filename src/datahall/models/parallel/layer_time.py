"""Time that one rank computes on one layer, and on what stands before and after the layers, for one micro-batch.

A plan whose micro-batch is an array of sizes stands for as many plans: seconds are arrays then, too.
"""

import functools
from dataclasses import dataclass
from typing import Any

from datahall.models.cost.parameters import attention_weights, head_dim_of, kv_heads_of
from datahall.models.cost.spec import Architecture, LatentAttention
from datahall.models.parallel.alike import larger, plain
from datahall.models.parallel.device import Device
from datahall.models.parallel.kernels import (
    attention_s,
    elementwise_s,
    loss_s,
    matmul_s,
    misaligned,
    norm_s,
    unfused_attention_s,
)
from datahall.models.parallel.latent import Product, down_products, up_products
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack as Stack
from datahall.models.parallel.step_constants import StepConstants, step_constants, sustained

KERNELS_FORWARD = 50
"""Operations that an eager framework starts for one layer, forward; backward twice as many. A typical block, counted by
https://mlhero.books.neutronlabs.ai/ch21-runtimes/01-pytorch-dispatch, read 2026-11 (a teaching text)."""

CAST_BYTES = {"fp8": 6.0, "nvfp4": 9.0}
"""Moved for one element of an operand. 8 bits: read twice (scale, then value), written twice. 4 bits: the transposed one goes
through a Hadamard transform, so that scale and value are read twice each, one kernel after the other (NVIDIA/TransformerEngine
issue 2281)."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Seconds of one micro-batch on one rank."""

    forward: Any
    backward: Any
    again: Any = 0.0
    """Of the forward pass, what backward computes again."""
    attention_forward: Any = 0.0
    """Part of `forward`: what an exchange of keys and values can hide behind."""
    attention_backward: Any = 0.0


def layer_pass(
    architecture: Architecture,
    plan: TrainPlan,
    device: Device,
    stack: Stack,
    *,
    constants: StepConstants | None = None,
) -> Pass:
    """One layer without experts (experts.py has the others) of a decoder or encoder, at the clock that the device holds."""
    c = constants or step_constants()
    device = sustained(device, c)
    tokens = plan.micro_batch * plan.sequence / plan.context
    attention, width = attention_pass(architecture, plan, device, stack, c), architecture.feed_forward.width
    products = [*projections(architecture, plan, tokens), *block_products(architecture, plan, tokens, width)]
    made = [product_s(device, plan, product, c) for product in products]
    forward = sum(made) + attention[0]
    wide = 2.0 * plan.gradient_bytes if stack.fused_accumulation and plan.zero < 3 else None
    backward = sum(gradients_s(device, plan, product, c, result_bytes=wide) for product in products) + attention[1]
    small = small_s(architecture, plan, device, stack, width, backward=False)
    small_back = small_s(architecture, plan, device, stack, width, backward=True)
    started_s = KERNELS_FORWARD * stack.start_s
    whole = _started(forward + small, started_s, stack)
    some = (forward - attention[0]) / 2 + small  # torchtitan keeps every second product, and attention
    spared = made[len(products) - 1] if stack.stops_early else 0.0  # backward needs what goes into the last, not its result
    parts = repeated_s(architecture, plan, device, stack, c)
    again = {"none": parts, "selective": attention[0] + parts, "operators": some, "full": whole - spared}[plan.recompute]
    return Pass(whole, _started(backward + small_back, 2 * started_s, stack), again, *attention)


def repeated_s(architecture: Architecture, plan: TrainPlan, device: Device, stack: Stack, c: StepConstants) -> Any:
    """Of a layer without experts, the parts that the stack computes again, forward: norms, products up from latent attention's
    compressed widths, the feed-forward block with its activation (Megatron Core's recompute_modules: layernorm, mla_up_proj,
    mlp)."""
    tokens, width = plan.micro_batch * plan.sequence / plan.context, architecture.feed_forward.width
    found: Any = 0.0
    products, latent = list[Product](), architecture.attention
    if "norms" in stack.recomputed:
        found = found + norms_s(architecture, plan, device, stack)
    if "latent_up" in stack.recomputed and isinstance(latent, LatentAttention):
        products += up_products(latent, tokens=tokens, hidden=architecture.hidden, tensor=plan.tensor)
    if "dense_block" in stack.recomputed:
        products += block_products(architecture, plan, tokens, width)
        size = 4 if plan.precision == "fp32" else 2
        moved_bytes = size * activation_passes(architecture, stack) * width * tokens / plan.tensor
        found = found + plain(elementwise_s(device, moved_bytes))
    return found + sum(product_s(device, plan, product, c) for product in products)


def _started(kernels_s: Any, started_s: float, stack: Stack) -> Any:
    """Kernels and their starts: one behind the other, or in turn where the host waits for each."""
    return kernels_s + started_s if stack.blocking else larger(kernels_s, started_s)


def embedding_pass(architecture: Architecture, plan: TrainPlan, device: Device) -> Pass:
    """Look-up, and the sum of its gradients: rows are read and written."""
    moved = plan.micro_batch * plan.sequence / plan.context * architecture.hidden
    return Pass(plain(elementwise_s(device, moved * 4)), plain(elementwise_s(device, moved * 8)))


def output_pass(
    architecture: Architecture, plan: TrainPlan, device: Device, stack: Stack, constants: StepConstants | None = None
) -> Pass:
    """Last norm, logits in 16 bits over the tensor ranks' share of the vocabulary, and the loss; never computed again."""
    c = constants or step_constants()
    device = sustained(device, c)
    tokens = plan.micro_batch * plan.sequence / plan.context
    share = architecture.vocab / plan.tensor
    wide = plan.model_copy(update={"precision": wide_of(plan)})
    # The vocabulary counts as aligned: frameworks pad it (Megatron-LM to multiples of 128 times the tensor ranks).
    product, aligned = (tokens, share, architecture.hidden, 1.0), c.model_copy(update={"misaligned_ratio": 0.0})
    logits, gradients = product_s(device, wide, product, aligned), gradients_s(device, wide, product, aligned)
    loss = plain(loss_s(device, tokens, share, fused=stack.fused_loss))
    norm = [plain(norm_s(device, tokens, architecture.hidden, backward=back)) for back in (False, True)]
    return Pass(norm[0] + logits + loss / 2, norm[1] + gradients + loss / 2)


def joining_pass(architecture: Architecture, plan: TrainPlan, device: Device, constants: StepConstants | None = None) -> Pass:
    """Before a layer that predicts further tokens: the next tokens are looked up, they and the states normed, and one product
    joins both. Source: DeepSeek-V3, arXiv:2412.19437, section 2.2."""
    c = constants or step_constants()
    at_clock, hidden = sustained(device, c), architecture.hidden
    tokens = plan.micro_batch * plan.sequence / plan.context
    product = (tokens, hidden / plan.tensor, 2.0 * hidden, 1.0)
    looked, share = embedding_pass(architecture, plan, device), plan.tensor if plan.sequence_parallel else 1
    norms = [2 * plain(norm_s(at_clock, tokens / share, hidden, backward=back)) for back in (False, True)]
    forward = looked.forward + norms[0] + product_s(at_clock, plan, product, c)
    return Pass(forward, looked.backward + norms[1] + gradients_s(at_clock, plan, product, c))


def kv_width(architecture: Architecture) -> float:
    """Columns of keys and values together, of one token."""
    attention = architecture.attention
    if isinstance(attention, LatentAttention):
        return attention.heads * (attention.nope_dim + attention.rope_dim + attention.value_dim)
    return 2 * kv_heads_of(attention) * head_dim_of(attention, architecture.hidden)


def wide_of(plan: TrainPlan) -> str:
    """What is not computed in the plan's narrow precision: 16 bits, or 32 throughout."""
    return plan.precision if plan.precision in ("fp16", "fp32") else "bf16"


def projections(architecture: Architecture, plan: TrainPlan, tokens: Any) -> list[Product]:
    """Rows, columns, depth and count of the products around attention."""
    made, projected = attention_weights(architecture)
    attention, hidden = architecture.attention, architecture.hidden
    out = (tokens, hidden, projected / hidden / plan.tensor, 1.0)
    if isinstance(attention, LatentAttention):
        share = 1 / plan.tensor if plan.sequence_parallel else 1.0
        down = down_products(attention, tokens=tokens, hidden=hidden, share=share)
        return [*down, *up_products(attention, tokens=tokens, hidden=hidden, tensor=plan.tensor), out]
    return [(tokens, made / hidden / plan.tensor, hidden, 1.0), out]


def block_products(architecture: Architecture, plan: TrainPlan, tokens: Any, width: float) -> list[Product]:
    """Of a feed-forward block of that width, split by the tensor ranks."""
    hidden, into, share = architecture.hidden, 2 if architecture.feed_forward.gated else 1, width / plan.tensor
    return [(tokens, into * share, hidden, 1.0), (tokens, hidden, share, 1.0)]


def product_s(device: Device, plan: TrainPlan, product: Product, c: StepConstants) -> Any:
    m, n, k, batch = product
    cast = _cast_s(device, plan, batch * m * k)
    return plain(matmul_s(device, m, n, k, precision=plan.precision, batch=batch)) * _misaligned(n, k, c) + cast


def gradients_s(
    device: Device, plan: TrainPlan, product: Product, c: StepConstants, *, result_bytes: float | None = None
) -> Any:
    """Of the inputs (m, n) x (n, k), and of the weights (k, m) x (m, n).

    result_bytes: moved for each weight's gradient where the product adds it to a sum; without it, as one result is written.
    """
    m, n, k, batch = product
    inputs = matmul_s(device, m, k, n, precision=plan.precision, batch=batch)
    weights = matmul_s(device, k, n, m, precision=plan.precision, batch=batch, result_bytes=result_bytes)
    return plain(inputs + weights) * _misaligned(n, k, c) + _cast_s(device, plan, batch * m * n)


def _misaligned(n: float, k: float, c: StepConstants) -> float:
    """Of the worse of the two widths; the third dimension is tokens, whose number a framework pads."""
    return max(_misaligned_width(n, c.misaligned_ratio), _misaligned_width(k, c.misaligned_ratio))


@functools.lru_cache(maxsize=4096)
def _misaligned_width(width: float, misaligned_ratio: float) -> float:
    return float(misaligned(width, misaligned_ratio=misaligned_ratio))


def _cast_s(device: Device, plan: TrainPlan, elements: Any) -> Any:
    """An 8- or 4-bit operand is made from 16 bits, as it is and transposed."""
    each = CAST_BYTES.get(plan.precision)
    return plain(elementwise_s(device, elements * each)) if each else 0.0


def attention_pass(
    architecture: Architecture, plan: TrainPlan, device: Device, stack: Stack, c: StepConstants
) -> tuple[Any, Any]:
    """Forward and backward, layers with windows and without averaged; context ranks share the causal half evenly."""
    wide = wide_of(plan)
    heads, kv_heads, head_dim = _heads(architecture)
    queries = plan.sequence / plan.context
    if not plan.flash_attention:
        slower = _misaligned(head_dim, head_dim, c)
        found = [
            unfused_attention_s(
                device, batch=plan.micro_batch, heads=heads / plan.tensor, queries=queries, head_dim=head_dim,
                keys=plan.sequence, precision=wide, backward=backward, slower=slower,
            )
            for backward in (False, True)
        ]  # fmt: skip
        return plain(found[0]), plain(found[1])
    seen = _seen(architecture, plan)
    fused = [
        attention_s(
            device, batch=plan.micro_batch, heads=heads / plan.tensor, queries=queries, head_dim=head_dim,
            kv_heads=max(1.0, kv_heads / plan.tensor), keys=plan.sequence, seen=seen, precision=wide,
            kernel=stack.attention_kernel, backward=backward,
        )
        for backward in (False, True)
    ]  # fmt: skip
    return plain(fused[0]), plain(fused[1])


def _heads(architecture: Architecture) -> tuple[int, int, float]:
    """Query heads, heads of keys and values, and width: latent attention's is the mean of its keys' and values'."""
    attention = architecture.attention
    if isinstance(attention, LatentAttention):
        return attention.heads, attention.heads, (attention.nope_dim + attention.rope_dim + attention.value_dim) / 2
    return attention.heads, kv_heads_of(attention), head_dim_of(attention, architecture.hidden)


def _seen(architecture: Architecture, plan: TrainPlan) -> float:
    """Tokens that a query sees, on average over queries and layers."""
    attention, whole = architecture.attention, plan.sequence * (0.5 if architecture.kind == "decoder" else 1.0)
    if isinstance(attention, LatentAttention) or attention.window is None or attention.window >= plan.sequence:
        return whole
    near = attention.window * (1 - attention.window / 2 / plan.sequence)
    share = 1 / attention.full_every if attention.full_every else 0.0
    return share * whole + (1 - share) * near


def small_s(architecture: Architecture, plan: TrainPlan, device: Device, stack: Stack, width: float, *, backward: bool) -> Any:
    """Norms, rotation, activation of `width` columns, sums, dropouts: passes over what they read and write, 2 bytes each; in
    fp32, 4.

    Passes, one kernel each or one for each operation: norm 2 or 6, residual sum 3 or 3, dropout 0.5 or 2.5 (its mask is a
    byte), activation 2 or 4 (gated 3 or 5), rotation of queries and keys 2 or 6. Backward: half as many again.
    """
    size, more = (4 if plan.precision == "fp32" else 2), (1.5 if backward else 1.0)
    tokens = plan.micro_batch * plan.sequence / plan.context
    hidden = architecture.hidden * tokens / (plan.tensor if plan.sequence_parallel else 1)
    norm = architecture.norms_per_layer * (2 if stack.fused else 6)
    sums = 2 * (3 + ((0.5 if stack.fused else 2.5) if plan.dropout else 0))
    inner = activation_passes(architecture, stack) * width * tokens / plan.tensor
    made = attention_weights(architecture)[0] / architecture.hidden * tokens / plan.tensor
    rotated = made * ((2 if stack.fused else 6) if architecture.positions == "rotary" else 0)
    return plain(
        elementwise_s(device, more * size * (hidden * (norm + sums) + inner + rotated), launches=8 if stack.fused else 16)
    )


def norms_s(architecture: Architecture, plan: TrainPlan, device: Device, stack: Stack) -> Any:
    """Norms, each with the sum before it, forward: passes as `small_s` counts them."""
    tokens = plan.micro_batch * plan.sequence / plan.context
    hidden = architecture.hidden * tokens / (plan.tensor if plan.sequence_parallel else 1)
    passes = architecture.norms_per_layer * ((2 if stack.fused else 6) + 3)
    return plain(elementwise_s(device, (4 if plan.precision == "fp32" else 2) * hidden * passes, launches=4))


def activation_passes(architecture: Architecture, stack: Stack) -> int:
    """How often the activation reads or writes the block's inner width."""
    gated = architecture.feed_forward.gated
    return (3 if gated else 2) if stack.fused else (5 if gated else 4)
