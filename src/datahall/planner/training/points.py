"""The trade between time, money, energy and risk: the same run on parts of the hall, and by other plans."""

from collections.abc import Iterable

from datahall.planner.training.cluster import as_measured, chosen_of
from datahall.planner.training.outcome import Outcome
from datahall.planner.training.result import Point
from datahall.planner.training.trial import Trial, choices

PARTS = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4)
"""Of the accelerators."""
OTHERS = 3
"""Plans beside the best that are shown on all accelerators."""


def points_of(trial: Trial, best: Outcome, others: Iterable[Outcome]) -> tuple[Point, ...]:
    """The best plan on parts of the accelerators, then the chosen run and its runners-up."""
    found = [*_parts(trial, best), best, *list(others)[:OTHERS]]
    axes = [_axes(outcome) for outcome in found]
    front = [not any(_beats(other, mine) for other in axes) for mine in axes]
    return tuple(
        _point(outcome, trial.memory_bytes, is_best=first, chosen=outcome is best)
        for outcome, first in zip(found, front, strict=True)
    )


def _parts(trial: Trial, best: Outcome) -> list[Outcome]:
    """Each number of accelerators once, from few to many; where nothing fits there is no point."""
    kind, domain = trial.setting.home.kind, trial.cluster.per_domain
    whole = trial.accelerators
    counts = sorted({_whole_domains(int(whole * part), domain) for part in PARTS} - {0, whole})
    alike = trial.around(best.candidate.plan)
    found: dict[int, Outcome] = {}
    for count in counts:
        cluster = chosen_of(trial.setting.home.loaded, kind, count, packed=trial.cluster.packed).cluster
        outcome = alike.outcome(cluster=as_measured(cluster, trial.correction), accelerators=count)
        if outcome is not None and outcome.accelerators != best.accelerators:
            found.setdefault(outcome.accelerators, outcome)
    return list(found.values())


def _whole_domains(count: int, domain: int) -> int:
    """As many as fill domains; a part of one where it takes less."""
    return count // domain * domain if count >= domain else count


def _axes(outcome: Outcome) -> tuple[float, ...]:
    return outcome.days, outcome.energy_kwh or 0.0, outcome.cost or 0.0, outcome.risk or 0.0


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def _point(outcome: Outcome, memory_bytes: float, *, is_best: bool, chosen: bool) -> Point:
    return Point(
        accelerators=outcome.accelerators,
        plan=choices(outcome),
        step_s=float(outcome.candidate.step.seconds),
        days=outcome.days,
        energy_kwh=outcome.energy_kwh,
        cost=outcome.cost,
        interrupted_ratio=outcome.risk,
        memory_ratio=float(outcome.candidate.memory.needed / memory_bytes),
        is_best=is_best,
        chosen=chosen,
    )
