"""A small trained model with its data, as the steps leave them, for the tests of all steps after training."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine

from datahall.models import workflow
from datahall.models.data.dataset import Dataset, Part
from datahall.models.data.normaliser import fit
from datahall.models.families.build import build, parameter_count
from datahall.models.families.spec import MlpSpec
from datahall.models.families.trained import TrainedCard, save_trained
from datahall.models.recipe import PlannedStep, Recipe
from datahall.models.steps import Step
from datahall.platform.spec import JobSpec

MakeStep = Callable[..., Step]


def save_life(folder: Path, x: np.ndarray, y: np.ndarray, *, kind: str, labels: tuple[str, ...], columns: tuple[str, ...] = ()):
    """Write `data` and `train` below `folder`: an MLP trained for 40 passes on six tenths of the rows."""
    order = np.random.default_rng(0).permutation(len(x))
    cuts = np.split(order, [int(0.6 * len(x)), int(0.7 * len(x))])
    parts = {name: Part(x[i], y[i], i) for name, i in zip(("train", "validation", "test"), cuts, strict=True)}
    normaliser = fit(parts["train"].x, "standard", kind=kind, value_max=16)
    card = {"rows": {name: len(part) for name, part in parts.items()}, "classes": [], "warnings": []}
    data = Dataset(folder / "data", kind, x.shape[1:], labels, normaliser, columns, source={"kind": "test"}, card=card)
    data.save(parts)
    spec = MlpSpec(family="mlp", hidden=(32,), batch_norm=True)
    network = build(spec, row_shape=data.row_shape, classes=len(labels), seed=1)
    history = train(network, normaliser.apply(parts["train"].x), parts["train"].y)
    about = TrainedCard(model=spec, row_shape=data.row_shape, labels=labels, kind=kind, normaliser=normaliser.as_dict())
    save_trained(folder / "train", network.eval(), about)
    training = {
        "seconds": 1.5,
        "parameters": parameter_count(network),
        "versions": {"torch": str(torch.__version__)},
        "energy": None,
    }
    (folder / "train" / "history.json").write_text(json.dumps(history))
    (folder / "train" / "training.json").write_text(json.dumps(training))


def train(network: torch.nn.Module, x: np.ndarray, y: np.ndarray) -> list[dict[str, Any]]:
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    history = []
    for epoch in range(1, 41):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        optimiser.step()
        figures = {"train_loss": loss.item(), "validation_loss": loss.item() * 1.1, "validation_accuracy": 1 - 0.9 / epoch}
        history.append({"epoch": epoch, "learning_rate": 0.02, "seconds": 0.01, **figures})
    return history


@pytest.fixture(scope="session")
def digits_life(tmp_path_factory) -> Path:
    """A folder with `data` and `train` of an MLP on scikit-learn's 8x8 digits."""
    folder, digits = tmp_path_factory.mktemp("digits"), load_digits()
    save_life(folder, digits.images.astype(np.uint8), digits.target, kind="image", labels=tuple("0123456789"))
    return folder


@pytest.fixture(scope="session")
def wine_life(tmp_path_factory) -> Path:
    """The same for a table: scikit-learn's wine, 13 columns, 3 classes."""
    folder, wine = tmp_path_factory.mktemp("wine"), load_wine()
    names = tuple(wine.feature_names)
    save_life(folder, wine.data.astype(np.float32), wine.target, kind="table", labels=("red", "rosé", "white"), columns=names)
    return folder


@pytest.fixture
def make_step(tmp_path) -> Iterator[MakeStep]:
    """`make_step(name, config, inputs={"data": folder})`: a step in a working folder of its own."""
    made: list[Step] = []

    def make(name: str, config: dict[str, Any], *, inputs: dict[str, Path]) -> Step:
        work = tmp_path / f"{len(made)}-{name}"
        for source, folder in inputs.items():
            shutil.copytree(folder, work / "inputs" / source)
        work.mkdir(exist_ok=True)
        made.append(Step(work, name, {"recipe": "digits", "seed": 3, "folder": "/home/someone/recipes", **config}))
        return made[-1]

    yield make
    for step in made:
        step.metrics.close()


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What each step runs, instead of training: by default it leaves its name and key."""
    found: dict[str, str] = {}
    real = workflow._job

    def quick(recipe: Recipe, step: PlannedStep, *words: Any, **more: Any) -> JobSpec:
        script = found.get(step.name, f"echo {step.name} {step.key} > outputs/result")
        return real(recipe, step, *words, **more).model_copy(update={"command": ("sh", "-c", script), "cpus": 0.1})

    monkeypatch.setattr(workflow, "_job", quick)
    return found
