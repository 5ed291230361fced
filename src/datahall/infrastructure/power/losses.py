"""What a power element keeps for itself."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", float, NDArray[np.float64])


def loss_w(output_w: F, *, rating_w: F, no_load_ratio: F, linear_ratio: F, square_ratio: F) -> F:
    """Loss of an energised element, W: rating x (a + b x + c x^2), x = output over rating. Arrays broadcast.

    a: what it takes without load; b: share of the output; c: the resistive term.
    Source: the three-term form of Schneider Electric White Paper 108 (no-load, proportional and square-law loss).
    """
    x = output_w / rating_w
    return rating_w * (no_load_ratio + x * (linear_ratio + x * square_ratio))


def efficiency_ratio(x: float, *, no_load_ratio: float, linear_ratio: float, square_ratio: float) -> float:
    """Output over input at the load ratio x. Raises ValueError unless x > 0: without load there is no efficiency."""
    if not x > 0:
        raise ValueError(f"efficiency_ratio: x={x:g}, but there is no efficiency without load")
    lost = loss_w(x, rating_w=1.0, no_load_ratio=no_load_ratio, linear_ratio=linear_ratio, square_ratio=square_ratio)
    return x / (x + lost)


def rectifier_terms(constant_w: float, efficiency: float, *, rating_w: float) -> tuple[float, float, float]:
    """No-load, linear and square ratio of a rectifier whose input is (output + constant) / efficiency.

    Source: ExaDigiT/RAPS, raps/power.py, compute_loss. The special case without a square term.
    """
    return constant_w / efficiency / rating_w, 1 / efficiency - 1, 0.0
