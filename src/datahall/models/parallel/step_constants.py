"""What a training step does that single kernels, timed alone, do not show: the constants that were fitted to training runs.

Global: none belongs to a table, a model or a cluster. What benchmarks/models/fit_steps.py wrote, with its bounds.
"""

import functools

from pydantic import Field

from datahall.foundation.document import load
from datahall.models.parallel.device import Device
from datahall.models.parallel.kernel_constants import FOLDER, Sourced

LIMITED = frozenset({"hopper"})
"""Architectures that matrix work drives into their power limit."""


class StepConstants(Sourced):
    """The same for all models, plans and accelerators."""

    limited_ratio: float = Field(gt=0.6, le=1)
    """Clock that products hold through a step on accelerators that they drive into the power limit (Hopper at 700 W), as a
    share of that of their highest measured rates, which are of milliseconds. It falls with the cube root of a lower limit."""
    contention_ratio: float = Field(ge=0, le=0.4)
    """Share of an exchange that computing hides, but which slows that computing: it takes multiprocessors and memory bandwidth.
    Wang et al., arXiv:2507.03114, found 19 % slower computing on average beside an exchange, 40 % at most."""
    straggler_ratio: float = Field(ge=0, le=0.03)
    """Spread of one rank's time, as a share of it: the slowest of n is late by sqrt(2 ln n) spreads."""
    step_s: float = Field(ge=0, le=0.05)
    """Host time of a step in which no accelerator computes: loading, norms and scales of gradients, logging."""
    misaligned_ratio: float = Field(ge=0, le=0.3)
    """Time that a product loses for each halving of the power of two that divides its widths, below 64 elements."""


@functools.cache
def step_constants() -> StepConstants:
    return load(FOLDER / "step.yaml", StepConstants)


def sustained(device: Device, constants: StepConstants) -> Device:
    """The device at the clock that it holds through a step.

    Power goes with the cube of the clock where voltage follows it, so that the clock goes with the cube root of the limit.
    """
    held = device.limited(constants.limited_ratio) if device.architecture in LIMITED else device
    if device.limit_w is None or device.power_w is None or device.limit_w >= device.power_w:
        return held
    return held.slowed((device.limit_w / device.power_w) ** (1 / 3))
