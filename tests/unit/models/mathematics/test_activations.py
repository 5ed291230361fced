import typing

import numpy as np
import pytest
import torch

from datahall.models.families.activations import ACTIVATIONS as MODULES
from datahall.models.families.spec import Activation as ActivationName
from datahall.models.mathematics.activations import ACTIVATIONS, sigmoid, softplus

TORCH = {name: module() for name, module in MODULES.items()}
"""The modules that the trainer uses."""


def test_every_activation_of_a_recipe_is_here():
    """Given the names that a recipe may use, each has its equation here, and no other name has."""
    assert set(ACTIVATIONS) == set(typing.get_args(ActivationName)) == set(TORCH)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_derivative_equal_autograd(name):
    """Given 401 points from -8 to 8, zero among them, value and slope equal PyTorch's."""
    z = np.linspace(-8, 8, 401)
    z_torch = torch.tensor(z, requires_grad=True)
    value = TORCH[name](z_torch)
    value.sum().backward()
    away = np.abs(z) > 1e-9 if name == "leaky_relu" else np.ones_like(z, dtype=bool)  # it has no slope at zero
    np.testing.assert_allclose(ACTIVATIONS[name].value(z), value.detach().numpy(), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(z)[away], z_torch.grad.numpy()[away], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_equals_finite_differences(name):
    """Given points on both sides of zero, the slope is that of a chord of width 2e-6."""
    z, width = np.array([-3.0, -0.7, -0.01, 0.02, 0.9, 4.0]), 1e-6
    value = ACTIVATIONS[name].value
    chord = (value(z + width) - value(z - width)) / (2 * width)
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(z), chord, rtol=1e-6, atol=1e-9)


def test_far_values_do_not_overflow():
    """Given z = ±1000, sigmoid saturates and softplus is z or zero, without a warning."""
    z = np.array([-1000.0, 1000.0])
    assert sigmoid(z).tolist() == [0, 1]
    assert softplus(z).tolist() == [0, 1000]
