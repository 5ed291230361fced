"""Why no plan is possible: what stands in the way of what was pinned, with the nearest values that would do."""

from typing import Any

from datahall.foundation.errors import Problem, Refused
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step import unmodelled
from datahall.planner.search.question import Question


def refuse_impossible(question: Question, blocks: int) -> None:
    """Raises Refused where the space has no block, or the time of its plans is not modelled (STEP-001)."""
    if problems := unmodelled(question.architecture, question.plan()):
        raise Refused(problems)
    if blocks:
        return
    found = min((_problems(question, plan) for plan in _plans(question)), key=len, default=[])
    raise Refused(found or [_none(question)])


def _problems(question: Question, plan: TrainPlan) -> list[Problem]:
    most = question.accelerators
    every = plan.accelerators > most or ("data" in question.pinned and not question.fewer)
    return problems_of_plan(question.architecture, plan, accelerators=most if every else None, where="pinned")


def _plans(question: Question) -> list[TrainPlan]:
    """Plain plans with what is pinned; those that what is pinned needs beside it."""
    pinned: dict[str, Any] = dict(question.pinned)
    needs: dict[str, Any] = {}
    if pinned.get("chunks", 1) > 1:
        needs |= {"schedule": "interleaved", "pipeline": 2}
    if pinned.get("shard") is not None:
        needs |= {"zero": 1, "data": pinned["shard"]}
    if pinned.get("expert", 1) > 1:
        needs |= {"data": pinned["expert"]}
    chosen = {name: value for name, value in needs.items() if name not in pinned}
    return [question.plan(**chosen), question.plan()]


def _none(question: Question) -> Problem:
    """SEARCH-002: where each pinned value is possible by itself."""
    said = ", ".join(f"{name}={value}" for name, value in question.pinned.items()) or "nothing pinned"
    what = (
        f"no plan on {question.accelerators:,} accelerators with {said} divides global_batch={question.global_batch:,} "
        f"and the shape of {question.architecture.name}"
    )
    fix = "pin fewer fields, let accelerators stay idle (fewer=true), or take a global_batch with more divisors"
    return Problem("SEARCH-002", "pinned", what, fix)
