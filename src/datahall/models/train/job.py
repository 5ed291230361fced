"""What a train step is asked to do, read and checked before anything is computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import BaseModel, TypeAdapter, ValidationError
from torch import Tensor, nn

from datahall.foundation.digest import digest_of, file_digest
from datahall.foundation.document import problems_of
from datahall.foundation.errors import Problem, Refused
from datahall.models.data.augment import is_none
from datahall.models.data.dataset import Dataset
from datahall.models.data.spec import Augmentation
from datahall.models.families.build import build
from datahall.models.families.spec import ModelSpec
from datahall.models.steps import Step
from datahall.models.train.batches import Batches, augmented
from datahall.models.train.device import autocast_type, training_device
from datahall.models.train.spec import TrainSpec


class _Config(BaseModel):
    """The part of step.json that the train step reads."""

    model: ModelSpec
    train: TrainSpec
    augment: Augmentation = Augmentation()
    recipe: str = ""
    seed: int


@dataclass(frozen=True, slots=True)
class Job:
    """A checked request with its data on the training device."""

    model: ModelSpec
    train: TrainSpec
    seed: int
    dataset: Dataset
    device: torch.device
    autocast: torch.dtype | None
    batches: Batches
    validation: tuple[Tensor, Tensor] | None
    fingerprint: str
    """Digest of all that decides the result."""

    def network(self) -> nn.Module:
        """The network with its first weights, on the device."""
        made = build(self.model, row_shape=self.dataset.row_shape, classes=len(self.dataset.labels), seed=self.seed)
        return made.to(self.device)


def load_job(step: Step) -> Job:
    """Read configuration and data. Raises Refused or Missing with every problem found, Unprocessable without the device."""
    config = _config(step.config)
    folder = step.input("data")
    dataset = Dataset.load(folder)
    device = training_device(config.train)
    x, y_N = on_device(dataset, "train", device)
    validation = on_device(dataset, "validation", device)
    problems = [*_data_problems(x, y_N, len(dataset.labels)), *_train_problems(config, dataset, len(validation[1]))]
    if problems:
        raise Refused(problems)
    return Job(
        model=config.model,
        train=config.train,
        seed=config.seed,
        dataset=dataset,
        device=device,
        autocast=autocast_type(config.train, device),
        batches=_batches(config, x, y_N),
        validation=validation if len(validation[1]) else None,
        fingerprint=digest_of([config.model_dump(mode="json"), file_digest(folder / "dataset.json")]),
    )


def on_device(dataset: Dataset, part: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """(x, y_N) of a part: normalised float32 rows and classes."""
    x, y_N = dataset.part(part)
    return torch.from_numpy(dataset.normaliser.apply(x)).to(device), torch.tensor(y_N, device=device)


def _config(config: Mapping[str, Any]) -> _Config:
    try:
        return TypeAdapter(_Config).validate_python(dict(config))
    except ValidationError as error:
        raise Refused(problems_of(error, _Config)) from None


def _batches(config: _Config, x: Tensor, y_N: Tensor) -> Batches:
    redraw = None if is_none(config.augment) else augmented(x, config.augment, seed=config.seed)
    smallest = 2 if config.model.batch_norm else 1
    return Batches(x, y_N, batch_size=config.train.batch_size, seed=config.seed, smallest=smallest, redraw=redraw)


def _data_problems(x: Tensor, y_N: Tensor, classes: int) -> list[Problem]:
    where = "inputs/data"
    if not len(y_N):
        return [
            Problem("TRAIN-002", where, "the training part has no rows", "give the recipe more data or a smaller test part")
        ]
    problems = []
    low, high = int(y_N.min()), int(y_N.max())
    if low < 0 or high >= classes:
        what = f"classes run from {low} to {high}, but {classes} are named (0 to {classes - 1})"
        problems.append(Problem("TRAIN-003", where, what, "name every class under `labels`"))
    # The extremes of a tensor with a NaN are NaN: one pass without a mask as large as the data.
    if not all(torch.isfinite(extreme) for extreme in torch.aminmax(x)):
        row = int(torch.isfinite(x.flatten(1)).all(1).logical_not().nonzero()[0])
        what = f"row {row} of the training part holds a NaN or an infinite value"
        problems.append(Problem("TRAIN-004", where, what, "clean the data (`missing: drop`) or check the normalisation"))
    return problems


def _train_problems(config: _Config, dataset: Dataset, validation_rows: int) -> list[Problem]:
    problems = []
    if config.train.early_stop is not None and not validation_rows:
        what = "early stopping watches the validation part, which has no rows"
        problems.append(
            Problem("TRAIN-005", "train.early_stop", what, "raise data.split.validation_ratio or leave early_stop out")
        )
    if config.model.batch_norm and config.train.batch_size < 2:
        what = "batch norm compares the rows of a batch, and batch_size is 1"
        problems.append(Problem("TRAIN-006", "train.batch_size", what, "use a batch of at least 2, or batch_norm: false"))
    if not is_none(config.augment) and dataset.kind != "image":
        what = f"augmentation turns and shifts images, and the data is a {dataset.kind}"
        problems.append(Problem("TRAIN-007", "data.augment", what, "leave augment out"))
    return problems
