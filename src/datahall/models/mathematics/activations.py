"""Every activation that a recipe may name, with its derivative. All act element by element; float64 in, float64 out."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAK = 0.01
"""Slope of leaky ReLU below zero (Maas, Hannun and Ng, 2013), as in PyTorch."""

_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True, slots=True)
class Activation:
    """g and g': `value(z)` is the unit's output, `derivative(z)` its slope at the same z."""

    value: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


def identity(z: Array) -> Array:
    return z


def identity_derivative(z: Array) -> Array:
    return np.ones_like(z)


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z). Only e^-|z| is taken, which cannot overflow."""
    decay = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + decay), decay / (1 + decay))


def sigmoid_derivative(z: Array) -> Array:
    """σ (1 - σ), at most 1/4: this is why deep sigmoid networks learn slowly."""
    value = sigmoid(z)
    return value * (1 - value)


def tanh_derivative(z: Array) -> Array:
    """1 - tanh²."""
    return 1 - np.tanh(z) ** 2


def relu(z: Array) -> Array:
    return np.maximum(z, 0)


def relu_derivative(z: Array) -> Array:
    """1 above zero, 0 below; at zero itself there is none, and 0 is the customary choice."""
    return (z > 0).astype(np.float64)


def leaky_relu(z: Array) -> Array:
    return np.where(z > 0, z, LEAK * z)


def leaky_relu_derivative(z: Array) -> Array:
    return np.where(z > 0, 1.0, LEAK)


def elu(z: Array) -> Array:
    """z above zero, e^z - 1 below (Clevert, Unterthiner and Hochreiter, arXiv:1511.07289, with α = 1)."""
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def elu_derivative(z: Array) -> Array:
    return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))


def gelu(z: Array) -> Array:
    """z Φ(z), with Φ the normal distribution itself, not its tanh approximation (arXiv:1606.08415)."""
    return z * _normal_cumulative(z)


def gelu_derivative(z: Array) -> Array:
    """Φ(z) + z φ(z)."""
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return _normal_cumulative(z) + z * density


def silu(z: Array) -> Array:
    """z σ(z), also called swish (arXiv:1702.03118)."""
    return z * sigmoid(z)


def silu_derivative(z: Array) -> Array:
    """σ + z σ (1 - σ)."""
    return sigmoid(z) + z * sigmoid_derivative(z)


def softplus(z: Array) -> Array:
    """ln(1 + e^z), written so that a large z does not overflow."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _normal_cumulative(z: Array) -> Array:
    halves: Array = (1 + _erf(z / math.sqrt(2))) / 2
    return halves


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(identity, identity_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(np.tanh, tanh_derivative),
    "relu": Activation(relu, relu_derivative),
    "leaky_relu": Activation(leaky_relu, leaky_relu_derivative),
    "elu": Activation(elu, elu_derivative),
    "gelu": Activation(gelu, gelu_derivative),
    "silu": Activation(silu, silu_derivative),
    "softplus": Activation(softplus, sigmoid),
}
"""The names are those of `datahall.models.families.spec.Activation`."""
