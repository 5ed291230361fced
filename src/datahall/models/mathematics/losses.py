"""Losses with their gradients: means over the batch, so that the learning rate need not know the batch size.

Shapes: B batch, K outputs (classes). Targets are y_BK: for the categorical losses each row is a distribution (one-hot,
see `one_hot`, or smoothed), for the others each output has a target of its own.
A loss from logits takes the last layer's z; a loss from probabilities takes what sigmoid or softmax made of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.models.mathematics.activations import Array, sigmoid, sigmoid_derivative, softplus

SMALLEST = np.finfo(np.float64).tiny
"""A probability of zero is taken as this, so that its logarithm stays finite."""


def one_hot(classes_B: NDArray[np.int64], classes: int) -> Array:
    """A 1 in the column of each row's class, BK."""
    rows_BK: Array = np.eye(classes)[classes_B]
    return rows_BK


def log_sum_exp(z_BK: Array) -> Array:
    """ln Σ e^z of each row, B1: the largest z is taken out first, so that nothing overflows."""
    top_B1: Array = z_BK.max(axis=1, keepdims=True)
    spread_B1: Array = np.exp(z_BK - top_B1).sum(axis=1, keepdims=True)
    return top_B1 + np.log(spread_B1)


def softmax(z_BK: Array) -> Array:
    """Each row's probabilities, BK: e^z over its sum."""
    return np.exp(z_BK - log_sum_exp(z_BK))


def softmax_pullback(p_BK: Array, gradient_p_BK: Array) -> Array:
    """∂L/∂z from ∂L/∂p. The Jacobian of softmax is diag(p) - p pᵀ: each z moves all the probabilities."""
    mean_B1: Array = (p_BK * gradient_p_BK).sum(axis=1, keepdims=True)
    return p_BK * (gradient_p_BK - mean_B1)


def categorical_cross_entropy_from_logits(z_BK: Array, y_BK: Array) -> float:
    """-Σ y ln p, mean over the rows, without ever forming p: ln p = z - ln Σ e^z."""
    return float((y_BK * (log_sum_exp(z_BK) - z_BK)).sum(axis=1).mean())


def categorical_cross_entropy_from_logits_gradient(z_BK: Array, y_BK: Array) -> Array:
    """∂L/∂z = (p - y) / B: no derivative of an activation stands beside it."""
    return (softmax(z_BK) - y_BK) / len(z_BK)


def categorical_cross_entropy(p_BK: Array, y_BK: Array) -> float:
    """-Σ y ln p, mean over the rows."""
    return float(-(y_BK * np.log(np.maximum(p_BK, SMALLEST))).sum(axis=1).mean())


def categorical_cross_entropy_gradient(p_BK: Array, y_BK: Array) -> Array:
    """∂L/∂p = -y / p / B."""
    return -y_BK / np.maximum(p_BK, SMALLEST) / len(p_BK)


def binary_cross_entropy_from_logits(z_BK: Array, y_BK: Array) -> float:
    """-(y ln σ(z) + (1 - y) ln(1 - σ(z))), mean over all outputs: softplus(z) - y z."""
    return float((softplus(z_BK) - y_BK * z_BK).mean())


def binary_cross_entropy_from_logits_gradient(z_BK: Array, y_BK: Array) -> Array:
    """∂L/∂z = (σ(z) - y) / (B K)."""
    return (sigmoid(z_BK) - y_BK) / z_BK.size


def binary_cross_entropy(p_BK: Array, y_BK: Array) -> float:
    """-(y ln p + (1 - y) ln(1 - p)), mean over all outputs."""
    yes, no = np.maximum(p_BK, SMALLEST), np.maximum(1 - p_BK, SMALLEST)
    return float(-(y_BK * np.log(yes) + (1 - y_BK) * np.log(no)).mean())


def binary_cross_entropy_gradient(p_BK: Array, y_BK: Array) -> Array:
    """∂L/∂p = (p - y) / (p (1 - p)) / (B K)."""
    return (p_BK - y_BK) / np.maximum(p_BK * (1 - p_BK), SMALLEST) / p_BK.size


def mean_squared_error(a_BK: Array, y_BK: Array) -> float:
    """(a - y)², mean over all outputs."""
    return float(((a_BK - y_BK) ** 2).mean())


def mean_squared_error_gradient(a_BK: Array, y_BK: Array) -> Array:
    """∂L/∂a = 2 (a - y) / (B K)."""
    return 2 * (a_BK - y_BK) / a_BK.size


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss as the network sees it: value(z, y), and ∂L/∂z(z, y), where back-propagation starts."""

    value: Callable[[Array, Array], float]
    gradient: Callable[[Array, Array], Array]


def _after_softmax(z_BK: Array, y_BK: Array) -> float:
    return categorical_cross_entropy(softmax(z_BK), y_BK)


def _through_softmax(z_BK: Array, y_BK: Array) -> Array:
    p_BK = softmax(z_BK)
    return softmax_pullback(p_BK, categorical_cross_entropy_gradient(p_BK, y_BK))


def _after_sigmoid(z_BK: Array, y_BK: Array) -> float:
    return binary_cross_entropy(sigmoid(z_BK), y_BK)


def _through_sigmoid(z_BK: Array, y_BK: Array) -> Array:
    return binary_cross_entropy_gradient(sigmoid(z_BK), y_BK) * sigmoid_derivative(z_BK)


LOSSES: dict[str, Loss] = {
    "categorical_cross_entropy": Loss(_after_softmax, _through_softmax),
    "categorical_cross_entropy_from_logits": Loss(
        categorical_cross_entropy_from_logits, categorical_cross_entropy_from_logits_gradient
    ),
    "binary_cross_entropy": Loss(_after_sigmoid, _through_sigmoid),
    "binary_cross_entropy_from_logits": Loss(binary_cross_entropy_from_logits, binary_cross_entropy_from_logits_gradient),
    "mean_squared_error": Loss(mean_squared_error, mean_squared_error_gradient),
}
"""Each loss on the last layer's z. The two `from_logits` forms equal their namesakes where those are accurate, and stay
exact where a probability rounds to 0 or 1."""
