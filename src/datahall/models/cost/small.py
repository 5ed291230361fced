"""Parameters and forward FLOP of the small families: MLP, CNN, RNN, GRU, LSTM, VAE, for one example.

As for large models, a multiplication with its addition is 2 FLOP and only products count; training is three times forward.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Image = tuple[int, int, int]
"""Channels, height, width."""
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
"""Products of one step by kind: Elman; Cho et al., arXiv:1406.1078; Hochreiter and Schmidhuber, 1997, with forget gate."""


@dataclass(frozen=True)
class Cost:
    """Of a model, or of a part."""

    parameters: int = 0
    flop: int = 0
    """Forward, one example."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.parameters + other.parameters, self.flop + other.flop)


@dataclass(frozen=True)
class Convolution:
    """A two-dimensional one."""

    channels: int
    """That come out."""
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    bias: bool = True


@dataclass(frozen=True)
class Pool:
    """Largest or mean of each field; it has no parameters and no products."""

    kernel: int
    stride: int | None = None
    """Without it, as the kernel."""
    padding: int = 0


def linear(inputs: int, outputs: int, *, bias: bool = True) -> Cost:
    return Cost(inputs * outputs + outputs * bias, 2 * inputs * outputs)


def mlp(widths: Sequence[int], *, bias: bool = True) -> Cost:
    """Of layers between these widths, from the input's to the output's; fewer than two widths are no layer."""
    return sum((linear(into, out, bias=bias) for into, out in pairwise(widths)), Cost())


def image_after(image: Image, layer: Convolution | Pool) -> Image:
    """Shape that comes out. Raises ValueError where the padded image is smaller than the kernel."""
    channels, *sides = image
    stride = layer.stride or layer.kernel
    for side in sides:
        if side + 2 * layer.padding < layer.kernel:
            raise ValueError(f"kernel={layer.kernel} does not fit an image of {side} with padding={layer.padding}")
    height, width = ((side + 2 * layer.padding - layer.kernel) // stride + 1 for side in sides)
    return (layer.channels if isinstance(layer, Convolution) else channels), height, width


def convolution(image: Image, layer: Convolution) -> Cost:
    """Raises ValueError where the groups do not divide the channels, in and out, or the kernel does not fit."""
    if image[0] % layer.groups or layer.channels % layer.groups:
        raise ValueError(f"groups={layer.groups} must divide the {image[0]} channels in and the {layer.channels} out")
    channels, height, width = image_after(image, layer)
    weights = channels * image[0] // layer.groups * layer.kernel**2
    return Cost(weights + channels * layer.bias, 2 * height * width * weights)


def cnn(image: Image, layers: Sequence[Convolution | Pool], head: Sequence[int]) -> Cost:
    """Of convolutions and pools, one after another, then flat through linear layers of these widths."""
    total = Cost()
    for layer in layers:
        if isinstance(layer, Convolution):
            total += convolution(image, layer)
        image = image_after(image, layer)
    return total + mlp([image[0] * image[1] * image[2], *head])


def recurrent(
    kind: Literal["rnn", "gru", "lstm"],
    inputs: int,
    hidden: int,
    *,
    steps: int,
    layers: int = 1,
    both_ways: bool = False,
    bias: bool = True,
) -> Cost:
    """Of stacked recurrent layers over `steps`. Two biases for each gate, as cuDNN and PyTorch keep them.

    both_ways: a second pass from the end; the next layer reads both.
    """
    gates, ways = GATES[kind], 2 if both_ways else 1
    total = Cost()
    for layer in range(layers):
        into = inputs if layer == 0 else hidden * ways
        weights = ways * gates * hidden * (into + hidden)
        total += Cost(weights + 2 * ways * gates * hidden * bias, 2 * steps * weights)
    return total


def vae(inputs: int, hidden: Sequence[int], latent: int) -> Cost:
    """Of a variational autoencoder: hidden layers, mean and log-variance, the same hidden layers back.

    Source: Kingma and Welling, arXiv:1312.6114, appendix C.
    """
    encoder = mlp([inputs, *hidden, 2 * latent])
    return encoder + mlp([latent, *reversed(hidden), inputs])
