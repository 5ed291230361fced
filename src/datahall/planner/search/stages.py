"""Pipeline stages that are alike, counted."""

from dataclasses import dataclass

from datahall.models.cost.parameters import has_experts
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.layout import Stage, stages_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.states import layer_kinds


@dataclass(frozen=True, slots=True)
class Kind:
    """Stages that hold the same layers and ends."""

    stage: Stage
    """The first of them: no other has more micro-batches in flight."""
    count: int
    layers: tuple[int, int, int, int]
    """By kind: see `layer_kinds`."""
    first_experts: bool
    """Whether its first layer has experts."""


def kinds_of(architecture: Architecture, plan: TrainPlan) -> tuple[Kind, ...]:
    """In the order of their first stages."""
    found: dict[tuple[object, ...], list[Stage]] = {}
    for stage in stages_of(architecture, plan):
        first = next(layer for run in stage.layers for layer in run)
        key = (layer_kinds(architecture, stage.layers), stage.embedding, stage.output, has_experts(architecture, first))
        found.setdefault(key, []).append(stage)
    return tuple(
        Kind(stages[0], len(stages), layer_kinds(architecture, stages[0].layers), has_experts(architecture, _first(stages[0])))
        for stages in found.values()
    )


def _first(stage: Stage) -> int:
    return next(layer for run in stage.layers for layer in run)
