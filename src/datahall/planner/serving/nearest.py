"""Where no way keeps the level: by how much it is missed, and the nearest level that can be kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datahall.planner.serving.bound import Bound, fast_enough
from datahall.planner.serving.carry import Carried
from datahall.planner.serving.request import ServeRequest
from datahall.planner.serving.trials import Trials, times_of

QUIET = 0.05
"""Of what a way carries at most: a load under which hardly a request waits."""
SLACK = 1.1
"""The nearest level leaves a tenth above the lowest times, or next to no load could be carried within it."""
TRIED = 4
"""Ways that are played quietly, those whose means come nearest."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The way that comes nearest to the level."""

    times: dict[str, float]
    """Lowest reached, under a quiet load, by the names of a request's limits."""
    request: ServeRequest
    """The same with a level that this way keeps."""
    carried: Carried
    """The way under that quiet load."""


def nearest_of(trials: Trials, bounds: Sequence[Bound]) -> Nearest:
    """The way whose worst time, over its limit, is lowest. There must be a bound."""
    request = trials.request
    close = sorted(bounds, key=lambda bound: _missed(_means(bound), request))[:TRIED]
    found = [_quiet(trials, bound) for bound in close]
    carried = min(found, key=lambda one: _missed(times_of(one.latency), request))
    times = dict(times_of(carried.latency))
    limits = {name: max(limit, SLACK * times[name]) for name, limit in request.limits().items() if limit is not None}
    return Nearest(times, request.model_copy(update=limits), carried)


def missed_of(request: ServeRequest, times: dict[str, float]) -> tuple[tuple[str, float, float], ...]:
    """Name, asked and reached, of each time that is missed."""
    asked = ((name, limit) for name, limit in request.limits().items() if limit is not None)
    return tuple((name, limit, times[name]) for name, limit in asked if times[name] > limit)


def rebound(bound: Bound, request: ServeRequest) -> Bound:
    """The same points under another level."""
    good = [point for point in bound.points if fast_enough(point, request)]
    return Bound(bound.plan, bound.points, max(good, key=lambda point: point.requests_per_s, default=None))


def _quiet(trials: Trials, bound: Bound) -> Carried:
    most = max(point.amount(trials.request) for point in bound.points)
    amount = QUIET * most if trials.request.concurrency is None else float(bound.plan.data)
    return Carried(bound.plan, amount, trials.of(bound.plan, amount), meets=False)


def _means(bound: Bound) -> dict[str, float]:
    found = bound.fastest.found
    return {name: found.ttft_s if name.startswith("ttft") else found.tpot_s for name in ServeRequest.LIMITS}


def _missed(times: Mapping[str, float], request: ServeRequest) -> float:
    return max((times[name] / limit for name, limit in request.limits().items() if limit is not None), default=0.0)
