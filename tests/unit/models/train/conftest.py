"""A small dataset and the folders of a step, as the data step and the platform would leave them."""

import json

import numpy as np
import pytest
import torch

from datahall.models.data.dataset import Dataset, Part
from datahall.models.data.normaliser import Normaliser
from datahall.models.steps import Step, Stopped
from datahall.models.train.step import run


@pytest.fixture(autouse=True)
def one_thread():
    """Small tests are fastest with one thread, and a neighbour cannot slow them down."""
    torch.set_num_threads(1)


def part(rows: int, seed: int) -> Part:
    """Grey 6x6 images of three classes: a bright stripe in the first, third or fifth row, in noise."""
    generator = np.random.default_rng(seed)
    y = np.arange(rows, dtype=np.int64) % 3
    x = generator.integers(0, 160, (rows, 6, 6), dtype=np.uint8)
    x[np.arange(rows), y * 2] += 80
    return Part(x, y, np.arange(rows))


@pytest.fixture
def step_in(tmp_path):
    """step_in(name, **train fields) -> a Step in a folder of its own, with its data in place."""
    made = []

    def make(name="work", *, kind=Step, model=None, augment=None, rows=50, validation_rows=20, seed=11, **train):
        folder = tmp_path / name
        data = folder / "inputs" / "data"
        if not data.exists():
            data.mkdir(parents=True)
            parts = {"train": part(rows, 1), "validation": part(validation_rows, 2), "test": part(9, 3)}
            Dataset(data, "image", (6, 6), ("a", "b", "c"), Normaliser("unit", 0.0, 1 / 255)).save(parts)
        fields = {"epochs": 4, "batch_size": 16, "threads": 1} | train
        config = {"model": {"family": "mlp", "hidden": [12, 7]} | (model or {}), "train": fields, "seed": seed}
        step = kind(folder, "train", config | {"augment": augment or {}, "recipe": "small", "folder": str(folder)})
        made.append(step)
        return step

    yield make
    for step in made:
        step.metrics.close()


class StopsAt(Step):
    """A step that is asked to stop at the n-th batch of this attempt."""

    at: int | None = None
    seen = 0

    @property
    def stop_requested(self) -> bool:
        self.seen += 1
        return self.at is not None and self.seen >= self.at

    @stop_requested.setter
    def stop_requested(self, value: bool) -> None:
        """`Step.__init__` sets it; the count decides here."""


@pytest.fixture
def stops_at():
    """The class `StopsAt`, for `step_in(kind=...)`."""
    return StopsAt


@pytest.fixture
def finish(step_in):
    """finish(name, cuts=[...], **fields) -> the step of a run that was stopped after each number of batches, then done."""

    def run_through(name, *, cuts=(), **fields):
        for cut in cuts:
            step = step_in(name, kind=StopsAt, **fields)
            step.at = cut
            with pytest.raises(Stopped):
                run(step)
            torch.manual_seed(cut)  # the next attempt is another process, whose global stream stands elsewhere
        step = step_in(name, **fields)
        run(step)
        return step

    return run_through


@pytest.fixture
def history():
    """history(step) -> its epochs without what a clock decides."""

    def read(step):
        epochs = json.loads((step.outputs / "history.json").read_text())
        return [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in epochs]

    return read
