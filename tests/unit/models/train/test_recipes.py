"""The recipes that come with the product keep what they promise."""

import json
import os
from pathlib import Path

import pytest
import torch

from datahall.foundation.document import load
from datahall.models.data.dataset import Dataset
from datahall.models.data.prepare import prepare
from datahall.models.families.trained import load_trained
from datahall.models.recipe import Recipe, planned_steps
from datahall.models.steps import Step
from datahall.models.train.step import run

RECIPES = Path(__file__).parents[4] / "recipes"
SHARED = Path(os.environ.get("DATAHALL_SHARED") or RECIPES.parents[1] / "shared")


def accuracy_of(name, folder, *, files=RECIPES):
    """(share of right answers on the test part, training.json) after the recipe's data and train steps."""
    recipe = load(RECIPES / f"{name}.yaml", Recipe)
    data = folder / "inputs" / "data"
    data.mkdir(parents=True)
    dataset = prepare(recipe.data, folder=files, seed=recipe.seed, outputs=data, say=lambda _: None)
    config = next(planned.config for planned in planned_steps(recipe, folder=folder) if planned.name == "train")
    step = Step(folder, "train", config)
    run(step)
    step.metrics.close()
    network, _ = load_trained(step.outputs)
    x, y = Dataset.load(data).part("test")
    with torch.inference_mode():
        right = (network(torch.from_numpy(dataset.normaliser.apply(x))).argmax(1).numpy() == y).mean()
    return float(right), json.loads((step.outputs / "training.json").read_text())


@pytest.mark.parametrize("name", ["digits", "mnist", "mnist-fast"])
def test_it_is_a_recipe(name):
    """Given the file as it is, it reads without a problem and is named like its file."""
    assert load(RECIPES / f"{name}.yaml", Recipe).name == name


def test_digits_reach_their_accuracy_in_seconds(tmp_path):
    """Given scikit-learn's digits, more than 97 % of the test part is right after a few seconds of training."""
    accuracy, training = accuracy_of("digits", tmp_path)
    assert accuracy >= 0.97
    assert training["epochs"] == 60


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "data/mnist").is_dir(), reason=f"no MNIST under {SHARED}; set DATAHALL_SHARED")
@pytest.mark.parametrize(("name", "least"), [pytest.param("mnist", 0.98, marks=pytest.mark.slow), ("mnist-fast", 0.975)])
def test_mnist_reaches_its_accuracy(tmp_path, name, least):
    """Given the real MNIST, ten epochs pass 98 % of the test part, and three pass 97.5 %."""
    accuracy, _ = accuracy_of(name, tmp_path, files=SHARED)
    assert accuracy >= least
