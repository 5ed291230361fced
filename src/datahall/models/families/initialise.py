"""Named initialisations of a weight matrix, drawn from a stream of its own.

Sources: LeCun et al., "Efficient BackProp", 1998, section 4.6; Glorot and Bengio, AISTATS 2010, eq. 16;
He et al., ICCV 2015, arXiv:1502.01852, eq. 10; Saxe, McClelland and Ganguli, ICLR 2014, arXiv:1312.6120.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from datahall.models.families.spec import Activation, Initialisation

RECTIFIERS = frozenset({"relu", "leaky_relu", "elu", "gelu", "silu", "softplus"})
"""Activations that pass about half of what comes in; Kaiming's factor of two makes up for the other half."""

Draw = Callable[[Tensor, float, torch.Generator], object]
"""Fills weight_OI in place; the float is the gain that the activation asks for."""

DRAWS: Mapping[str, Draw] = {
    "kaiming_uniform": lambda w, gain, g: nn.init.uniform_(w, -_kaiming(w, gain) * 3**0.5, _kaiming(w, gain) * 3**0.5, g),
    "kaiming_normal": lambda w, gain, g: nn.init.normal_(w, 0.0, _kaiming(w, gain), g),
    "xavier_uniform": lambda w, _gain, g: nn.init.xavier_uniform_(w, generator=g),
    "xavier_normal": lambda w, _gain, g: nn.init.xavier_normal_(w, generator=g),
    "lecun_normal": lambda w, _gain, g: nn.init.normal_(w, 0.0, _kaiming(w, 1.0), g),
    "orthogonal": lambda w, gain, g: nn.init.orthogonal_(w, gain, generator=g),
}


def initialise(weight_OI: Tensor, name: Initialisation, *, activation: Activation, generator: torch.Generator) -> None:
    """Fill `weight_OI` in place for a layer whose output goes through `activation`."""
    rectifies = activation in RECTIFIERS
    chosen = ("kaiming_uniform" if rectifies else "xavier_uniform") if name == "auto" else name
    DRAWS[chosen](weight_OI, math.sqrt(2.0) if rectifies else 1.0, generator)


def _kaiming(weight_OI: Tensor, gain: float) -> float:
    """Standard deviation that keeps the variance of what flows forward: gain / sqrt(inputs)."""
    return gain / math.sqrt(weight_OI.shape[1])
