"""Matrix products by more than one library, and which of them is the faster for a given shape on this machine.

PyTorch multiplies float32 matrices through its BLAS. Where that is MKL on an AMD processor it leaves half of the
vector unit idle: 784x128 weights and 128 rows took 220 µs there, 112 µs through oneDNN, which PyTorch carries too.
For small shapes oneDNN's set-up costs more than it saves, so the choice is measured, shape by shape.
"""

# Shapes: M rows of the result, N columns of it, K what is summed over.
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Product = Callable[[Tensor, Tensor, Tensor | None, Tensor], Tensor]
"""(a_MK, b_KN, bias_N or None, out_MN) -> a b + bias; the result may be `out` or a tensor of its own."""

ROUNDS = 12
MARGIN_RATIO = 0.85
"""oneDNN is taken when it needs less than this share of the BLAS's time, so that noise does not decide close calls."""


def blas(a_MK: Tensor, b_KN: Tensor, bias_N: Tensor | None, out_MN: Tensor) -> Tensor:
    if bias_N is None:
        return torch.mm(a_MK, b_KN, out=out_MN)
    return torch.addmm(bias_N, a_MK, b_KN, out=out_MN)


def onednn(a_MK: Tensor, b_KN: Tensor, bias_N: Tensor | None, _out_MN: Tensor) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(a_MK, b_KN.t(), bias_N, "none", [], "")
    return product


PRODUCTS: Mapping[str, Product] = {"blas": blas, "onednn": onednn}


def fastest(a_MK: Tensor, b_KN: Tensor, bias_N: Tensor | None, out_MN: Tensor) -> str:
    """The name of the product to use for these shapes: best of a few rounds each, taken in turns."""
    if not onednn_works(a_MK):
        return "blas"
    best_s = dict.fromkeys(PRODUCTS, float("inf"))
    for _ in range(ROUNDS):
        for name, product in PRODUCTS.items():
            start_s = time.perf_counter()
            product(a_MK, b_KN, bias_N, out_MN)
            best_s[name] = min(best_s[name], time.perf_counter() - start_s)
    return "onednn" if best_s["onednn"] < MARGIN_RATIO * best_s["blas"] else "blas"


def onednn_works(like: Tensor) -> bool:
    """Whether this build of PyTorch can multiply tensors such as `like` through oneDNN."""
    on_cpu = like.device.type == "cpu" and like.dtype == torch.float32
    built: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return on_cpu and built and hasattr(torch.ops.mkldnn, "_linear_pointwise")
