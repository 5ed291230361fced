"""The training step of a multi-layer perceptron, written out: no graph is recorded and no buffer allocated per batch.

For layer l with a⁰ = x, z^l = a^(l-1) W^lᵀ + b^l, a^l = g(z^l) and the logits z^L:

    delta^L = (softmax(z^L) - target) / B        cross-entropy and softmax together
    dW^l    = delta^lᵀ a^(l-1),  db^l = sum over rows of delta^l
    delta^l = (delta^(l+1) W^(l+1)) * g'(z^l)

(derived in datahall.models.mathematics; source: Rumelhart, Hinton and Williams, Nature 323, 1986, doi:10.1038/323533a0).
"""

# Shapes: B rows of the batch, D numbers in a row, H units of a layer, I inputs of a layer, C classes.
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from datahall.models.families.mlp import Mlp
from datahall.models.train.closed_forms import CLOSED_FORMS
from datahall.models.train.products import PRODUCTS, fastest
from datahall.models.train.rules import UpdateRule


class MlpStep:
    """A training step for an MLP without batch norm, in float32. Agrees with autograd to rounding."""

    def __init__(
        self,
        network: Mlp,
        rule: UpdateRule,
        *,
        smoothing_ratio: float = 0.0,
        batch_size: int = 128,
        kernels: Mapping[str, str] | None = None,
    ) -> None:
        linears = [cast(nn.Linear, linear) for linear in network.linears]
        self.rule, self.smoothing_ratio = rule, smoothing_ratio
        self.weights_HI = [linear.weight.detach() for linear in linears]
        self.biases_H = [linear.bias.detach() for linear in linears]
        self.activation = CLOSED_FORMS[network.spec.activation]
        self.keep_ratio = 1.0 - network.spec.dropout_ratio
        self._spaces: dict[int, _Space] = {}
        self.kernels = dict(kernels) if kernels else self._measured(batch_size)
        self._bind()

    @staticmethod
    def suits(network: Mlp) -> bool:
        """Batch norm couples the rows of a batch; its backward pass is left to autograd."""
        return network.norms is None

    def __call__(self, x: Tensor, y_B: Tensor, *, learning_rate: float, loss: Tensor) -> None:
        with torch.inference_mode():
            space = self._space(len(y_B))
            inputs, kept, logits_BC = self._forward(x.flatten(1), space)
            delta_BC = self._loss(logits_BC, y_B, space, loss)
            self.rule.update(self._backward(delta_BC, inputs, kept, space), learning_rate)

    def logits(self, x: Tensor) -> Tensor:
        """x_B… -> logits_BC, without dropout, by the same products as in training."""
        with torch.inference_mode():
            a_BH = x.flatten(1)
            for layer, bias_H in enumerate(self.biases_H):
                out_BH = a_BH.new_empty(len(x), len(bias_H))
                a_BH = self._products[layer](a_BH, self._transposed[layer], bias_H, out_BH)
                if layer < len(self.biases_H) - 1:
                    self.activation.value(a_BH, a_BH)
            return a_BH

    def _forward(self, a_BI: Tensor, space: "_Space") -> tuple[list[Tensor], list[Tensor], Tensor]:
        """What entered each layer, what each hidden activation keeps for its derivative, and the logits."""
        inputs, kept = [a_BI], []
        for layer, activations_BH in enumerate(space.activations):
            z_BH = self._products[layer](a_BI, self._transposed[layer], self.biases_H[layer], space.sums[layer])
            a_BI = activations_BH if self.activation.needs_input else z_BH
            self.activation.value(z_BH, a_BI)
            kept.append(z_BH)
            if self.keep_ratio < 1:
                mask_BH = space.masks[layer].bernoulli_(self.keep_ratio).div_(self.keep_ratio)
                a_BI = torch.mul(a_BI, mask_BH, out=space.dropped[layer])
            inputs.append(a_BI)
        logits_BC = self._products[len(kept)](a_BI, self._transposed[-1], self.biases_H[-1], space.sums[-1])
        return inputs, kept, logits_BC

    def _loss(self, logits_BC: Tensor, y_B: Tensor, space: "_Space", loss: Tensor) -> Tensor:
        """Mean cross-entropy into `loss`; its gradient by the logits comes back."""
        log_p_BC = torch.log_softmax(logits_BC, 1, out=space.log_p)
        # `targets` holds -target / B for each class, which serves the loss and the gradient with one operation each.
        torch.index_select(space.targets_CC, 0, y_B, out=space.target)
        torch.dot(log_p_BC.view(-1), space.target.view(-1), out=loss)
        return torch.add(space.target, log_p_BC.exp_(), alpha=1 / len(y_B), out=space.deltas[-1])

    def _backward(self, delta_BH: Tensor, inputs: list[Tensor], kept: list[Tensor], space: "_Space") -> list[Tensor]:
        """Gradients in the order of the network's parameters: W, b of each layer from the first on."""
        gradients = list(space.gradients)
        for layer in range(len(inputs) - 1, -1, -1):
            into_weights, into_inputs = self._back_products[layer]
            gradients[2 * layer] = into_weights(delta_BH.t(), inputs[layer], None, gradients[2 * layer])
            torch.sum(delta_BH, 0, out=gradients[2 * layer + 1])
            if layer:
                delta_BH = into_inputs(delta_BH, self.weights_HI[layer], None, space.deltas[layer - 1])
                if self.keep_ratio < 1:
                    delta_BH.mul_(space.masks[layer - 1])
                self.activation.back(delta_BH, kept[layer - 1])
        return gradients

    def _space(self, rows: int) -> "_Space":
        if rows not in self._spaces:
            self._spaces[rows] = _Space(self, rows)
        return self._spaces[rows]

    def _measured(self, batch_size: int) -> dict[str, str]:
        """The faster product for each of the 3 L - 1 of a batch, by name."""
        names = {}
        with torch.inference_mode():
            space = self._space(batch_size)
            for layer, weight_HI in enumerate(self.weights_HI):
                x_BI, delta_BH = torch.zeros(batch_size, weight_HI.shape[1], device=weight_HI.device), space.deltas[layer]
                names[f"{layer}.forward"] = fastest(x_BI, weight_HI.t(), self.biases_H[layer], space.sums[layer])
                names[f"{layer}.weights"] = fastest(delta_BH.t(), x_BI, None, space.gradients[2 * layer])
                if layer:
                    names[f"{layer}.inputs"] = fastest(delta_BH, weight_HI, None, space.deltas[layer - 1])
        return names

    def _bind(self) -> None:
        layers = range(len(self.weights_HI))
        self._transposed = [weight_HI.t() for weight_HI in self.weights_HI]
        self._products = [PRODUCTS[self.kernels[f"{layer}.forward"]] for layer in layers]
        self._back_products = [
            (PRODUCTS[self.kernels[f"{layer}.weights"]], PRODUCTS[self.kernels.get(f"{layer}.inputs", "blas")])
            for layer in layers
        ]


class _Space:
    """Buffers for batches of `rows`."""

    def __init__(self, step: MlpStep, rows: int) -> None:
        def buffers(widths: list[int]) -> list[Tensor]:
            return [torch.zeros(rows, width, device=step.biases_H[0].device) for width in widths]

        widths = [len(bias_H) for bias_H in step.biases_H]
        hidden, classes = widths[:-1], widths[-1]
        self.sums, self.deltas = buffers(widths), buffers(widths)
        self.activations = buffers(hidden) if step.activation.needs_input else self.sums[:-1]
        self.masks = buffers(hidden) if step.keep_ratio < 1 else []
        self.dropped = buffers(hidden) if step.keep_ratio < 1 else []
        self.log_p, self.target = buffers([classes, classes])
        pairs = zip(step.weights_HI, step.biases_H, strict=True)
        self.gradients = [torch.zeros_like(tensor) for pair in pairs for tensor in pair]
        eye_CC = torch.eye(classes, device=self.log_p.device)
        smooth_CC = (1 - step.smoothing_ratio) * eye_CC + step.smoothing_ratio / classes
        self.targets_CC = -smooth_CC / rows
