"""Back-propagation held against autograd, finite differences, and the form that is often printed and is wrong."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from datahall.models.families.activations import ACTIVATIONS as MODULES
from datahall.models.mathematics.activations import ACTIVATIONS
from datahall.models.mathematics.losses import LOSSES, one_hot
from datahall.models.mathematics.network import Layer, back_propagate, forward, initial_layers

TORCH_ACTIVATIONS = {name: module() for name, module in MODULES.items()}
"""The modules that the trainer uses."""
TORCH_LOSSES = {
    "categorical_cross_entropy": lambda z, y: -(y * z.softmax(1).log()).sum(1).mean(),
    "categorical_cross_entropy_from_logits": functional.cross_entropy,
    "binary_cross_entropy": lambda z, y: functional.binary_cross_entropy(z.sigmoid(), y),
    "binary_cross_entropy_from_logits": functional.binary_cross_entropy_with_logits,
    "mean_squared_error": functional.mse_loss,
}
SIZES = (5, 7, 6, 3)


def problem(loss: str) -> tuple[list[Layer], np.ndarray, np.ndarray]:
    """A three-layer network with random weights and biases, eleven rows, and targets that suit the loss."""
    dice = np.random.default_rng(3)
    layers = [Layer(layer.W_OI, dice.standard_normal(len(layer.b_O))) for layer in initial_layers(SIZES, dice)]
    x_BI = dice.standard_normal((11, SIZES[0]))
    if loss == "mean_squared_error":
        return layers, x_BI, dice.standard_normal((11, SIZES[-1]))
    return layers, x_BI, one_hot(dice.integers(0, SIZES[-1], 11), SIZES[-1])


def torch_gradients(layers, x_BI, y_BK, activation, loss) -> list[tuple[np.ndarray, np.ndarray]]:
    """What autograd says: (∂L/∂W, ∂L/∂b) of each layer."""
    leaves = [(torch.tensor(layer.W_OI, requires_grad=True), torch.tensor(layer.b_O, requires_grad=True)) for layer in layers]
    a = torch.tensor(x_BI)
    for W, b in leaves[:-1]:
        a = TORCH_ACTIVATIONS[activation](functional.linear(a, W, b))
    TORCH_LOSSES[loss](functional.linear(a, *leaves[-1]), torch.tensor(y_BK)).backward()
    return [(W.grad.numpy(), b.grad.numpy()) for W, b in leaves]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_equal_autograd(activation, loss):
    """Given two hidden layers, each gradient equals autograd's in float64, for every activation and loss."""
    layers, x_BI, y_BK = problem(loss)
    trace = forward(layers, ACTIVATIONS[activation], x_BI)
    ours = back_propagate(layers, ACTIVATIONS[activation], trace, LOSSES[loss].gradient(trace.output, y_BK))
    for layer, (W, b) in zip(ours, torch_gradients(layers, x_BI, y_BK, activation, loss), strict=True):
        np.testing.assert_allclose(layer.W_OI, W, rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(layer.b_O, b, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_equal_finite_differences(activation, loss):
    """Given one weight of each layer moved by ±1e-6, the loss moves as its gradient says."""
    layers, x_BI, y_BK = problem(loss)
    rule, width = ACTIVATIONS[activation], 1e-6

    def loss_with(number: int, move: float) -> float:
        moved = [Layer(layer.W_OI.copy(), layer.b_O) for layer in layers]
        moved[number].W_OI[1, 2] += move
        return LOSSES[loss].value(forward(moved, rule, x_BI).output, y_BK)

    trace = forward(layers, rule, x_BI)
    ours = back_propagate(layers, rule, trace, LOSSES[loss].gradient(trace.output, y_BK))
    for number, gradient in enumerate(ours):
        chord = (loss_with(number, width) - loss_with(number, -width)) / (2 * width)
        assert gradient.W_OI[1, 2] == pytest.approx(chord, rel=1e-5, abs=1e-8)


def often_printed(trace, y_BK, layer: int, slope) -> np.ndarray:
    """δ^[l] = (a^[l-1] - y) ⊙ σ'(z^[l]), as it stands in many notes, over the batch size."""
    return (trace.a[layer - 1] - y_BK) * slope(trace.z[layer - 1]) / len(y_BK)


def true_delta(layers, trace, output_gradient, layer: int, slope) -> np.ndarray:
    """δ^[l] from the chain rule: layer 3 is the last."""
    delta = output_gradient
    for l in range(len(layers) - 1, layer - 1, -1):  # noqa: E741 - as in the equations
        delta = (delta @ layers[l].W_OI) * slope(trace.z[l - 1])
    return delta


@pytest.mark.parametrize("layer", [1, 2])
def test_the_often_printed_form_is_wrong_for_hidden_layers(layer):
    """Given layers all of one width, so that its shapes fit at all, the printed δ is far from the true one.

    It compares a hidden layer with the labels, although a hidden unit has no label, and leaves out W^[l+1].
    """
    dice = np.random.default_rng(8)
    layers, rule = initial_layers((3, 3, 3, 3), dice), ACTIVATIONS["sigmoid"]
    x_BI, y_BK = dice.standard_normal((9, 3)), one_hot(dice.integers(0, 3, 9), 3)
    trace = forward(layers, rule, x_BI)
    start = LOSSES["categorical_cross_entropy_from_logits"].gradient(trace.output, y_BK)
    right = true_delta(layers, trace, start, layer, rule.derivative)
    printed = often_printed(trace, y_BK, layer, rule.derivative)
    gradients = back_propagate(layers, rule, trace, start)
    np.testing.assert_allclose(right.T @ trace.a[layer - 1], gradients[layer - 1].W_OI, rtol=1e-12)
    assert np.linalg.norm(printed - right) > np.linalg.norm(right)


def test_the_often_printed_form_does_not_even_have_a_shape():
    """Given layers of different widths, a^[l-1] - y cannot be formed."""
    layers, x_BI, y_BK = problem("mean_squared_error")
    trace = forward(layers, ACTIVATIONS["sigmoid"], x_BI)
    with pytest.raises(ValueError, match="could not be broadcast"):
        often_printed(trace, y_BK, 2, ACTIVATIONS["sigmoid"].derivative)


@pytest.mark.parametrize("loss", ["binary_cross_entropy_from_logits", "categorical_cross_entropy_from_logits"])
def test_sigmoid_slope_is_wrong_at_the_output_under_cross_entropy(loss):
    """Given cross-entropy, even with a^[L] for a^[l-1], the factor σ'(z) makes δ^[L] at least 4 × too small.

    σ' is at most 1/4; the logarithm in the loss cancels it exactly, which is what cross-entropy is for.
    """
    z_BK = np.array([[-6.0, 1.0, 0.5], [2.0, -1.0, 4.0]])
    y_BK = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    right = LOSSES[loss].gradient(z_BK, y_BK)
    printed = right * ACTIVATIONS["sigmoid"].derivative(z_BK)
    leaf = torch.tensor(z_BK, requires_grad=True)
    TORCH_LOSSES[loss](leaf, torch.tensor(y_BK)).backward()
    np.testing.assert_allclose(right, leaf.grad.numpy(), rtol=1e-12)
    assert (np.abs(printed) <= np.abs(right) / 4 + 1e-15).all()
    assert np.abs(right[0, 0] / printed[0, 0]) > 400  # the worst mistake learns the least


def test_it_is_right_only_for_squared_error_after_a_sigmoid():
    """Given half the summed squared error on σ(z), the last layer's δ is (a^[L] - y) ⊙ σ'(z^[L]): where the form comes from."""
    z = torch.tensor([[0.3, -1.2, 2.0]], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    (0.5 * (z.sigmoid() - y) ** 2).sum().backward()
    a, slope = z.detach().sigmoid().numpy(), ACTIVATIONS["sigmoid"].derivative(z.detach().numpy())
    np.testing.assert_allclose((a - y.numpy()) * slope, z.grad.numpy(), rtol=1e-12)


def test_initial_weights_stay_within_their_bound():
    """Given 64 inputs and 10 outputs, weights fill ±√(6/74) and biases are zero."""
    [layer] = initial_layers((64, 10), np.random.default_rng(0))
    bound = np.sqrt(6 / 74)
    assert 0.95 * bound < np.abs(layer.W_OI).max() <= bound
    assert not layer.b_O.any()
