"""Rules that turn a gradient into a step. Each takes lists of arrays of equal shapes and returns new ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datahall.models.mathematics.activations import Array

Arrays = Sequence[Array]


def gradient_descent(parameters: Arrays, gradients: Arrays, *, learning_rate: float) -> list[Array]:
    """θ ← θ - η ∇L."""
    return [theta - learning_rate * slope for theta, slope in zip(parameters, gradients, strict=True)]


def momentum(
    parameters: Arrays, gradients: Arrays, velocities: Arrays, *, learning_rate: float, momentum: float
) -> tuple[list[Array], list[Array]]:
    """v ← μ v + ∇L;  θ ← θ - η v. Returns (parameters, velocities); velocities start at zero.

    Source: Polyak, 1964, doi:10.1016/0041-5553(64)90137-5, in PyTorch's form, with η outside v.
    """
    moved = [momentum * v + slope for v, slope in zip(velocities, gradients, strict=True)]
    return gradient_descent(parameters, moved, learning_rate=learning_rate), moved


@dataclass(frozen=True, slots=True)
class AdamState:
    """Running means of the gradient (m) and of its square (v), after `steps` steps."""

    m: tuple[Array, ...]
    v: tuple[Array, ...]
    steps: int = 0


def adam_start(parameters: Arrays) -> AdamState:
    """The state before the first step: zeros."""
    zeros = tuple(np.zeros_like(theta) for theta in parameters)
    return AdamState(zeros, zeros)


def adam(
    parameters: Arrays,
    gradients: Arrays,
    state: AdamState,
    *,
    learning_rate: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[list[Array], AdamState]:
    """m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  θ ← θ - η m̂ / (√v̂ + ε), with m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ).

    Source: Kingma and Ba, ICLR 2015, arXiv:1412.6980, algorithm 1.
    """
    t = state.steps + 1
    m = tuple(beta1 * old + (1 - beta1) * g for old, g in zip(state.m, gradients, strict=True))
    v = tuple(beta2 * old + (1 - beta2) * g**2 for old, g in zip(state.v, gradients, strict=True))
    steps = [(a / (1 - beta1**t)) / (np.sqrt(b / (1 - beta2**t)) + epsilon) for a, b in zip(m, v, strict=True)]
    return gradient_descent(parameters, steps, learning_rate=learning_rate), AdamState(m, v, t)
