"""The highest rate of requests that one way carries within the level: found by halving, each rate simulated."""

from dataclasses import dataclass
from math import ceil

from datahall.models.inference.result import Latency
from datahall.models.inference.spec import InferencePlan
from datahall.planner.serving.bound import Bound
from datahall.planner.serving.trials import Trials

HALVINGS = 5
FIRST = 0.85
"""Of the bound, the rate that is tried first; five halvings from there settle the rate to 3 %."""
UNBOUND = 0.9
"""Of what a way carries at most, where no level is asked: at all of it, waiting has no end."""
CHUNKS = (512, 1024, 2048, 4096, 8192)
"""Tokens of a step that are tried beside the engine's own."""
WORTH = 1.03
"""A variant is taken where it carries three in a hundred more: less is within the noise of a trial."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A way at the rate that it carries."""

    plan: InferencePlan
    amount: float
    """Requests/s of all its data ranks together; in a closed loop requests in flight."""
    latency: Latency
    meets: bool = True


def carried_of(trials: Trials, bound: Bound) -> Carried | None:
    """The best of a way's variants; None where the level is missed at any rate."""
    if bound.best is None:
        return None
    most = bound.best.amount(trials.request)
    if not trials.request.has_level:
        amount = most if trials.request.concurrency else UNBOUND * most
        return Carried(bound.plan, amount, trials.of(bound.plan, amount))
    found = highest(trials, bound.plan, most)
    for plan in variants(trials, bound):
        amount = WORTH * found.amount if found else 0.5 * most
        if amount < most and trials.meets(trials.of(plan, amount)):
            found = highest(trials, plan, most, known=amount) or found
    return found


def highest(trials: Trials, plan: InferencePlan, most: float, *, known: float = 0.0) -> Carried | None:
    """The highest amount below `most` that meets the level. known: one that does."""
    low, high = known, most
    best = Carried(plan, known, trials.of(plan, known)) if known else None
    amount = low + FIRST * (high - low)
    for _ in range(HALVINGS):
        latency = trials.of(plan, amount)
        if trials.meets(latency):
            low, best = amount, Carried(plan, amount, latency)
        else:
            high = amount
        if high - low < 0.02 * most:
            break
        amount = (low + high) / 2
    return best


def variants(trials: Trials, bound: Bound) -> list[InferencePlan]:
    """The same ranks with smaller or larger steps, and with no more sequences at once than the level leaves time for."""
    request, plan, found = trials.request, bound.plan, list[InferencePlan]()
    if request.chunk_tokens is None and plan.prefill is None:
        own = trials.pool.engine.step_tokens
        found += [plan.model_copy(update={"step_tokens": size}) for size in CHUNKS if size != own]
    if request.batch_limit is None and bound.best is not None:
        limit = max(1, ceil(bound.best.concurrency / plan.data))
        found.append(plan.model_copy(update={"max_batch": limit}))
    return found
