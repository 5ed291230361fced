"""What a way carries at best: batches of steady size, no waiting. Simulation only takes away from it."""

from collections.abc import Iterator
from dataclasses import dataclass

from datahall.foundation.errors import Refused
from datahall.models.cost.spec import Architecture
from datahall.models.inference.result import Throughput
from datahall.models.inference.spec import InferencePlan, Load
from datahall.models.inference.throughput import throughput_of
from datahall.planner.serving.pool import Pool
from datahall.planner.serving.request import ServeRequest

NO_ROOM = "INFER-007"
REFINED = 3
"""Halvings between the last batch that is fast enough and the first that is not: within an eighth of a doubling."""


@dataclass(frozen=True, slots=True)
class Steady:
    """A way with so many sequences always in flight."""

    plan: InferencePlan
    concurrency: int
    found: Throughput

    @property
    def requests_per_s(self) -> float:
        return self.found.requests_per_s

    def amount(self, request: ServeRequest) -> float:
        """In the words of the request: requests/s, or in a closed loop requests in flight."""
        return self.requests_per_s if request.concurrency is None else float(self.concurrency)

    @property
    def per_accelerator(self) -> float:
        """Requests/s of one accelerator."""
        return self.found.requests_per_s / self.plan.accelerators

    @property
    def tokens_per_s_per_accelerator(self) -> float:
        return self.found.output_tokens_per_s_per_accelerator


@dataclass(frozen=True, slots=True)
class Bound:
    """All steady points of one way, and the best of them that is fast enough."""

    plan: InferencePlan
    points: tuple[Steady, ...]
    best: Steady | None
    """None where even one request alone is too slow."""

    @property
    def fastest(self) -> Steady:
        return self.points[0]


def load_of(request: ServeRequest, *, concurrency: int | None = None, amount: float | None = None) -> Load:
    """What the model floor is asked, of one way. amount: requests/s; in a closed loop requests in flight."""
    closed = request.concurrency is not None
    return Load(
        input_tokens=request.input_tokens,
        output_tokens=request.output_tokens,
        concurrency=round(amount) if amount is not None and closed else concurrency,
        requests_per_s=None if closed else amount,
        prefix_hit_ratio=request.prefix_hit_ratio,
        length_cv=request.length_cv_ratio,
    )


def bound_of(architecture: Architecture, plan: InferencePlan, request: ServeRequest, pool: Pool) -> Bound | None:
    """None where the way does not hold one request. Raises Refused or Missing where something else keeps it from being run."""

    def steady(concurrency: int | None) -> Steady:
        found = throughput_of(architecture, plan, pool.cluster, load_of(request, concurrency=concurrency), pool.engine)
        return Steady(plan, concurrency or max(1, round(found.batch * plan.data)), found)

    try:
        full = steady(None)
    except Refused as refused:
        if any(problem.code != NO_ROOM for problem in refused.problems):
            raise
        return None
    points = [steady(size * plan.data) for size in _ladder(full.concurrency // plan.data)]
    points.append(full)
    points.sort(key=lambda point: point.concurrency)
    for _ in range(REFINED):
        low = max((p.concurrency for p in points if fast_enough(p, request)), default=None)
        high = min((p.concurrency for p in points if not fast_enough(p, request)), default=None)
        if low is None or high is None or high - low < 2:
            break
        points.append(steady((low + high) // 2))
    points.sort(key=lambda point: point.concurrency)
    good = [point for point in points if fast_enough(point, request)]
    return Bound(plan, tuple(points), max(good, key=lambda point: point.requests_per_s, default=None))


def fast_enough(point: Steady, request: ServeRequest) -> bool:
    """Whether means are within the level: what 95 of 100 may take is no less than the mean."""
    tpot = [limit for limit in (request.tpot_p95_s, request.tpot_p99_s) if limit is not None]
    ttft = [limit for limit in (request.ttft_p95_s, request.ttft_p99_s) if limit is not None]
    return all(point.found.tpot_s <= limit for limit in tpot) and all(point.found.ttft_s <= limit for limit in ttft)


def front_of(points: list[Steady]) -> list[Steady]:
    """Those that no other beats in both time per token and tokens per accelerator; the shortest time first."""
    best, found = 0.0, []
    for point in sorted(points, key=lambda p: (p.found.tpot_s, -p.tokens_per_s_per_accelerator)):
        if point.tokens_per_s_per_accelerator > best:
            found.append(point)
            best = point.tokens_per_s_per_accelerator
    return found


def _ladder(most: int) -> Iterator[int]:
    size = 1
    while size < most:
        yield size
        size *= 2
