"""Plans of a run, tried one by one."""

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from datahall.models.cost.spec import Architecture
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.memory import Memory, memory_of
from datahall.models.parallel.spec import Precision, TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.step import Step, step_of


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plan with its predicted step and memory."""

    plan: TrainPlan
    step: Step
    memory: Memory


@dataclass(frozen=True)
class Question:
    architecture: Architecture
    cluster: Cluster
    accelerators: int
    sequence: int
    global_batch: int
    precision: Precision = "bf16"
    stack: Stack = field(default_factory=Stack)
    pinned: Mapping[str, Any] = field(default_factory=dict)
    memory_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    best: tuple[Candidate, ...]
    evaluated: int
    possible: int
    fitting: int
    seconds: float
    nearest_fit: Any = None


def search(question: Question, *, top: int = 10) -> Found:
    start, found, possible, tried = time.perf_counter(), list[Candidate](), 0, 0
    room = question.memory_bytes or question.cluster.device.memory_bytes
    for plan in _plans(question):
        tried += 1
        if problems_of_plan(question.architecture, plan, accelerators=question.accelerators):
            continue
        possible += 1
        memory = memory_of(question.architecture, plan)
        if memory.fits(room):
            found.append(Candidate(plan, step_of(question.architecture, plan, question.cluster, question.stack), memory))
    found.sort(key=lambda candidate: candidate.step.seconds)
    return Found(tuple(found[:top]), tried, possible, len(found), time.perf_counter() - start)


def _plans(q: Question) -> Iterator[TrainPlan]:
    powers = [1 << i for i in range(8)]
    for t, p, mb, re in itertools.product([1, 2, 4, 8], powers, [1, 2], ["none", "full"]):
        if q.accelerators % (t * p):
            continue
        base = {
            "global_batch": q.global_batch, "sequence": q.sequence, "tensor": t, "pipeline": p, "micro_batch": mb,
            "data": q.accelerators // (t * p), "recompute": re, "precision": q.precision, "zero": 1,
        } | dict(q.pinned)  # fmt: skip
        yield TrainPlan(**base)
