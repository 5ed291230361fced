"""Time that one rank computes on one layer, and on what stands before and after the layers, for one micro-batch."""

from dataclasses import dataclass

from datahall.models.cost.parameters import attention_weights, has_experts, head_dim_of, kv_heads_of
from datahall.models.cost.spec import Architecture, LatentAttention
from datahall.models.parallel.device import Device
from datahall.models.parallel.kernels import attention_s, elementwise_s, loss_s, matmul_s, norm_s, unfused_attention_s
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack as Stack

Product = tuple[float, float, float, float]
"""Rows, columns, depth, and how many of them at once."""
KERNELS_FORWARD = 50
"""Operations that an eager framework starts for one layer, forward; backward twice as many. A typical block, counted by
https://mlhero.books.neutronlabs.ai/ch21-runtimes/01-pytorch-dispatch, read 2026-11 (a teaching text)."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Seconds of one micro-batch on one rank."""

    forward: float
    backward: float
    again: float = 0.0
    """Of the forward pass, what backward computes again."""
    attention_forward: float = 0.0
    """Part of `forward`: what an exchange of keys and values can hide behind."""
    attention_backward: float = 0.0


def layer_pass(architecture: Architecture, plan: TrainPlan, device: Device, stack: Stack, *, layer: int) -> Pass:
    """One layer (from 0) of a decoder or encoder."""
    tokens = plan.micro_batch * plan.sequence / plan.context
    attention = _attention(architecture, plan, device, stack)
    products = [
        *_projections(architecture, plan, tokens),
        *_block(architecture, plan, tokens, experts=has_experts(architecture, layer)),
    ]
    forward = sum(_product_s(device, plan, product) for product in products) + attention[0]
    backward = sum(_gradients_s(device, plan, product) for product in products) + attention[1]
    small = _small_s(architecture, plan, device, stack, tokens, backward=False)
    small_back = _small_s(architecture, plan, device, stack, tokens, backward=True)
    started_s = KERNELS_FORWARD * stack.host_kernel_s
    whole = max(forward + small, started_s)
    some = (forward - attention[0]) / 2 + small  # torchtitan keeps every second product, and attention
    again = {"none": 0.0, "selective": attention[0], "operators": some, "full": whole}[plan.recompute]
    return Pass(whole, max(backward + small_back, 2 * started_s), again, *attention)


def embedding_pass(architecture: Architecture, plan: TrainPlan, device: Device) -> Pass:
    """Look-up, and the sum of its gradients: rows are read and written."""
    moved = plan.micro_batch * plan.sequence / plan.context * architecture.hidden
    return Pass(float(elementwise_s(device, moved * 4)), float(elementwise_s(device, moved * 8)))


def output_pass(architecture: Architecture, plan: TrainPlan, device: Device) -> Pass:
    """Last norm, logits in 16 bits over the tensor ranks' share of the vocabulary, and the loss; never computed again."""
    tokens = plan.micro_batch * plan.sequence / plan.context
    share = architecture.vocab / plan.tensor
    wide = _wide(plan)
    logits = float(matmul_s(device, tokens, share, architecture.hidden, precision=wide))
    inputs = float(matmul_s(device, tokens, architecture.hidden, share, precision=wide))
    weights = float(matmul_s(device, architecture.hidden, share, tokens, precision=wide))
    loss = float(loss_s(device, tokens, share))
    norm = [float(norm_s(device, tokens, architecture.hidden, backward=back)) for back in (False, True)]
    return Pass(norm[0] + logits + loss / 2, norm[1] + inputs + weights + loss / 2)


def kv_width(architecture: Architecture) -> float:
    """Columns of keys and values together, of one token."""
    attention = architecture.attention
    if isinstance(attention, LatentAttention):
        return attention.heads * (attention.nope_dim + attention.rope_dim + attention.value_dim)
    return 2 * kv_heads_of(attention) * head_dim_of(attention, architecture.hidden)


def _wide(plan: TrainPlan) -> str:
    """What is not computed in the plan's narrow precision: 16 bits, or 32 throughout."""
    return plan.precision if plan.precision in ("fp16", "fp32") else "bf16"


def _projections(architecture: Architecture, plan: TrainPlan, tokens: float) -> list[Product]:
    """Rows, columns, depth and count of the products around attention. Latent attention: as if its matrices were one."""
    made, projected = attention_weights(architecture)
    hidden = architecture.hidden
    return [(tokens, made / hidden / plan.tensor, hidden, 1), (tokens, hidden, projected / hidden / plan.tensor, 1)]


def _block(architecture: Architecture, plan: TrainPlan, tokens: float, *, experts: bool) -> list[Product]:
    hidden, into = architecture.hidden, 2 if architecture.feed_forward.gated else 1

    def pair(rows: float, width: float, count: float = 1) -> list[Product]:
        share = width / plan.tensor
        return [(rows, into * share, hidden, count), (rows, hidden, share, count)]

    mixture = architecture.experts
    if not experts or mixture is None:
        return pair(tokens, architecture.feed_forward.width)
    # Even load: each rank's own experts take the tokens that all ranks of its group send them.
    found = pair(tokens * mixture.active * plan.expert / mixture.count, mixture.width, mixture.count / plan.expert)
    if mixture.shared:
        found += pair(tokens, mixture.shared * (mixture.shared_width or mixture.width))
    return [*found, (tokens, mixture.count, hidden, 1)]


def _product_s(device: Device, plan: TrainPlan, product: Product) -> float:
    m, n, k, batch = product
    cast = _cast_s(device, plan, batch * m * k)
    return float(matmul_s(device, m, n, k, precision=plan.precision, batch=batch)) + cast


def _gradients_s(device: Device, plan: TrainPlan, product: Product) -> float:
    """Of the inputs (m, n) x (n, k), and of the weights (k, m) x (m, n)."""
    m, n, k, batch = product
    inputs = matmul_s(device, m, k, n, precision=plan.precision, batch=batch)
    weights = matmul_s(device, k, n, m, precision=plan.precision, batch=batch)
    return float(inputs + weights) + _cast_s(device, plan, batch * m * n)


def _cast_s(device: Device, plan: TrainPlan, elements: float) -> float:
    """An 8- or 4-bit operand is made from 16 bits: read twice (scale, then value), written as it is and transposed."""
    return float(elementwise_s(device, elements * 6)) if plan.precision in ("fp8", "nvfp4") else 0.0


def _attention(architecture: Architecture, plan: TrainPlan, device: Device, stack: Stack) -> tuple[float, float]:
    """Forward and backward, layers with windows and without averaged; context ranks share the causal half evenly."""
    wide = _wide(plan)
    heads, kv_heads, head_dim = _heads(architecture)
    queries = plan.sequence / plan.context
    if not plan.flash_attention:
        found = [
            unfused_attention_s(
                device, batch=plan.micro_batch, heads=heads / plan.tensor, queries=queries, head_dim=head_dim,
                keys=plan.sequence, precision=wide, backward=backward,
            )
            for backward in (False, True)
        ]  # fmt: skip
        return float(found[0]), float(found[1])
    seen = _seen(architecture, plan)
    fused = [
        attention_s(
            device, batch=plan.micro_batch, heads=heads / plan.tensor, queries=queries, head_dim=head_dim,
            kv_heads=max(1.0, kv_heads / plan.tensor), keys=plan.sequence, seen=seen, precision=wide,
            kernel=stack.attention_kernel, backward=backward,
        )
        for backward in (False, True)
    ]  # fmt: skip
    return float(fused[0]), float(fused[1])


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


def _small_s(
    architecture: Architecture, plan: TrainPlan, device: Device, stack: Stack, tokens: float, *, backward: bool
) -> float:
    """Norms, rotation, activation, sums, dropouts: passes over what they read and write, 2 bytes each; in fp32, 4.

    Passes, one kernel each or one for each operation: norm 2 or 6, residual sum 3 or 3, dropout 0.5 or 2.5 (its mask is a
    byte), activation 2 or 4 (gated 3 or 5), rotation of queries and keys 2 or 6. Backward: half as many again.
    """
    size, more = (4 if plan.precision == "fp32" else 2), (1.5 if backward else 1.0)
    hidden = architecture.hidden * tokens / (plan.tensor if plan.sequence_parallel else 1)
    norm = architecture.norms_per_layer * (2 if stack.fused else 6)
    sums = 2 * (3 + ((0.5 if stack.fused else 2.5) if plan.dropout else 0))
    inner = _activated(architecture, stack) * tokens / plan.tensor
    made = attention_weights(architecture)[0] / architecture.hidden * tokens / plan.tensor
    rotated = made * ((2 if stack.fused else 6) if architecture.positions == "rotary" else 0)
    return float(
        elementwise_s(device, more * size * (hidden * (norm + sums) + inner + rotated), launches=8 if stack.fused else 16)
    )


def _activated(architecture: Architecture, stack: Stack) -> float:
    """Columns that the activation moves for a token, averaged over layers; of a mixture also what routing copies in and out."""
    passes = (3 if stack.fused else 5) if architecture.feed_forward.gated else (2 if stack.fused else 4)
    mixture = architecture.experts
    if mixture is None:
        return passes * architecture.feed_forward.width
    width = mixture.active * mixture.width + mixture.shared * (mixture.shared_width or mixture.width)
    return passes * width + 4 * mixture.active * architecture.hidden
