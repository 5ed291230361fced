"""Plans of a run, tried one by one."""

from dataclasses import dataclass

from datahall.models.parallel.memory import Memory
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step import Step


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plan with its predicted step and memory."""

    plan: TrainPlan
    step: Step
    memory: Memory
