"""What a row leaves open: the fastest plan that keeps to what it says and fits its device."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

from datahall.models.cost.spec import Architecture
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.layout import stack_of
from datahall.models.parallel.memory import memory_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stacks import on_device
from datahall.models.parallel.step import step_of
from datahall.planner.validation.hardware import Machine
from datahall.planner.validation.plan_rows import Asked
from datahall.planner.validation.software import Software

TRIED = 128
"""Plans that are timed at most; those that need the least splitting come first."""
WEIGHED = 512
"""Plans whose memory is counted at most."""
RECOMPUTE = ("none", "selective", "full")
Fields = dict[str, Any]


def filled(
    architecture: Architecture, asked: Asked, software: Software, machine: Machine | None
) -> tuple[TrainPlan, tuple[str, ...]]:
    """The row's plan with open fields chosen, and the choice in words; as pinned where nothing is possible.

    Without a machine, the plan that needs the least memory: no time says which is fastest.
    """
    pinned = {**asked.pinned}
    if not asked.open:
        return _plan(pinned), ()
    found = list(islice(_possible(architecture, asked, machine), WEIGHED))
    if not found:
        return _plan(pinned | _least(asked)), ()
    best = _fastest(architecture, found, software, machine)
    words = ", ".join(f"{field}={getattr(best, field)}" for field in asked.open)
    return best, (f"not given, the fastest that fits was taken: {words}",)


def _fastest(architecture: Architecture, plans: list[TrainPlan], software: Software, machine: Machine | None) -> TrainPlan:
    held = [(memory_of(architecture, plan), plan) for plan in plans]
    least = min(held, key=lambda pair: pair[0].needed)[1]
    if machine is None:
        return least
    fitting = [plan for memory, plan in held if memory.fits(machine.memory_bytes)]
    if len(fitting) < 2:
        return fitting[0] if fitting else least
    stack = on_device(software.named.made(), machine.cluster.device.architecture)
    return min(fitting[:TRIED], key=lambda plan: step_of(architecture, plan, machine.cluster, stack).seconds)


def _possible(architecture: Architecture, asked: Asked, machine: Machine | None) -> Iterator[TrainPlan]:
    """Plans that the checks let pass, those that split least first."""
    values = [tuple(_values(field, architecture, asked, machine)) for field in asked.open if field != "data"]
    fields = [field for field in asked.open if field != "data"]
    for chosen in sorted(product(*values), key=_split):
        own: Fields = {**asked.pinned, **dict(zip(fields, chosen, strict=True))}
        others = own["tensor"] * own["pipeline"] * own["context"]
        if asked.accelerators % others:
            continue
        own.setdefault("data", asked.accelerators // others)
        if asked.pinned["global_batch"] % (own["data"] * own.get("micro_batch", 1)):
            continue
        plan = _plan(own)
        if plan.accelerators == asked.accelerators and not problems_of_plan(architecture, plan):
            yield plan


def _split(chosen: tuple[Any, ...]) -> int:
    result = 1
    for value in chosen:
        result *= value if isinstance(value, int) else 1 + RECOMPUTE.index(value)
    return result


def _values(field: str, architecture: Architecture, asked: Asked, machine: Machine | None) -> Iterator[Any]:
    """Choices of one open field."""
    accelerators, batch = asked.accelerators, asked.pinned["global_batch"]
    if field == "recompute":
        yield from RECOMPUTE if not asked.pinned.get("flash_attention", True) else ("none", "full")
    elif field == "tensor":
        yield from _divisors(accelerators, min(16, machine.cluster.per_domain if machine else 8))
    elif field == "pipeline":
        yield from _divisors(accelerators, stack_of(architecture))
    elif field == "context":
        yield from _divisors(accelerators, max(1, asked.pinned["sequence"] // 8192))
    elif field == "expert":
        yield from _divisors(architecture.experts.count if architecture.experts else 1, min(64, accelerators))
    elif field == "chunks":
        yield from (1, 2, 4)
    else:
        yield from _divisors(batch, 8)


def _divisors(number: int, most: int) -> list[int]:
    return [each for each in range(1, min(number, most) + 1) if number % each == 0]


def _least(asked: Asked) -> Fields:
    """Open fields as small as they can be, so that the checks can say what is wrong."""
    own: Fields = {"recompute": "none"} if "recompute" in asked.open else {}
    others = asked.pinned.get("tensor", 1) * asked.pinned.get("pipeline", 1) * asked.pinned.get("context", 1)
    return own | ({"data": max(1, asked.accelerators // others)} if "data" in asked.open else {})


def _plan(values: Fields) -> TrainPlan:
    """A plan of these fields: chunks on a stage need the interleaved schedule, and only stages have chunks."""
    chunks = values.get("chunks", 1)
    return TrainPlan.model_validate(values | {"schedule": "interleaved" if chunks > 1 else "1f1b"})
