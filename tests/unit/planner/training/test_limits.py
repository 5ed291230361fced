"""What limits a run, in words."""

import dataclasses

from datahall.models.parallel.step import Parts, Step
from datahall.planner.training.draw import COMPUTE, EXCHANGE
from datahall.planner.training.limits import GROUPS


def test_every_part_of_a_step_belongs_to_one_limit():
    """Given the parts that a step is broken down into, each is in one group, and none is forgotten."""
    parts = set(Step(*(_nothing(field) for field in dataclasses.fields(Step))).breakdown())
    grouped = [part for _, of, _ in GROUPS for part in of]
    assert len(grouped) == len(set(grouped)) and parts <= set(grouped)


def test_every_part_has_its_draw():
    """Given the parts of a step, all but waiting in the pipeline and for the host draw as computing or as exchanging."""
    grouped = {part for _, of, _ in GROUPS for part in of}
    assert grouped - {*COMPUTE} - {*EXCHANGE} == {"bubble", "host"}


def _nothing(field: "dataclasses.Field[object]") -> object:
    return Parts() if field.name == "parts" else 0.0
