"""From a model's spec to a network. A new family is a file with `build`, a row here and a member of the spec's union."""

import math

from torch import nn

from datahall.foundation.errors import Problem, Refused, Unprocessable
from datahall.foundation.registry import Registry
from datahall.models.families.spec import ModelSpec

FAMILIES = Registry("model family", {"mlp": "datahall.models.families.mlp:build"}, group="datahall.families")
"""family -> `build(spec, row_shape=..., classes=..., seed=...)`, which gives an `nn.Module` from rows to logits."""


def build(spec: ModelSpec, *, row_shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
    """A network with fresh weights: x_B… (float32, `row_shape` a row) -> logits_BC. Equal arguments give equal weights.

    Raises Refused when the data does not suit the network, Unprocessable when it does not fit into memory.
    """
    _check(row_shape, classes)
    try:
        network: nn.Module = FAMILIES.load(spec.family, where="model.family")(
            spec, row_shape=row_shape, classes=classes, seed=seed
        )
    except (RuntimeError, MemoryError) as error:
        reason = (str(error).splitlines() or ["out of memory"])[0][:200]
        raise Unprocessable(
            Problem("MODEL-003", "model", f"the network could not be built: {reason}", "make the layers smaller")
        ) from error
    return network


def parameter_count(network: nn.Module) -> int:
    """Trainable numbers in the network."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def _check(row_shape: tuple[int, ...], classes: int) -> None:
    if not row_shape or math.prod(row_shape) < 1:
        raise Refused(
            Problem(
                "MODEL-001",
                "model",
                f"a row has shape {row_shape}, which holds no number",
                "give the data at least one feature",
            )
        )
    if classes < 2:
        raise Refused(
            Problem(
                "MODEL-002", "model", f"{classes} class to tell apart, at least 2 are needed", "check the labels of the data"
            )
        )
