"""Small families against the modules that torch builds and the products that it counts."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from datahall.models.cost.small import Convolution, Cost, Pool, cnn, convolution, image_after, mlp, recurrent, vae


def counted(model: nn.Module, *inputs: Tensor) -> Cost:
    """What torch holds, and what its counter sees for one example."""
    with FlopCounterMode(display=False) as counter:
        model(*inputs)
    return Cost(sum(p.numel() for p in model.parameters()), counter.get_total_flops())


def test_an_mlp() -> None:
    """Given 784-128-64-10, torch holds and multiplies as much, with biases and without."""
    layers = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    assert mlp([784, 128, 64, 10]) == counted(layers, torch.zeros(1, 784))
    assert mlp([784, 10], bias=False) == counted(nn.Linear(784, 10, bias=False), torch.zeros(1, 784))
    assert mlp([784]) == Cost()


def test_a_cnn() -> None:
    """Given convolutions with stride, padding and groups, two pools and a head, torch holds and multiplies as much."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, stride=2, groups=4, bias=False),
        nn.AvgPool2d(3, stride=1, padding=1),
        nn.Flatten(),
        nn.Linear(16 * 6 * 4, 20),
        nn.ReLU(),
        nn.Linear(20, 10),
    )
    layers = [
        Convolution(8, 3, padding=1),
        Pool(2),
        Convolution(16, 5, stride=2, groups=4, bias=False),
        Pool(3, stride=1, padding=1),
    ]
    assert cnn((3, 31, 23), layers, [20, 10]) == counted(model, torch.zeros(1, 3, 31, 23))


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("both_ways", [False, True])
def test_recurrent_layers_hold_what_torch_s_do(kind: str, both_ways: bool) -> None:
    """Given two stacked layers, read one way or both, torch holds as many parameters."""
    model = getattr(nn, kind.upper())(12, 20, num_layers=2, bidirectional=both_ways)
    found = recurrent(kind, 12, 20, steps=7, layers=2, both_ways=both_ways)  # type: ignore[arg-type]
    assert found.parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_recurrent_steps_multiply_what_torch_s_do(kind: str) -> None:
    """Given seven steps of two stacked cells, torch's counter sees as many operations."""
    cells = [getattr(nn, f"{kind.upper()}Cell")(width, 20) for width in (12, 20)]
    with FlopCounterMode(display=False) as counter:
        for cell, width in zip(cells, (12, 20), strict=True):
            for _ in range(7):
                cell(torch.zeros(1, width))
    assert recurrent(kind, 12, 20, steps=7, layers=2).flop == counter.get_total_flops()  # type: ignore[arg-type]


def test_a_vae() -> None:
    """Given 784-400-20 and back, torch holds as many in an encoder with two heads and a decoder."""
    body, mean, spread = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
    expected = counted(body, torch.zeros(1, 784)) + counted(decoder, torch.zeros(1, 20))
    for head in (mean, spread):
        expected += counted(head, torch.zeros(1, 400))
    assert vae(784, [400], 20) == expected


def test_a_kernel_that_does_not_fit_is_refused() -> None:
    """Given an image of 2 and a kernel of 3 without padding, all three are named; padded it fits."""
    with pytest.raises(ValueError, match="kernel=3 does not fit an image of 2 with padding=0"):
        image_after((1, 2, 2), Pool(3))
    assert image_after((1, 2, 2), Pool(3, padding=1)) == (1, 1, 1)


def test_groups_that_do_not_divide_are_refused() -> None:
    """Given 3 channels in and 8 out, 4 groups divide one only."""
    with pytest.raises(ValueError, match="groups=4 must divide the 3 channels in and the 8 out"):
        convolution((3, 8, 8), Convolution(8, 3, groups=4))
