"""Time of single kernels on an accelerator, s: smooth in every dimension, for numbers and NumPy arrays alike.

    t = launch + sqrt(compute^2 + memory^2)

The root of the squares stands for max(compute, memory): it never falls below either, has no kink, and near the balance point
it is late by up to 41 %, as real kernels are. Waves, pipeline fill and overhang are added to the work instead of being
rounded up, so that a search finds no step to exploit. Shapes may be 0, never negative; nothing is checked here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.parallel.device import Device
from datahall.models.parallel.kernel_constants import MatmulConstants, attention_constants, matmul_constants

Size = float | NDArray[Any]
Seconds = NDArray[np.float64]

ELEMENT_BYTES = {"fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "nvfp4": 0.5625}
"""Of one operand. NVFP4: 4 bits and one byte of scale for each 16 elements (NVIDIA, arXiv:2509.25149)."""
TILE = 128
"""Rows and columns of the block that one multiprocessor computes: the usual one, by NVIDIA's guide to matrix multiplication."""
RISE = 0.25
"""Share of a block over which the smoothed stair rises."""


def matmul_s(
    device: Device,
    m: Size,
    n: Size,
    k: Size,
    *,
    precision: str,
    batch: Size = 1,
    result_bytes: float | None = None,
    constants: MatmulConstants | None = None,
) -> Seconds:
    """Time of `batch` products (m, k) x (k, n), s. Shapes broadcast.

    result_bytes: moved for each element of the result, where not only it is written once.

    precision: of the operands; the result is written in 16 bits or wider. Raises Refused where the device lacks it.
    constants: others than those that were fitted, for a device that was calibrated.
    """
    c = constants or matmul_constants()
    m, n, k = np.asarray(m, np.float64), np.asarray(n, np.float64), np.asarray(k, np.float64)
    operand = ELEMENT_BYTES.get(precision, 2.0)
    area = batch * _padded(m, c.tile_ratio) * _padded(n, c.tile_ratio) + c.wave_ratio * device.units * TILE**2
    compute_s = area * (k + c.depth) * (2 / (device.reached_flop_per_s(precision) * c.compute_ratio))
    moved_bytes = batch * ((m + n) * k * operand + m * n * (result_bytes or max(operand, 2.0)))
    memory_s = moved_bytes * (1 / (device.memory_bytes_per_s * c.memory_ratio))
    return c.launch_s + _both(compute_s, memory_s)


def attention_s(
    device: Device,
    *,
    batch: Size,
    heads: Size,
    queries: Size,
    head_dim: Size,
    kv_heads: Size | None = None,
    keys: Size | None = None,
    seen: Size | None = None,
    precision: str = "bf16",
    kernel: str | None = None,
    backward: bool = False,
) -> Seconds:
    """Time of fused (flash) attention, s; of its backward pass, which computes the scores again: 2.5 times the work.

    keys: tokens that are kept, without it as many as queries. seen: how many of them a query sees on average; without it
    half, as under a causal mask. kernel: of the software stack; without it the fastest published for the architecture.
    Raises Refused where no rate of `kernel` on this architecture was published.
    Source: FLOPs as in Dao, arXiv:2307.08691, section 4.1: 4 x queries x seen x head_dim x heads.
    """
    c, fitted = attention_constants(), matmul_constants()
    row = c.row(kernel or c.best(device.architecture), device.architecture)
    keys = queries if keys is None else keys
    seen = 0.5 * keys if seen is None else seen
    ratio, work = (row.backward_ratio, 2.5) if backward else (row.forward_ratio, 1.0)
    rows = batch * heads * queries + fitted.wave_ratio * device.units * TILE
    # Further columns that a head narrower than 128 costs, so that one of 64 reaches `narrow_ratio`.
    further = np.maximum(0.0, 1 - np.asarray(head_dim, np.float64) / 128) * 128 * (1 / row.narrow_ratio - 1)
    flop = 4 * work * rows * (seen + c.ramp) * (head_dim + further)
    kept = batch * head_dim * ELEMENT_BYTES[precision] * (heads * queries + (kv_heads or heads) * keys)
    moved_bytes = kept * (4.0 if backward else 2.0)
    peak = device.peak_flop_per_s(precision)
    memory_s = moved_bytes / (device.memory_bytes_per_s * fitted.memory_ratio)
    return fitted.launch_s + _both(np.asarray(flop / (peak * ratio)), np.asarray(memory_s))


def unfused_attention_s(
    device: Device,
    *,
    batch: Size,
    heads: Size,
    queries: Size,
    head_dim: Size,
    keys: Size | None = None,
    precision: str = "bf16",
    backward: bool = False,
    slower: Size = 1.0,
) -> Seconds:
    """Time of attention that writes its scores, s: batched products and passes over the scores, mask or no mask.

    slower: how many times as long as with an aligned `head_dim` the products take.

    Passes besides the products' own, counted: softmax reads and writes, so does dropout (4); backward, dropout reads and
    writes, softmax reads twice and writes (5).
    """
    keys = queries if keys is None else keys
    count = np.asarray(batch, np.float64) * heads
    # Rows that 16 bytes do not divide cannot be loaded for tensor cores: the vector units multiply them, in fp32. What these
    # reach is not published of every device; there the products are taken as if rows were whole.
    rate = precision if np.all(vectorised(head_dim)) or "fp32" not in device.flop_per_s else "fp32"
    scores_s = matmul_s(device, queries, keys, head_dim, precision=rate, batch=count)
    values_s = matmul_s(device, queries, head_dim, keys, precision=rate, batch=count)
    passes = 5 if backward else 4
    kernels_s = elementwise_s(device, passes * ELEMENT_BYTES[precision] * count * queries * keys, launches=2)
    # Backward: of each of the two products, the gradients of both its operands.
    products_s = (scores_s + values_s) * slower * (2.0 if backward else 1.0)
    return products_s + kernels_s


def elementwise_s(device: Device, moved_bytes: Size, *, launches: int = 1) -> Seconds:
    """Time of kernels that only move bytes, read and written together, s."""
    c = matmul_constants()
    moved_s: Seconds = np.asarray(moved_bytes, np.float64) / (device.memory_bytes_per_s * c.memory_ratio)
    return moved_s + launches * c.launch_s


def norm_s(device: Device, tokens: Size, hidden: Size, *, element_bytes: float = 2.0, backward: bool = False) -> Seconds:
    """Time of a layer norm or RMS norm, s: reads and writes once; backward reads two and writes one."""
    passes = 3 if backward else 2
    return elementwise_s(device, np.asarray(tokens, np.float64) * hidden * (passes * element_bytes))


def loss_s(device: Device, tokens: Size, vocab: Size, *, fused: bool = False, logit_bytes: float = 2.0) -> Seconds:
    """Time of softmax and cross entropy over logits with their gradient, s; the products are not in it.

    Fused: logits are read twice, the gradient is written over them. Otherwise through fp32 copies: cast (reads logits, writes
    4), log-softmax (4 + 4), its gradient (4 + 4), cast back (4, writes the gradient).
    """
    each = 3 * logit_bytes if fused else 2 * logit_bytes + 24
    return elementwise_s(device, np.asarray(tokens, np.float64) * vocab * each, launches=1 if fused else 4)


def optimiser_s(device: Device, parameters: Size, *, gradient_bytes: float, state_bytes: float, weight_bytes: float) -> Seconds:
    """Time of one fused optimiser step over `parameters`, s: gradients are read, states read and written, weights written.

    Before it, gradients are read for their norm, and read and written to be scaled.
    """
    each = 4 * gradient_bytes + 2 * state_bytes + weight_bytes
    return elementwise_s(device, np.asarray(parameters, np.float64) * each, launches=3)


def misaligned(width: Size, *, misaligned_ratio: float) -> Seconds:
    """How many times as long a product takes whose rows are `width` elements of 16 bits, of that with aligned rows.

    Rows of whole 128 bytes are loaded at full rate; each halving of the largest power of two that divides a row costs
    `misaligned_ratio`. This is no rounding to smooth over: hardware has it. Source: NVIDIA, Matrix
    Multiplication Background User's Guide, DU-09799-001, section 2.2: multiples of 64 elements on A100, of 8 at the least.
    """
    halved = np.log2(64 / _power_of_two(width))
    return 1 + misaligned_ratio * halved


def vectorised(width: Size) -> NDArray[np.bool_]:
    """Whether 16 bytes divide rows of `width` elements of 16 bits."""
    found: NDArray[np.bool_] = _power_of_two(width) >= 8
    return found


def _power_of_two(width: Size) -> NDArray[np.int64]:
    """Largest power of two that divides `width`, 64 at most; parts of an element count as none."""
    whole = np.asarray(width).astype(np.int64) | 64
    found: NDArray[np.int64] = whole & -whole
    return found


def _both(compute_s: Seconds, memory_s: Seconds) -> Seconds:
    return np.sqrt(compute_s * compute_s + memory_s * memory_s)


def _padded(size: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """`size` and a share of what is missing to whole blocks, as a stair whose steps are rounded: never falls, has no jump."""
    blocks = size * (1 / TILE)
    whole = np.floor(blocks)
    rise: NDArray[np.float64] = np.minimum((blocks - whole) * (1 / RISE), 1.0)
    stair = whole + rise * rise * (3 - 2 * rise)
    return size + (share * TILE) * (stair - blocks)
