"""Update rules: gradients in, weights moved in place, one fused call for all of them.

Sources: Adam: Kingma and Ba, ICLR 2015, arXiv:1412.6980, algorithm 1; AdamW: Loshchilov and Hutter, ICLR 2019,
arXiv:1711.05101, algorithm 2; momentum: Sutskever et al., ICML 2013, in PyTorch's form.

`torch._fused_*_` is what `torch.optim` calls with `fused=True`; called here directly because the wrapper around it takes
25 µs, a tenth of a whole update of a small network. A test holds both against each other.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from datahall.models.train.spec import Optimiser, TrainSpec

Gradients = list[Tensor] | tuple[Tensor, ...]


class UpdateRule(Protocol):
    """Moves the weights that it was made for."""

    def update(self, gradients: Gradients, learning_rate: float) -> None:
        """Move every weight by its gradient, given in the order of `weights`."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything that the next update depends on, by name; the tensors themselves, not copies."""
        ...


class Adam:
    """Adam, or AdamW when `decay` is above zero: weights marked in `decayed` then also shrink."""

    def __init__(self, weights: Sequence[Tensor], decayed: Sequence[bool], spec: Optimiser) -> None:
        self.spec = spec
        self.weights = list(weights)
        self.shrinking = [w for w, shrinks in zip(weights, decayed, strict=True) if shrinks] if spec.weight_decay else []
        self.mean = [torch.zeros_like(w) for w in weights]
        self.square = [torch.zeros_like(w) for w in weights]
        self.count = torch.zeros((), device=weights[0].device)
        self._counts = [self.count] * len(weights)

    def update(self, gradients: Gradients, learning_rate: float) -> None:
        if self.shrinking:
            torch._foreach_mul_(self.shrinking, 1 - learning_rate * self.spec.weight_decay)
        self.count.add_(1)
        torch._fused_adam_(
            self.weights,
            gradients,
            self.mean,
            self.square,
            [],
            self._counts,
            lr=learning_rate,
            beta1=self.spec.beta1,
            beta2=self.spec.beta2,
            weight_decay=0.0,
            eps=self.spec.epsilon,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        return {"count": self.count} | _numbered("mean", self.mean) | _numbered("square", self.square)


class Sgd:
    """Stochastic gradient descent with momentum, Nesterov's if asked."""

    def __init__(self, weights: Sequence[Tensor], spec: Optimiser) -> None:
        self.spec = spec
        self.weights = list(weights)
        self.velocity = [torch.zeros_like(w) for w in weights] if spec.momentum else []

    def update(self, gradients: Gradients, learning_rate: float) -> None:
        torch._fused_sgd_(
            self.weights,
            gradients,
            self.velocity,
            weight_decay=0.0,
            momentum=self.spec.momentum,
            lr=learning_rate,
            dampening=0.0,
            nesterov=self.spec.nesterov,
            maximize=False,
            # The velocity starts at zero, so that the first update needs no case of its own.
            is_first_step=False,
        )

    def state(self) -> dict[str, Tensor]:
        return _numbered("velocity", self.velocity)


class Penalised:
    """A rule whose gradients also hold those of L1 and L2: l1 * sign(w) + l2 * w, on weight matrices only."""

    def __init__(self, inner: UpdateRule, weights: Sequence[Tensor], decayed: Sequence[bool], *, l1: float, l2: float) -> None:
        self.inner, self.l1, self.l2 = inner, l1, l2
        self.at = [index for index, shrinks in enumerate(decayed) if shrinks]
        self.weights = [weights[index] for index in self.at]

    def update(self, gradients: Gradients, learning_rate: float) -> None:
        chosen = [gradients[index] for index in self.at]
        if self.l2:
            torch._foreach_add_(chosen, self.weights, alpha=self.l2)
        if self.l1:
            torch._foreach_add_(chosen, torch._foreach_sign(self.weights), alpha=self.l1)
        self.inner.update(gradients, learning_rate)

    def state(self) -> dict[str, Tensor]:
        return self.inner.state()


def update_rule(network: nn.Module, spec: TrainSpec) -> UpdateRule:
    """The rule that `spec` asks for, over the trainable parameters of `network` in their order."""
    parameters = trainable(network)
    weights = [parameter.detach() for parameter in parameters.values()]
    decayed = [is_weight_matrix(parameter) for parameter in parameters.values()]
    optimiser = spec.optimiser
    rule: UpdateRule = Sgd(weights, optimiser) if optimiser.name == "sgd" else Adam(weights, decayed, optimiser)
    return Penalised(rule, weights, decayed, l1=spec.l1, l2=spec.l2) if spec.l1 or spec.l2 else rule


def trainable(network: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters that training moves, by name, in the network's order."""
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def is_weight_matrix(parameter: Tensor) -> bool:
    """Biases and norms are vectors; what maps one layer to the next has two axes or more."""
    return parameter.ndim > 1


def restore(rule: UpdateRule, saved: Mapping[str, Tensor]) -> None:
    """Put a saved state back in place. Raises KeyError or RuntimeError when it is another rule's."""
    for name, tensor in rule.state().items():
        tensor.copy_(saved[name])


def _numbered(name: str, tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    return {f"{name}.{index}": tensor for index, tensor in enumerate(tensors)}
