"""Unavailability of one repairable element and of elements together, all small numbers kept exact."""

import math
from collections.abc import Iterable

HOURS_PER_YEAR = 8760.0
"""IEEE 493 states failure rates per year of 8,760 h."""


def unavailability(*, failures_per_year: float, repair_h: float) -> float:
    """1 - MTBF / (MTBF + MTTR), 0..1; failures are counted per year of running. Raises ValueError when one is negative.

    Source: IEEE Std 493-2007 (Gold Book), chapter 3; steady state of an alternating renewal process.
    """
    if failures_per_year < 0 or repair_h < 0:
        raise ValueError(f"unavailability: {failures_per_year:g} failures a year and {repair_h:g} h must not be negative")
    down_h = failures_per_year * repair_h
    return down_h / (HOURS_PER_YEAR + down_h)


def standby_unavailability(*, fail_to_start_ratio: float, failures_per_year: float, repair_h: float) -> float:
    """Chance that a standby unit is not there when asked, 0..1: in repair, or it does not start."""
    return any_of((fail_to_start_ratio, unavailability(failures_per_year=failures_per_year, repair_h=repair_h)))


def any_of(chances: Iterable[float]) -> float:
    """Chance that at least one of independent events holds: a series system of things that fail. 1 - prod(1 - p)."""
    logs = [math.log1p(-chance) if chance < 1 else -math.inf for chance in chances]
    return -math.expm1(math.fsum(logs)) if -math.inf not in logs else 1.0


def any_of_many(chance: float, count: float) -> float:
    """The same for `count` alike events."""
    return -math.expm1(count * math.log1p(-chance)) if chance < 1 else 1.0 if count else 0.0


def at_least(down: int, *, of: int, chance: float) -> float:
    """Chance that `down` or more `of` alike independent units are down: the tail of a binomial.

    Raises ValueError unless 0 <= chance <= 1.
    """
    if not 0 <= chance <= 1:
        raise ValueError(f"at_least: chance={chance:g}, but a chance is from 0 to 1")
    return min(1.0, math.fsum(math.comb(of, j) * chance**j * (1 - chance) ** (of - j) for j in range(max(down, 0), of + 1)))


def k_of_n_unavailability(*, needed: int, count: int, chance: float, beta_ratio: float = 0.0) -> float:
    """Chance that fewer than `needed` of `count` alike units are up; beta_ratio of all failures takes the whole group.

    A group without a spare has no common cause of its own: each failure is one already.
    Source of the beta factor: Fleming, General Atomic GA-A13284, 1974; IEC 61508-6:2010, annex D.
    """
    if needed >= count:
        return at_least(count - needed + 1, of=count, chance=chance)
    independent = at_least(count - needed + 1, of=count, chance=(1 - beta_ratio) * chance)
    return any_of((independent, beta_ratio * chance))


def hours_per_year(chance: float) -> float:
    """Downtime in an average year, h."""
    return chance * HOURS_PER_YEAR
