"""Which way, and how many of it: the fewest accelerators for a rate, or the highest rate of all accelerators."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from datahall.models.inference.spec import InferencePlan
from datahall.planner.serving.bound import Bound, bound_of
from datahall.planner.serving.carry import Carried, carried_of
from datahall.planner.serving.request import ServeRequest
from datahall.planner.serving.split import split_bounds
from datahall.planner.serving.trials import Trials
from datahall.planner.serving.ways import ways_of

MOST_SIMULATED = 6
"""Ways that are simulated: their bounds are in order, and the search ends as soon as no bound left can win."""
HOPE = 1.05
"""Bounds are means of a steady batch: a trial may carry a few in a hundred more."""
LASTING = 0.9
"""Of what short trials let a way carry, what long ones leave it at least, as a rule."""
ALIKE = 0.98
"""What carries within two in a hundred of the best is alike, as trials are no surer: then the simplest way with the smallest
replica is taken, which fails and moves by itself."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many replicas of one size and rate."""

    replicas: int
    accelerators_each: int
    amount_each: float
    """That one carries at most, within the level: requests/s, or requests in flight."""
    enough: bool
    """Whether they carry the rate that was asked."""

    @property
    def accelerators(self) -> int:
        return self.replicas * self.accelerators_each

    @property
    def amount(self) -> float:
        return self.replicas * self.amount_each


@dataclass(frozen=True, slots=True)
class Fleet:
    """Replicas of one way."""

    carried: Carried
    count: Count


@dataclass(frozen=True, slots=True)
class Found:
    """What the sweep found."""

    bounds: tuple[Bound, ...]
    """Of every way that holds a request."""
    fleets: tuple[Fleet, ...]
    """Of the ways that were simulated and meet the level; the best first."""
    evaluated: int


def sweep(trials: Trials, *, like: InferencePlan | None = None, most: int = MOST_SIMULATED) -> Found:
    """Bounds of all ways, then trials of the best until no bound left can win. Raises Refused where no way is possible.

    like: looks only at ways about as wide as this one.
    """
    request, pool = trials.request, trials.pool
    ways = [plan for plan in ways_of(trials.architecture, request, pool) if like is None or _about_as_wide(plan, like)]
    mixed = [bound for plan in ways if (bound := bound_of(trials.architecture, plan, request, pool))]
    split = [] if request.mode == "mixed" or request.concurrency else split_bounds(trials.architecture, request, pool, mixed)
    bounds = split if request.mode == "split" else [*mixed, *split]
    return Found(tuple(bounds), tuple(best_fleets(trials, bounds, most=most)), len(ways) + len(split))


def _about_as_wide(plan: InferencePlan, like: InferencePlan) -> bool:
    """Each size between half and twice; tensor ranks down to a quarter, as half the weights need half the ranks."""
    shared = like.expert // like.tensor if like.expert > like.tensor else 1
    sizes = ((plan.tensor, like.tensor, 4), (plan.pipeline, like.pipeline, 2), (plan.data, shared, 2))
    return all(other <= known * size and size <= 2 * other for size, other, known in sizes)


def best_fleets(trials: Trials, bounds: Iterable[Bound], *, most: int = MOST_SIMULATED) -> list[Fleet]:
    """Fleets of the ways that meet the level, the best first."""
    request, found = trials.request, list[Fleet]()
    able = [(bound, HOPE * bound.best.amount(request)) for bound in bounds if bound.best is not None]
    hoped = [(count_of(bound.plan.accelerators, amount, trials), bound) for bound, amount in able]
    for count, bound in sorted(hoped, key=lambda pair: (rank(pair[0], request), pair[0].accelerators_each))[:most]:
        if found and _hopeless(rank(count, request), min(rank(fleet.count, request) for fleet in found)):
            break
        if carried := carried_of(trials, bound):
            own = count_of(carried.plan.accelerators, carried.amount, trials)
            found.append(Fleet(carried, own))
    return in_order(found, request)


def _hopeless(hoped: tuple[bool, float], best: tuple[bool, float]) -> bool:
    """Whether not even long trials can put it first: where an amount is ranked (below 0), they may take from the best."""
    return hoped > (best[0], best[1] * LASTING if best[1] < 0 else best[1])


def count_of(accelerators_each: int, amount_each: float, trials: Trials) -> Count:
    """As many replicas as what is asked takes, at most as many as there is room for; where nothing is asked, all."""
    request = trials.request
    fit = trials.pool.accelerators // accelerators_each
    asked = asked_of(request)
    wanted = ceil(asked / amount_each - 1e-9) if asked is not None else fit
    replicas = min(fit, request.replicas or wanted)
    return Count(replicas, accelerators_each, amount_each, asked is None or replicas >= wanted)


def asked_of(request: ServeRequest) -> float | None:
    """Requests/s or requests in flight; None: as many as the hall sustains."""
    return request.requests_per_s if request.concurrency is None else float(request.concurrency)


def rank(count: Count, request: ServeRequest) -> tuple[bool, float]:
    """Smaller is better: what is enough, with few accelerators; else as much as there can be."""
    if asked_of(request) is not None and count.enough:
        return False, float(count.accelerators)
    # So many replicas and no load: the widest would carry most, which nobody would build.
    pinned = request.replicas is not None and asked_of(request) is None
    return not count.enough, -count.amount / (count.accelerators if pinned else 1)


def in_order(fleets: Iterable[Fleet], request: ServeRequest) -> list[Fleet]:
    """By what short trials say, the best first; where counts are the same, the simplest: not split, then the smallest
    replica."""
    return sorted(fleets, key=lambda fleet: (rank(fleet.count, request), plain(fleet)))


def plain(fleet: Fleet) -> tuple[bool, int, float]:
    """Smaller is simpler."""
    return fleet.carried.plan.prefill is not None, fleet.count.accelerators_each, -fleet.count.amount
