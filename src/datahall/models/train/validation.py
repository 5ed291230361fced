"""Loss and accuracy of a network on rows that it does not train on."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over all rows."""

    loss: float
    accuracy: float


def validate(logits: Callable[[Tensor], Tensor], x: Tensor, y_N: Tensor) -> Measured:
    """Cross-entropy (no smoothing, no penalties) and accuracy of `logits(x)`, which is in evaluation mode."""
    totals = torch.zeros(2, dtype=torch.float64, device=x.device)
    with torch.inference_mode():
        for x_B, y_B in zip(torch.split(x, CHUNK_ROWS), torch.split(y_N, CHUNK_ROWS), strict=True):
            logits_BC = logits(x_B)
            totals[0] += F.cross_entropy(logits_BC, y_B, reduction="sum")
            totals[1] += (logits_BC.argmax(1) == y_B).sum()
    loss, correct = totals.tolist()
    return Measured(loss / len(y_N), correct / len(y_N))
