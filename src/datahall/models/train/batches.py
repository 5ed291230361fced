"""Rows in memory, dealt out in a new order each epoch. The order depends on seed and epoch alone: nothing to save."""

# Shapes: N rows, B rows of a batch, D numbers in a row.
from collections.abc import Callable

import torch
from torch import Tensor

from datahall.foundation.dice import stream_seed
from datahall.models.data.augment import augment
from datahall.models.data.spec import Augmentation

AUGMENT_ROWS = 256
"""Images augmented at a time: on a CPU their grids then stay in its cache, which is twice as fast as thousands."""

Redraw = Callable[[int], Tensor]
"""epoch -> rows of that epoch, changed at random, on the device; equal epochs give equal rows."""


class Batches:
    """Rows x (float32, normalised) and classes y_N on the training device."""

    def __init__(
        self, x: Tensor, y_N: Tensor, *, batch_size: int, seed: int, smallest: int = 1, redraw: Redraw | None = None
    ) -> None:
        """smallest: a last batch of fewer rows is left out (batch norm needs two); its rows differ from epoch to epoch."""
        self.y_N, self.batch_size, self.seed, self.redraw = y_N, batch_size, seed, redraw
        self.row_shape = x.shape[1:]
        self._x_ND = x.flatten(1)
        self._buffer_BD = torch.empty(min(batch_size, len(y_N)), self._x_ND.shape[1], device=x.device)
        whole, rest = divmod(len(y_N), batch_size)
        self._count = whole + (rest >= smallest if rest else 0)
        self._dealt: int | None = None
        self._rows_B: tuple[Tensor, ...] = ()
        self._y_B: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        """Batches in an epoch; the last may be smaller."""
        return self._count

    def deal(self, epoch: int) -> None:
        """Put the rows in the order of `epoch` (from 0), and change them when the recipe augments."""
        if epoch == self._dealt:
            return
        self._dealt = epoch
        generator = torch.Generator().manual_seed(stream_seed(self.seed, f"order/{epoch}"))
        order_N = torch.randperm(len(self.y_N), generator=generator).to(self.y_N.device)
        self._rows_B = torch.split(order_N, self.batch_size)
        self._y_B = torch.split(self.y_N[order_N], self.batch_size)
        if self.redraw is not None:
            self._x_ND = self.redraw(epoch).flatten(1)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """(x, y_B) of batch `index`. The next call overwrites x."""
        y_B = self._y_B[index]
        x_BD = self._buffer_BD if len(y_B) == len(self._buffer_BD) else self._buffer_BD[: len(y_B)]
        torch.index_select(self._x_ND, 0, self._rows_B[index], out=x_BD)
        return x_BD.view(-1, *self.row_shape), y_B


def augmented(x: Tensor, spec: Augmentation, *, seed: int) -> Redraw:
    """Each epoch's own random changes of the images `x`, from a stream of that epoch."""
    out = torch.empty_like(x)

    def redraw(epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(stream_seed(seed, f"augment/{epoch}"))
        for start in range(0, len(x), AUGMENT_ROWS):
            rows = slice(start, start + AUGMENT_ROWS)
            out[rows] = augment(x[rows], spec, generator)
        return out

    return redraw
