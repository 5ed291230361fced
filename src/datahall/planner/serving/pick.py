"""Which of the fleets that answer a request is taken: all are told under the same long trials, the best that keeps the level
first."""

from collections.abc import Sequence
from dataclasses import dataclass

from datahall.planner.serving.choose import ALIKE, Fleet, asked_of, plain, rank
from datahall.planner.serving.request import ServeRequest
from datahall.planner.serving.settle import Settled, served_of, settled_of
from datahall.planner.serving.trials import Trials
from datahall.planner.serving.way import way_of


@dataclass(frozen=True, slots=True)
class Picked:
    """The choice."""

    chosen: Settled
    others: tuple[Settled, ...]
    """Those that keep what the chosen one keeps, the best first."""
    why: tuple[str, ...]
    """Said where another carries a little more: empty where the choice is the best."""


def picked(trials: Trials, fleets: Sequence[Fleet]) -> Picked:
    """Of one fleet or more."""
    settled = [settled_of(trials, fleet) for fleet in fleets]
    able = [one for one in settled if one.meets] or settled
    best = min(able, key=lambda one: _order(trials, one))
    chosen = min((one for one in able if _alike(trials, one, best)), key=lambda one: (plain(one.fleet)[:2], -gain(trials, one)))
    others = sorted((one for one in able if one is not chosen), key=lambda one: _order(trials, one))
    return Picked(chosen, tuple(others), tuple(_why(trials, chosen, best)))


def gain(trials: Trials, settled: Settled) -> float:
    """What more of is better: output tokens/s of all; of one accelerator where the count of replicas is pinned or the load is
    shared by as few as carry it."""
    served = served_of(trials, settled)
    pinned = trials.request.replicas is not None and asked_of(trials.request) is None
    shared = asked_of(trials.request) is not None and settled.meets
    return served.tokens_per_s_per_accelerator if pinned or shared else served.hall_tokens_per_s


def _order(trials: Trials, settled: Settled) -> tuple[bool, float, float]:
    """Smaller is better: what is kept, by few accelerators where a load is asked, by many tokens."""
    few = _few(trials.request, settled)
    return not settled.meets, few, -gain(trials, settled)


def _few(request: ServeRequest, settled: Settled) -> float:
    return rank(settled.fleet.count, request)[1] if asked_of(request) is not None and settled.meets else 0.0


def _alike(trials: Trials, one: Settled, best: Settled) -> bool:
    """As many accelerators where they are what is saved, and as many tokens within the noise of trials."""
    return _few(trials.request, one) == _few(trials.request, best) and gain(trials, one) >= ALIKE * gain(trials, best)


def _why(trials: Trials, chosen: Settled, best: Settled) -> list[str]:
    if chosen is best or gain(trials, chosen) >= gain(trials, best):
        return []
    more = gain(trials, best) / gain(trials, chosen) - 1
    way = way_of(best.fleet.carried.plan, trials.pool.engine).words()
    return [f"the simpler way is taken: {way} carries {more:.1%} more, within the 2% that trials tell apart"]
