"""Forward pass and back-propagation of a multi-layer perceptron.

Shapes: B batch, I inputs of a layer, O its outputs, K outputs of the last layer. Superscript [l] counts layers from 1;
`trace.a[0]` is the input x, and `trace.z[l - 1]`, `trace.a[l]` belong to layer l.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datahall.models.mathematics.activations import Activation, Array


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights W_OI and bias b_O; also the shape of their gradients."""

    W_OI: Array
    b_O: Array


@dataclass(frozen=True, slots=True)
class Trace:
    """What the forward pass leaves for the way back."""

    z: tuple[Array, ...]
    a: tuple[Array, ...]

    @property
    def output(self) -> Array:
        """z of the last layer, BK: the loss applies sigmoid or softmax, if it wants one."""
        return self.z[-1]


def initial_layers(sizes: Sequence[int], generator: np.random.Generator) -> tuple[Layer, ...]:
    """One layer between each pair of `sizes`, uniform within ±√(6 / (I + O)), bias 0.

    Source: Glorot and Bengio, AISTATS 2010, equation 16.
    """
    return tuple(_initial_layer(i, o, generator) for i, o in itertools.pairwise(sizes))


def _initial_layer(inputs: int, outputs: int, generator: np.random.Generator) -> Layer:
    limit = math.sqrt(6 / (inputs + outputs))
    return Layer(generator.uniform(-limit, limit, (outputs, inputs)), np.zeros(outputs))


def forward(layers: Sequence[Layer], activation: Activation, x_BI: Array) -> Trace:
    """z[l] = a[l-1] W[l]ᵀ + b[l];  a[l] = g(z[l]) for hidden layers, a[L] = z[L]."""
    z: list[Array] = []
    a = [x_BI]
    for number, layer in enumerate(layers, 1):
        z.append(a[-1] @ layer.W_OI.T + layer.b_O)
        a.append(activation.value(z[-1]) if number < len(layers) else z[-1])
    return Trace(tuple(z), tuple(a))


def back_propagate(
    layers: Sequence[Layer], activation: Activation, trace: Trace, output_gradient_BK: Array
) -> tuple[Layer, ...]:
    """∂L/∂W and ∂L/∂b of each layer.

    output_gradient_BK: ∂L/∂z of the last layer, from a loss (its mean over B included).
    δ[L] is that gradient;  δ[l] = (δ[l+1] W[l+1]) ⊙ g'(z[l]);  ∂L/∂W[l] = δ[l]ᵀ a[l-1];  ∂L/∂b[l] = Σ_B δ[l].
    """
    delta = output_gradient_BK
    gradients = [Layer(delta.T @ trace.a[-2], delta.sum(axis=0))]
    for l in range(len(layers) - 1, 0, -1):  # noqa: E741 - the layer's number, as in the equations
        delta = (delta @ layers[l].W_OI) * activation.derivative(trace.z[l - 1])
        gradients.append(Layer(delta.T @ trace.a[l - 1], delta.sum(axis=0)))
    return tuple(reversed(gradients))
