"""One model's life as a file, and the steps that it asks for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from datahall.foundation.digest import digest_of
from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Bytes
from datahall.models.compress.spec import CompressSpec
from datahall.models.data.spec import DataSpec
from datahall.models.evaluate.spec import EvaluateSpec
from datahall.models.families.spec import ModelSpec
from datahall.models.serve.spec import DeploySpec
from datahall.models.train.spec import TrainSpec


class StepResources(Spec):
    """What each step of the recipe may use."""

    cpus: float = Field(default=0.5, gt=0, le=1024)
    memory: Bytes = 2 * 1024**3
    accelerators: int = Field(default=0, ge=0, le=64)


class Recipe(Spec):
    """Data, network, training, evaluation, compression and deployment of one model."""

    name: Name
    description: str = ""
    seed: int = Field(default=0, ge=0, lt=2**63)
    data: DataSpec
    model: ModelSpec
    train: TrainSpec = TrainSpec()
    evaluate: EvaluateSpec = EvaluateSpec()
    compress: CompressSpec | None = CompressSpec()
    """Nothing (`null`): the model stays as it was trained. To be deployed, it is packaged as float32 then."""
    deploy: DeploySpec | None = None
    resources: StepResources = StepResources()


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with all that decides its result: equal `key` means equal output, so it is never run twice."""

    name: str
    config: dict[str, Any]
    """What the step reads, as JSON."""
    needs: tuple[str, ...]
    """Steps whose output folders it reads, as `inputs/<name>`."""
    key: str
    sources: tuple[str, ...] = field(default=())
    """Digests of outside files that went into the key."""


STEP_VERSIONS = {"data": 1, "train": 1, "evaluate": 2, "compress": 2, "package": 2}
"""Raised by hand when a step's meaning changes, so that old results are not taken for new ones."""


def planned_steps(recipe: Recipe, *, folder: Path, sources: tuple[str, ...] = (), file: str = "") -> tuple[PlannedStep, ...]:
    """The recipe's steps in order, each with its cache key.

    folder: where relative paths of the recipe are looked up.
    sources: digests of the files that the data step will read (`datahall.models.data.sources`).
    file: the recipe's file as its user named it, for the report's command; it decides nothing.
    """
    keys: dict[str, str] = {}
    steps = []
    for name, config, needs in _wanted(recipe):
        outside = sources if name == "data" else ()
        ingredients = [name, STEP_VERSIONS[name], config, [keys[n] for n in needs], list(outside), recipe.seed]
        keys[name] = digest_of(ingredients)
        full = {**config, "recipe": recipe.name, "seed": recipe.seed, "folder": str(folder), "file": file}
        steps.append(PlannedStep(name, full, needs, keys[name], outside))
    return tuple(steps)


def _wanted(recipe: Recipe) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    def dump(spec: Spec) -> dict[str, Any]:
        return spec.model_dump(mode="json")

    data, model, train = dump(recipe.data), dump(recipe.model), dump(recipe.train)
    yield "data", {"data": {key: value for key, value in data.items() if key != "augment"}}, ()
    yield "train", {"model": model, "train": train, "augment": data["augment"]}, ("data",)
    yield "evaluate", {"evaluate": dump(recipe.evaluate), "description": recipe.description}, ("data", "train")
    # A replica serves ONNX, so what is deployed is exported at least; and nothing more when its user wants no more.
    compress = recipe.compress or (CompressSpec(int8="none") if recipe.deploy else None)
    if compress is not None:
        yield "compress", {"compress": dump(compress)}, ("data", "train", "evaluate")
        yield "package", {}, ("train", "evaluate", "compress")
