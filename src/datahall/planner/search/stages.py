"""Pipeline stages that are alike, counted."""

from dataclasses import dataclass, field

from datahall.models.cost.parameters import has_experts
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.layout import Stage, stages_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.states import stage_kinds


@dataclass(frozen=True, slots=True)
class Kind:
    """Stages that hold as many layers of each kind and the same ends. Which layers these are makes no difference."""

    index: int
    """Of the first of them: no other has more micro-batches in flight."""
    count: int
    layers: tuple[int, int, int, int]
    """By kind: see `stage_kinds`."""
    embedding: bool
    output: bool
    first_experts: bool
    """Whether its first layer has experts."""
    stage: Stage = field(compare=False)
    """The first of them."""


def kinds_of(architecture: Architecture, plan: TrainPlan) -> tuple[Kind, ...]:
    """In the order of their first stages."""
    found: dict[tuple[tuple[int, int, int, int], bool, bool, bool], list[Stage]] = {}
    for stage in stages_of(architecture, plan):
        first = next(layer for run in stage.layers for layer in run)
        key = (stage_kinds(architecture, stage), stage.embedding, stage.output, has_experts(architecture, first))
        found.setdefault(key, []).append(stage)
    return tuple(Kind(stages[0].index, len(stages), *key, stages[0]) for key, stages in found.items())
