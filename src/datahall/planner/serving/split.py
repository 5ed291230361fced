"""Ways that read prompts on accelerators of their own: how many beside how many that decode."""

from collections.abc import Iterator, Sequence
from math import gcd

from datahall.foundation.errors import Refused
from datahall.models.cost.spec import Architecture
from datahall.models.inference.spec import InferencePlan, PrefillPool
from datahall.models.inference.throughput import throughput_of
from datahall.planner.serving.bound import Bound, bound_of, load_of
from datahall.planner.serving.pool import Pool
from datahall.planner.serving.request import ServeRequest

PARTS = 4
"""Replicas of each side that one unit has at most: ratios from 1:4 to 4:1."""
TRIED = 2
"""Ways whose ranks are taken, the best as mixed ones."""
AMPLE = 64
"""Replicas of the other side, so that it does not set the pace while one side is looked at."""


def split_bounds(architecture: Architecture, request: ServeRequest, pool: Pool, mixed: Sequence[Bound]) -> list[Bound]:
    """Bounds of splits of the best mixed ways, both sides with the same ranks; of each way in the ratio that carries most."""
    able = [bound for bound in mixed if bound.best is not None] or list(mixed)
    able.sort(key=lambda bound: -max(point.per_accelerator for point in bound.points))
    if not pool.joined:
        return []
    found = (_best_ratio(architecture, request, pool, bound.plan) for bound in able[:TRIED])
    return [bound for bound in found if bound is not None]


def _best_ratio(architecture: Architecture, request: ServeRequest, pool: Pool, plan: InferencePlan) -> Bound | None:
    """Each side alone first: a unit carries what its slower side does."""
    room = [ratio for ratio in _ratios() if sum(ratio) * plan.accelerators <= pool.accelerators]
    writing = bound_of(architecture, split_of(plan, AMPLE, 1), request, pool)
    reading_per_s = _reading_per_s(architecture, request, pool, plan)
    if not room or writing is None or reading_per_s is None:
        return None
    best = writing.best or writing.fastest
    ratio = max(room, key=lambda r: (min(r[0] * reading_per_s, r[1] * best.requests_per_s) / sum(r), -sum(r)))
    return bound_of(architecture, split_of(plan, *ratio), request, pool)


def split_of(plan: InferencePlan, reading: int, writing: int) -> InferencePlan:
    """So many units of the plan's ranks read prompts beside so many that decode."""
    replicas = reading * plan.data
    prefill = PrefillPool(tensor=plan.tensor, pipeline=plan.pipeline, expert=plan.expert, replicas=replicas)
    return plan.model_copy(update={"data": plan.data * writing, "prefill": prefill})


def _reading_per_s(architecture: Architecture, request: ServeRequest, pool: Pool, plan: InferencePlan) -> float | None:
    """Prompts that one unit of the plan's ranks reads, however few decode; None where it has no room."""
    ample = split_of(plan, 1, AMPLE)
    try:
        return throughput_of(architecture, ample, pool.cluster, load_of(request), pool.engine).requests_per_s
    except Refused:
        return None


def _ratios() -> Iterator[tuple[int, int]]:
    """Reading and writing, in small numbers without a common divisor."""
    for reading in range(1, PARTS + 1):
        for writing in range(1, PARTS + 1):
            if gcd(reading, writing) == 1:
                yield reading, writing
