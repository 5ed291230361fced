import numpy as np
import pytest
import torch
from torch.nn import functional

from datahall.models.mathematics.losses import (
    LOSSES,
    binary_cross_entropy_from_logits,
    categorical_cross_entropy_from_logits,
    log_sum_exp,
    one_hot,
    softmax,
)

TORCH = {
    "categorical_cross_entropy": lambda z, y: -(y * z.softmax(1).log()).sum(1).mean(),
    "categorical_cross_entropy_from_logits": functional.cross_entropy,
    "binary_cross_entropy": lambda z, y: functional.binary_cross_entropy(z.sigmoid(), y),
    "binary_cross_entropy_from_logits": functional.binary_cross_entropy_with_logits,
    "mean_squared_error": functional.mse_loss,
}


def example(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Seven rows of four logits, and targets that suit the loss."""
    dice = np.random.default_rng(5)
    z_BK = 3 * dice.standard_normal((7, 4))
    if name.startswith("categorical"):
        return z_BK, one_hot(dice.integers(0, 4, 7), 4)
    return z_BK, dice.integers(0, 2, (7, 4)).astype(float) if name.startswith("binary") else dice.standard_normal((7, 4))


@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_equal_autograd(name):
    """Given seven rows of logits, loss and ∂L/∂z equal PyTorch's."""
    z_BK, y_BK = example(name)
    z_torch = torch.tensor(z_BK, requires_grad=True)
    loss = TORCH[name](z_torch, torch.tensor(y_BK))
    loss.backward()
    assert LOSSES[name].value(z_BK, y_BK) == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(LOSSES[name].gradient(z_BK, y_BK), z_torch.grad.numpy(), rtol=1e-9, atol=1e-14)


def test_smoothed_targets_equal_autograd():
    """Given label smoothing of 0.1, the categorical loss still equals PyTorch's."""
    z_BK, y_BK = example("categorical_cross_entropy_from_logits")
    smooth_BK = 0.9 * y_BK + 0.1 / 4
    expected = functional.cross_entropy(torch.tensor(z_BK), torch.tensor(y_BK).argmax(1), label_smoothing=0.1)
    assert categorical_cross_entropy_from_logits(z_BK, smooth_BK) == pytest.approx(expected.item(), rel=1e-12)


def test_far_logits_do_not_overflow():
    """Given logits of ±1000, probabilities, log-sum-exp and both losses from logits stay finite and right."""
    z_BK = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    y_BK = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert softmax(z_BK).tolist() == [[1, 0], [0, 1]]
    assert log_sum_exp(z_BK)[:, 0].tolist() == [1000, 1000]
    assert categorical_cross_entropy_from_logits(z_BK, y_BK) == 1000
    assert binary_cross_entropy_from_logits(z_BK, y_BK) == 500


def test_a_probability_of_zero_costs_much_but_not_infinity():
    """Given a saturated softmax that is wrong, the loss from probabilities is large and finite."""
    z_BK, y_BK = np.array([[0.0, 2000.0]]), np.array([[1.0, 0.0]])
    assert 700 < LOSSES["categorical_cross_entropy"].value(z_BK, y_BK) < 710
    assert LOSSES["categorical_cross_entropy_from_logits"].value(z_BK, y_BK) == 2000
