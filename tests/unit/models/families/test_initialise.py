import math

import pytest
import torch

from datahall.models.families.initialise import initialise


def drawn(name, *, activation="relu", outputs=256, inputs=400):
    weight = torch.empty(outputs, inputs)
    initialise(weight, name, activation=activation, generator=torch.Generator().manual_seed(3))
    return weight


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("kaiming_uniform", 2 / 400),
        ("kaiming_normal", 2 / 400),
        ("xavier_uniform", 2 / 656),
        ("xavier_normal", 2 / 656),
        ("lecun_normal", 1 / 400),
    ],
)
def test_the_variance_is_that_of_the_paper(name, variance):
    """Given 400 inputs and 256 outputs, He's variance is 2/400, Glorot's 2/656, LeCun's 1/400."""
    assert drawn(name).var().item() == pytest.approx(variance, rel=0.03)


def test_orthogonal_rows_are_orthogonal():
    """Given orthogonal initialisation before a linear unit, W Wᵀ is the identity."""
    weight = drawn("orthogonal", activation="identity")
    assert torch.allclose(weight @ weight.T, torch.eye(256), atol=1e-5)


@pytest.mark.parametrize(("activation", "same_as"), [("gelu", "kaiming_uniform"), ("tanh", "xavier_uniform")])
def test_auto_follows_the_activation(activation, same_as):
    """Given a rectifier, `auto` is Kaiming; given a squashing unit, it is Xavier."""
    assert torch.equal(drawn("auto", activation=activation), drawn(same_as, activation=activation))


def test_kaiming_keeps_the_signal_alive_through_twenty_relu_layers():
    """Given twenty wide ReLU layers, the variance that leaves is about the one that enters."""
    x = torch.randn(64, 400, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    weight = torch.empty(400, 400)
    for _ in range(20):
        initialise(weight, "kaiming_normal", activation="relu", generator=generator)
        x = torch.relu(x @ weight.T)
    assert 0.3 < x.pow(2).mean().item() < 3
    assert math.isfinite(x.max().item())
