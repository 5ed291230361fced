"""How likely each cut set is: failures, planned work, and both at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from datahall.infrastructure.reliability.closed_forms import (
    HOURS_PER_YEAR,
    any_of,
    at_least,
    standby_unavailability,
    unavailability,
)
from datahall.infrastructure.reliability.common_cause import SharedCause
from datahall.infrastructure.reliability.cut_sets import CutSet
from datahall.infrastructure.reliability.supply import Supply, Unit

NEVER_OUR_WORK = frozenset({"utility"})
"""Kinds on which the hall's own people do no work."""


def failing(unit: Unit) -> float | None:
    """Chance that it is down by itself, 0..1; None where its failures are unknown."""
    if unit.failures_per_year is None or unit.repair_h is None:
        return None
    if unit.fail_to_start_ratio is None:
        return unavailability(failures_per_year=unit.failures_per_year, repair_h=unit.repair_h)
    return standby_unavailability(
        fail_to_start_ratio=unit.fail_to_start_ratio, failures_per_year=unit.failures_per_year, repair_h=unit.repair_h
    )


@dataclass(frozen=True)
class Chances:
    """Of the units of one supply. `shared`: units that belong to a group with a common cause, with its beta."""

    supply: Supply
    maintenance_h_per_year: float
    beta_ratio: float = 0.0
    shared: Callable[[int], bool] = lambda _: False

    def down(self, unit: int) -> float:
        """By a failure of its own; 0 where unknown, which the report lists."""
        chance = failing(self.supply.units[unit]) or 0.0
        return (1 - self.beta_ratio) * chance if self.shared(unit) else chance

    def in_work(self, unit: int) -> float:
        """Share of the year in which it is out for planned work."""
        return 0.0 if self.supply.units[unit].kind in NEVER_OUR_WORK else self.maintenance_h_per_year / HOURS_PER_YEAR

    def by_failure(self, cut: CutSet) -> float:
        """All of the set down by failures of their own."""
        chance = 1.0
        for unit in cut.units:
            chance *= self.down(unit)
        return chance * self._tail(cut, cut.down)

    def in_maintenance(self, cut: CutSet) -> float:
        """One unit of the set out for work, the others down by failures. Two are never worked on at once."""
        if not cut.lasting:
            return 0.0  # generators run before work begins
        out = []
        for unit in cut.units:
            others = all_of(self.down(other) for other in cut.units if other != unit)
            out.append(self.in_work(unit) * others * self._tail(cut, cut.down))
        if cut.group:
            beside = all_of(self.down(unit) for unit in cut.units)
            left = at_least(cut.down - 1, of=len(cut.group) - 1, chance=self.down(cut.group[0]))
            out.append(any_of(self.in_work(unit) for unit in cut.group) * left * beside)
        return any_of(out)

    def by_common_cause(self, cause: SharedCause) -> float:
        """The whole group by one cause; what stands beside it by its own failure, or by its own group's common cause."""
        chance = self.beta_ratio * (failing(self.supply.units[cause.units[0]]) or 0.0)
        if not cause.beside:
            return chance
        beside = failing(self.supply.units[cause.beside[0]]) or 0.0
        return chance * (beside if len(cause.beside) == 1 else self.beta_ratio * beside)

    def _tail(self, cut: CutSet, down: int) -> float:
        return at_least(down, of=len(cut.group), chance=self.down(cut.group[0])) if cut.group else 1.0


def all_of(chances: Iterable[float]) -> float:
    """Chance that all of independent events hold."""
    product = 1.0
    for chance in chances:
        product *= chance
    return product
