"""Probabilities of a trained network for raw rows. Shapes: N rows, K classes."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from datahall.models.data.normaliser import Normaliser

BATCH_ROWS = 2048


def probabilities(network: nn.Module, x: NDArray[Any], *, normaliser: Normaliser, threads: int = 1) -> NDArray[np.float32]:
    """Softmax of the network's logits for each raw row, NK.

    threads: one by default, because with a busy neighbour two threads that wait for each other are many times slower.
    """
    parts = []
    with torch.inference_mode(), _torch_threads(threads):
        for start in range(0, len(x), BATCH_ROWS):
            rows = torch.from_numpy(normaliser.apply(np.asarray(x[start : start + BATCH_ROWS])))
            parts.append(network(rows).softmax(dim=1).numpy())
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


@contextlib.contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
