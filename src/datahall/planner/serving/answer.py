"""The fleets that answer a request: those that keep its level, or those of the nearest level that can be kept."""

from dataclasses import dataclass, replace
from math import ceil

from datahall.planner.serving.choose import Fleet, Found, asked_of, best_fleets, count_of
from datahall.planner.serving.nearest import missed_of, nearest_of, rebound
from datahall.planner.serving.result import Shortfall, WhatIf
from datahall.planner.serving.settle import Settled
from datahall.planner.serving.trials import Trials

NOTHING = (
    "none of the changes that were tried is enough: ask for a longer time, serve a smaller model, or let a draft "
    "propose tokens (speculative)"
)
Missed = tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Answer:
    """The best first."""

    trials: Trials
    """Under the level that the fleets keep."""
    fleets: tuple[Fleet, ...]
    missed: Missed
    """Of what was asked: name, asked, reached."""


def answer_of(trials: Trials, found: Found) -> Answer:
    """Where no way keeps the level, the same search with the nearest one."""
    if found.fleets:
        return Answer(trials, found.fleets, ())
    nearest = nearest_of(trials, found.bounds)
    relaxed = replace(trials, request=nearest.request)
    fleets = best_fleets(relaxed, [rebound(bound, nearest.request) for bound in found.bounds])
    if not fleets:
        quiet = nearest.carried
        fleets = [Fleet(quiet, count_of(quiet.plan.accelerators, quiet.amount, relaxed))]
    return Answer(relaxed, tuple(fleets), missed_of(trials.request, nearest.times))


def shortfall_of(asked: Trials, answer: Answer, settled: Settled, what_ifs: tuple[WhatIf, ...]) -> Shortfall | None:
    """None where all that was asked is kept."""
    missed, wanted = answer.missed, asked_of(asked.request)
    if wanted is not None and not settled.fleet.count.enough:
        name = "requests_per_s" if asked.request.concurrency is None else "concurrency"
        missed += ((name, wanted, settled.amount * settled.fleet.count.replicas),)
    if not settled.keeps and not missed:
        missed = missed_of(asked.request, settled.times())
    if not missed and settled.meets:
        return None
    limits = {name: limit for name, limit in answer.trials.request.limits().items() if limit is not None}
    reached = {name: value for name, _, value in missed if name not in limits}
    return Shortfall(missed, tuple((limits | reached).items()), tuple(_remedies(asked, settled, what_ifs)))


def _remedies(asked: Trials, settled: Settled, what_ifs: tuple[WhatIf, ...]) -> list[str]:
    """Changes under which all that was asked is kept, and how many more accelerators would be enough."""
    count, wanted = settled.fleet.count, asked_of(asked.request)
    kept = [what for what in what_ifs if wanted is None or what.accelerators is not None]
    found = [what.sentence for what in kept if not what.what.startswith("twice")]
    if wanted is not None and not count.enough:
        replicas = ceil(wanted / settled.amount - 1e-9)
        needed = replicas * count.accelerators_each
        beyond = needed - asked.pool.accelerators
        more = f"{beyond:,} more than there are" if beyond > 0 else f"{replicas:,} replicas in place of {count.replicas:,}"
        found.append(f"{needed:,} accelerators, {more}")
    return found or [NOTHING]
