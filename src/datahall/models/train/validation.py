"""Loss and accuracy of a network on rows that it does not train on."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHUNK_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over all rows."""

    loss: float
    accuracy: float


def validate(network: nn.Module, x: Tensor, y_N: Tensor) -> Measured:
    """Cross-entropy (no smoothing, no penalties) and accuracy in evaluation mode; the mode is put back afterwards."""
    was_training = network.training
    network.eval()
    totals = torch.zeros(2, dtype=torch.float64, device=x.device)
    with torch.inference_mode():
        for x_B, y_B in zip(torch.split(x, CHUNK_ROWS), torch.split(y_N, CHUNK_ROWS), strict=True):
            logits_BC = network(x_B).float()
            totals[0] += F.cross_entropy(logits_BC, y_B, reduction="sum")
            totals[1] += (logits_BC.argmax(1) == y_B).sum()
    network.train(was_training)
    loss, correct = totals.tolist()
    return Measured(loss / len(y_N), correct / len(y_N))
