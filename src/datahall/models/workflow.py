"""A recipe as jobs: what is known already is not run again, the rest is queued with its dependencies."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from datahall.models.data.sources import source_digests
from datahall.models.recipe import PlannedStep, Recipe, planned_steps
from datahall.platform.spec import JobSpec

MODULE = "datahall.models.steps"


class Known(Protocol):
    """Which keys the tenant has an artifact for, and which a live job is about to make."""

    def artifact(self, key: str) -> bool: ...
    def job(self, key: str) -> int | None: ...


def steps_of(recipe: Recipe, folder: Path, *, file: str = "") -> tuple[PlannedStep, ...]:
    """The recipe's steps with their keys. Raises Missing when a data file is not there."""
    return planned_steps(recipe, folder=folder, sources=source_digests(recipe.data, folder=folder), file=file)


@dataclass(frozen=True, slots=True)
class Owner:
    """For whom the steps run, and what each of them is told besides its configuration."""

    tenant: str
    annotations: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


def jobs_of(recipe: Recipe, steps: Sequence[PlannedStep], known: Known, owner: Owner) -> tuple[list[JobSpec], dict[str, int]]:
    """Jobs to submit for what is not known yet, and for each step its number: a live job's, a new one's as -1, -2 …, 0 if
    its result is there already. `needs` use the same numbers."""
    specs: list[JobSpec] = []
    numbers: dict[str, int] = {}
    keys = {step.name: step.key for step in steps}
    for step in steps:
        live = known.job(step.key)
        if known.artifact(step.key):
            numbers[step.name] = 0
        elif live is not None:
            numbers[step.name] = live
        else:
            needs = tuple(numbers[name] for name in step.needs if numbers[name] != 0)
            inputs = {name: f"key:{keys[name]}" for name in step.needs}
            specs.append(_job(recipe, step, owner, needs=needs, inputs=inputs))
            numbers[step.name] = -len(specs)
    return specs, numbers


def _job(recipe: Recipe, step: PlannedStep, owner: Owner, *, needs: tuple[int, ...], inputs: dict[str, str]) -> JobSpec:
    given = recipe.resources
    return JobSpec(
        name=f"{recipe.name[:50]}-{step.name}",
        command=(sys.executable, "-m", MODULE),
        tenant=owner.tenant,
        cpus=given.cpus,
        memory=given.memory,
        accelerators=given.accelerators,
        inputs=inputs,
        needs=needs,
        environment=owner.environment,
        files={"step.json": json.dumps({"step": step.name, "config": step.config})},
        output_key=step.key,
        annotations=owner.annotations | {"recipe": recipe.name, "step": step.name},
    )
