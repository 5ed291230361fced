"""Ours in one process: the reader, the network and the training loop of recipes/mnist-fast.yaml, called as a library."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "src"))

import fast_common
import torch

import datahall
from datahall.foundation.document import load
from datahall.models.families.build import build
from datahall.models.recipe import Recipe
from datahall.models.train.batches import Batches
from datahall.models.train.training import Outside, Training

torch.set_num_threads(1)
race = fast_common.Race()
recipe = load(Path(__file__).parents[3] / "recipes" / "mnist-fast.yaml", Recipe)
x, y, tx, ty = (torch.from_numpy(part.copy()) for part in fast_common.mnist())
mean, deviation = x.mean(), x.std()
x, tx = (x - mean) / deviation, (tx - mean) / deviation
network = build(recipe.model, row_shape=(784,), classes=10, seed=0)
batches = Batches(x, y, batch_size=recipe.train.batch_size, seed=0)
# The test rows stand where validation rows would, so that both contestants look at them after each epoch.
training = Training(network, recipe.train, batches=batches, validation=(tx, ty))
training.run(Outside(lambda: False, lambda _: None, lambda _: None, lambda record: race.epoch(record.validation_accuracy)))
race.report(f"datahall {datahall.__version__}")
