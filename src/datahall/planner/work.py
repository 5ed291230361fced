"""What a job says of its training, as what predicts it: architecture, plan, cluster and software."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from datahall.foundation.document import problems_of
from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.catalogue import architecture
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.stacks import DEFAULT, on_device, stack_said
from datahall.platform.work import TrainingWork

Clusters = Callable[[str], Cluster]
"""The cluster of an accelerator's name; of the empty name, the hall's own. Raises Missing where it is not known."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that predicts one job."""

    architecture: Architecture
    plan: TrainPlan
    cluster: Cluster
    stack: Stack
    stack_name: str
    steps: float


def prepared(work: TrainingWork, accelerators: int, clusters: Clusters, *, where: str = "work") -> Prepared:
    """Data ranks are what the job's accelerators leave. Raises Missing or Refused, with every problem of the plan."""
    named = stack_said(work.stack or DEFAULT, f"{where}.stack")
    found = architecture(work.model, f"{where}.model")
    plan = _plan(work, accelerators, named.plan, where)
    if problems := problems_of_plan(found, plan, accelerators=accelerators, where=f"{where}.plan"):
        raise Refused(problems)
    cluster = clusters(work.accelerator)
    stack = on_device(named.made(), cluster.device.architecture)
    return Prepared(found, plan, cluster, stack, named.name, work.steps)


def _plan(work: TrainingWork, accelerators: int, usual: dict[str, Any], where: str) -> TrainPlan:
    given: dict[str, Any] = {**usual, **work.plan}
    taken = {"sequence": work.sequence, "global_batch": work.global_batch}
    if twice := sorted(taken.keys() & work.plan.keys()):
        raise Refused(
            Problem(
                "WORK-001", f"{where}.plan.{twice[0]}", f"`{twice[0]}` stands beside the plan too", "say it once, beside it"
            )
        )
    try:
        plan = TrainPlan.model_validate(given | taken)
        each = plan.tensor * plan.pipeline * plan.context
        data = {} if "data" in work.plan else {"data": max(1, accelerators // each)}
        return TrainPlan.model_validate(given | taken | data)
    except ValidationError as error:
        raise Refused(problems_of(error, TrainPlan)) from None
