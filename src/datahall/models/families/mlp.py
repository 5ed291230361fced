"""The multi-layer perceptron."""

# Shapes: B batch, D numbers in a row, H units of a hidden layer, C classes.
import itertools
import math

import torch
from torch import Tensor, nn

from datahall.foundation.dice import stream_seed
from datahall.models.families.activations import ACTIVATIONS
from datahall.models.families.initialise import initialise
from datahall.models.families.spec import MlpSpec


class _Linear(nn.Linear):
    """A layer whose weights are not drawn yet; the usual constructor draws them from the global stream."""

    def reset_parameters(self) -> None:
        """Left to `build`. (Making it on the `meta` device instead costs 0.3 s of imports.)"""


class Mlp(nn.Module):
    """Rows of any shape, flattened -> (linear, norm, activation, dropout) for each hidden layer -> linear -> logits."""

    def __init__(self, spec: MlpSpec, *, inputs: int, classes: int) -> None:
        super().__init__()
        self.spec = spec
        widths = (inputs, *spec.hidden, classes)
        self.linears = nn.ModuleList(_Linear(a, b) for a, b in itertools.pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in spec.hidden) if spec.batch_norm else None
        self.activation = ACTIVATIONS[spec.activation]()
        self.dropout = nn.Dropout(spec.dropout_ratio) if spec.dropout_ratio else None

    def forward(self, x: Tensor) -> Tensor:
        """x_B… -> logits_BC."""
        a_BH = x.flatten(1)
        *hidden, last = self.linears
        for index, linear in enumerate(hidden):
            a_BH = linear(a_BH)
            if self.norms is not None:
                a_BH = self.norms[index](a_BH)
            a_BH = self.activation(a_BH)
            if self.dropout is not None:
                a_BH = self.dropout(a_BH)
        logits_BC: Tensor = last(a_BH)
        return logits_BC


def build(spec: MlpSpec, *, row_shape: tuple[int, ...], classes: int, seed: int) -> Mlp:
    """An MLP with weights drawn from the stream `weights` of `seed` and biases of zero."""
    network = Mlp(spec, inputs=math.prod(row_shape), classes=classes)
    generator = torch.Generator().manual_seed(stream_seed(seed, "weights"))
    last = network.linears[-1]
    for linear in network.linears:
        # The last layer feeds the softmax directly, so no activation halves what flows through it.
        activation = "identity" if linear is last else spec.activation
        initialise(linear.weight.data, spec.initialisation, activation=activation, generator=generator)  # type: ignore[arg-type]
        nn.init.zeros_(linear.bias)  # type: ignore[arg-type]
    return network
