"""What a row leaves open: the choice of the search, which keeps to what the row says."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from datahall.foundation.errors import DatahallError
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.memory import memory_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.stacks import on_device
from datahall.planner.search.question import ASKED, Question
from datahall.planner.search.search import search
from datahall.planner.validation.columns import in_columns
from datahall.planner.validation.hardware import Machine, problem_of
from datahall.planner.validation.plan_rows import Asked
from datahall.planner.validation.software import Software

NOT_WANTED = {"schedule": "1f1b", "expert_tensor": None, "shard": None}
"""Fields that a row has no column for: not searched, as software of most rows knows no other."""
RECOMPUTE = ("none", "selective", "operators", "full")
"""From the least on."""
Fields = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """A question of the search; rows that ask the same are answered once."""

    key: str
    """What all the others say, as text: some of them cannot be compared fast."""
    architecture: Architecture = field(compare=False)
    machine: Machine = field(compare=False)
    accelerators: int = field(compare=False)
    pinned: Mapping[str, Any] = field(compare=False)
    stack: Stack = field(compare=False)


def filled(
    architecture: Architecture, asked: Asked, software: Software, machine: Machine | None
) -> tuple[TrainPlan, tuple[str, ...]]:
    """The row's plan with open fields chosen, and the choice in words; as small as can be where nothing is possible.

    Without a machine nothing says which plan is fastest: open fields are 1, and only recomputation is as memory needs it.
    """
    if not asked.open:
        return _plan({**asked.pinned}), ()
    found, why = None, "nothing to choose by"
    if machine is not None and set(asked.open) <= {"recompute"}:
        found = _least_again(architecture, asked, software, machine)
    elif machine is not None and _divides(asked.pinned):
        stack = on_device(software.named.made(), machine.cluster.device.architecture)
        of = (architecture, machine, asked.accelerators, asked.pinned, stack)
        found, why = _searched(Choice(repr(of), *of))
    if found is None:
        plan = _plan({**asked.pinned, **_least(asked)})
        return plan, (f"not given, and {why}: {_words(plan, asked)}",)
    held = asked.open == ("recompute",) and _holds(architecture, found, software, machine)
    least = ", the least that fits" if held else ""
    return found, (f"not given, the search's choice: {_words(found, asked)}{least}",)


def _divides(pinned: Mapping[str, Any]) -> bool:
    """Whether the batch is a multiple of what is pinned of it: otherwise no choice helps, and the checks say so best."""
    return bool(pinned["global_batch"] % (pinned.get("data", 1) * pinned.get("micro_batch", 1)) == 0)


def _words(plan: TrainPlan, asked: Asked) -> str:
    return ", ".join(f"{field}={getattr(plan, field)}" for field in asked.open)


def _least_again(architecture: Architecture, asked: Asked, software: Software, machine: Machine) -> TrainPlan:
    """Only recomputation is open: nothing computed again is fastest, so as little as fits; all where nothing does."""
    kinds = [kind for kind in RECOMPUTE if kind != "selective" or not asked.pinned.get("flash_attention", True)]
    plans = [_plan({**asked.pinned, "recompute": kind}) for kind in kinds]
    return next((plan for plan in plans if _holds(architecture, plan, software, machine)), plans[-1])


def _holds(architecture: Architecture, plan: TrainPlan, software: Software, machine: Machine | None) -> bool:
    if machine is None:
        return False
    try:
        held = plan.model_copy(update=dict(software.held))
        return memory_of(architecture, held, software.named.made().recomputed).fits(machine.memory_bytes)
    except (ValueError, DatahallError):
        return True  # an impossible plan: the checks speak about it


@functools.lru_cache(maxsize=4096)
def _searched(choice: Choice) -> tuple[TrainPlan | None, str]:
    """The fastest plan that fits, or comes nearest, with one chunk or, where chunks are open or more, interleaved.

    Or none, and why.
    """
    chunks = choice.pinned.get("chunks")
    schedules = (["1f1b"] if chunks in (None, 1) else []) + (["interleaved"] if chunks != 1 else [])
    tried = [_best(choice, schedule) for schedule in schedules]
    found = [each for each in tried if not isinstance(each, str)]
    return (
        (min(found, key=lambda pair: pair[0])[1], "") if found else (None, next(why for why in tried if isinstance(why, str)))
    )


def _best(choice: Choice, schedule: str) -> tuple[float, TrainPlan] | str:
    """Seconds and plan: where nothing fits, the plan that comes nearest; or why nothing is possible."""
    pinned = choice.pinned
    given = {**NOT_WANTED, **{name: value for name, value in pinned.items() if name not in ASKED}, "schedule": schedule}
    if schedule == "1f1b":
        given["chunks"] = 1
    try:
        question = Question(
            choice.architecture, choice.machine.cluster, choice.accelerators, pinned["sequence"], pinned["global_batch"],
            pinned["precision"], choice.stack, given, choice.machine.memory_bytes, reserve_ratio=0.0, fewer=False,
        )  # fmt: skip
        found = search(question, top=1)
    except DatahallError as error:
        return in_columns(f"the search found none ({problem_of(error)})")
    if found.best:
        return found.best[0].seconds, found.best[0].plan
    return (math.inf, found.nearest_fit.plan) if found.nearest_fit else "the search found no possible plan"


def _least(asked: Asked) -> Fields:
    """Open fields as small as they can be, so that the checks can say what is wrong."""
    own: Fields = {"recompute": "full"} if "recompute" in asked.open else {}
    others = asked.pinned.get("tensor", 1) * asked.pinned.get("pipeline", 1) * asked.pinned.get("context", 1)
    return own | ({"data": max(1, asked.accelerators // others)} if "data" in asked.open else {})


def _plan(values: Fields) -> TrainPlan:
    """A plan of these fields: chunks on a stage need the interleaved schedule, and only stages have chunks."""
    chunks = values.get("chunks", 1)
    return TrainPlan.model_validate(values | {"schedule": "interleaved" if chunks > 1 else "1f1b"})
