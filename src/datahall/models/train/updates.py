"""One update of the weights from one batch: the general way by autograd, and the choice between it and a closed form."""

from collections.abc import Mapping
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datahall.models.families.mlp import Mlp
from datahall.models.train.mlp_step import MlpStep
from datahall.models.train.rules import UpdateRule, trainable
from datahall.models.train.spec import TrainSpec


class TrainingStep(Protocol):
    """Forward, backward and update of one batch."""

    kernels: dict[str, str]
    """Choices that were measured and that the result depends on; a resumed run must be given the same."""

    def __call__(self, x: Tensor, y_B: Tensor, *, learning_rate: float, loss: Tensor) -> None:
        """Move the weights; the batch's mean loss goes into the scalar `loss`. Nothing waits for the device."""
        ...

    def logits(self, x: Tensor) -> Tensor:
        """x_B… -> logits_BC in evaluation mode, without a graph."""
        ...


class AutogradStep:
    """Any network that maps rows to logits, in any precision."""

    def __init__(
        self, network: nn.Module, rule: UpdateRule, *, smoothing_ratio: float = 0.0, autocast: torch.dtype | None = None
    ) -> None:
        self.network, self.rule, self.smoothing_ratio = network, rule, smoothing_ratio
        self.parameters = list(trainable(network).values())
        self.autocast = autocast
        self.kernels: dict[str, str] = {}

    def __call__(self, x: Tensor, y_B: Tensor, *, learning_rate: float, loss: Tensor) -> None:
        with torch.enable_grad():
            with torch.autocast(x.device.type, self.autocast, enabled=self.autocast is not None):
                logits_BC = self.network(x)
            value = F.cross_entropy(logits_BC.float(), y_B, label_smoothing=self.smoothing_ratio)
            gradients = torch.autograd.grad(value, self.parameters, materialize_grads=True)
        loss.copy_(value.detach())
        with torch.no_grad():
            self.rule.update(gradients, learning_rate)

    def logits(self, x: Tensor) -> Tensor:
        self.network.eval()
        with torch.inference_mode(), torch.autocast(x.device.type, self.autocast, enabled=self.autocast is not None):
            logits_BC: Tensor = self.network(x).float()
        self.network.train()
        return logits_BC


def training_step(
    network: nn.Module,
    rule: UpdateRule,
    spec: TrainSpec,
    *,
    autocast: torch.dtype | None = None,
    kernels: Mapping[str, str] | None = None,
) -> TrainingStep:
    """The fastest step that suits the network. kernels: those of the run that goes on; without them they are measured."""
    if isinstance(network, Mlp) and autocast is None and MlpStep.suits(network):
        return MlpStep(network, rule, smoothing_ratio=spec.label_smoothing_ratio, batch_size=spec.batch_size, kernels=kernels)
    return AutogradStep(network, rule, smoothing_ratio=spec.label_smoothing_ratio, autocast=autocast)
