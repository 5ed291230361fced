"""Activations for the closed-form step: g(z), and a gradient taken back through it in place.

The derivatives are derived in `datahall.models.mathematics`; these are the same formulas as one kernel each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

aten = torch.ops.aten


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """One activation."""

    value: Callable[[Tensor, Tensor], object]
    """(z, out): writes g(z) into `out`, which may be z itself unless `needs_input`."""
    back: Callable[[Tensor, Tensor], object]
    """(delta, kept): delta *= g'(z), where `kept` is z if `needs_input`, otherwise g(z)."""
    needs_input: bool = False
    """Whether the derivative is written in z. If not, g(z) may overwrite z, which saves memory traffic."""


CLOSED_FORMS: Mapping[str, ClosedForm] = {
    "identity": ClosedForm(lambda z, out: out if out is z else out.copy_(z), lambda _delta, _a: None),
    "relu": ClosedForm(
        lambda z, out: torch.clamp_min(z, 0, out=out),
        lambda delta, a: aten.threshold_backward.grad_input(delta, a, 0, grad_input=delta),
    ),
    "leaky_relu": ClosedForm(
        lambda z, out: aten.leaky_relu.out(z, 0.01, out=out),
        lambda delta, a: aten.leaky_relu_backward.grad_input(delta, a, 0.01, True, grad_input=delta),
    ),
    "elu": ClosedForm(
        lambda z, out: aten.elu.out(z, out=out),
        lambda delta, a: aten.elu_backward.grad_input(delta, 1.0, 1.0, 1.0, True, a, grad_input=delta),
    ),
    "sigmoid": ClosedForm(
        lambda z, out: torch.sigmoid(z, out=out),
        lambda delta, a: aten.sigmoid_backward.grad_input(delta, a, grad_input=delta),
    ),
    "tanh": ClosedForm(
        lambda z, out: torch.tanh(z, out=out),
        lambda delta, a: aten.tanh_backward.grad_input(delta, a, grad_input=delta),
    ),
    "gelu": ClosedForm(
        lambda z, out: aten.gelu.out(z, out=out),
        lambda delta, z: aten.gelu_backward.grad_input(delta, z, grad_input=delta),
        needs_input=True,
    ),
    "silu": ClosedForm(
        lambda z, out: aten.silu.out(z, out=out),
        lambda delta, z: aten.silu_backward.grad_input(delta, z, grad_input=delta),
        needs_input=True,
    ),
    "softplus": ClosedForm(
        lambda z, out: aten.softplus.out(z, out=out),
        lambda delta, z: aten.softplus_backward.grad_input(delta, z, 1.0, 20.0, grad_input=delta),
        needs_input=True,
    ),
}
"""The names are those of `datahall.models.families.spec.Activation`."""
