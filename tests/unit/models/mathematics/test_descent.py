import numpy as np
import pytest
import torch

from datahall.models.mathematics.activations import ACTIVATIONS
from datahall.models.mathematics.descent import adam, adam_start, gradient_descent, momentum
from datahall.models.mathematics.losses import LOSSES
from datahall.models.mathematics.network import Layer, back_propagate, forward, initial_layers

START = [np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([0.1, -0.4])]


def slopes(parameters):
    """∇ of Σ θ⁴ / 4 + θ²: cheap, and different at every step."""
    return [theta**3 + 2 * theta for theta in parameters]


def torch_path(make_optimiser, steps: int) -> list[np.ndarray]:
    leaves = [torch.tensor(theta, requires_grad=True) for theta in START]
    optimiser = make_optimiser(leaves)
    for _ in range(steps):
        optimiser.zero_grad()
        sum((leaf**4 / 4 + leaf**2).sum() for leaf in leaves).backward()
        optimiser.step()
    return [leaf.detach().numpy() for leaf in leaves]


def check(ours, make_optimiser):
    for mine, theirs in zip(ours, torch_path(make_optimiser, 20), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10)


def test_gradient_descent_walks_as_torch_does():
    """Given 20 steps at rate 0.02, parameters equal torch.optim.SGD's."""
    theta = START
    for _ in range(20):
        theta = gradient_descent(theta, slopes(theta), learning_rate=0.02)
    check(theta, lambda leaves: torch.optim.SGD(leaves, lr=0.02))


def test_momentum_walks_as_torch_does():
    """Given momentum 0.9, parameters equal torch.optim.SGD's."""
    theta, velocity = START, [np.zeros_like(t) for t in START]
    for _ in range(20):
        theta, velocity = momentum(theta, slopes(theta), velocity, learning_rate=0.01, momentum=0.9)
    check(theta, lambda leaves: torch.optim.SGD(leaves, lr=0.01, momentum=0.9))


def test_adam_walks_as_torch_does():
    """Given 20 steps of Adam, bias correction included, parameters equal torch.optim.Adam's."""
    theta, state = START, adam_start(START)
    for _ in range(20):
        theta, state = adam(theta, slopes(theta), state, learning_rate=0.05, beta1=0.8, beta2=0.99, epsilon=1e-6)
    check(theta, lambda leaves: torch.optim.Adam(leaves, lr=0.05, betas=(0.8, 0.99), eps=1e-6))
    assert state.steps == 20


def test_adams_first_step_is_the_rate_whatever_the_gradient():
    """Given gradients of 1e-3 and 1e3, the first step is η both times: m̂/√v̂ = ±1."""
    moved, _ = adam([np.array([0.0, 0.0])], [np.array([1e-3, -1e3])], adam_start([np.zeros(2)]), learning_rate=0.1)
    np.testing.assert_allclose(moved[0], [-0.1, 0.1], rtol=1e-4)


def test_the_pieces_learn_exclusive_or():
    """Given the four rows of XOR, which no straight line separates, 300 Adam steps take the loss below 0.01."""
    x_BI = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y_BK = np.array([[0.0], [1.0], [1.0], [0.0]])
    rule, loss = ACTIVATIONS["tanh"], LOSSES["binary_cross_entropy_from_logits"]
    layers = initial_layers((2, 8, 1), np.random.default_rng(1))
    theta = [array for layer in layers for array in (layer.W_OI, layer.b_O)]
    state = adam_start(theta)
    for _ in range(300):
        layers = [Layer(W, b) for W, b in zip(theta[::2], theta[1::2], strict=True)]
        trace = forward(layers, rule, x_BI)
        back = back_propagate(layers, rule, trace, loss.gradient(trace.output, y_BK))
        theta, state = adam(theta, [g for layer in back for g in (layer.W_OI, layer.b_O)], state, learning_rate=0.05)
    assert loss.value(trace.output, y_BK) < 0.01
    assert ((trace.output > 0) == (y_BK == 1)).all()


def test_a_missing_gradient_is_noticed():
    """Given two parameters and one gradient, zip refuses rather than dropping one."""
    with pytest.raises(ValueError, match="shorter"):
        gradient_descent(START, slopes(START)[:1], learning_rate=0.1)
