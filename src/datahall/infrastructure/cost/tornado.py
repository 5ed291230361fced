"""What drives the cost: each driver moved by itself, the whole bill made anew."""

from collections.abc import Mapping
from dataclasses import dataclass

from datahall.infrastructure.cost.bill import Bill
from datahall.infrastructure.cost.drivers import DRIVERS, Case
from datahall.infrastructure.cost.report import CostReport
from datahall.infrastructure.cost.total import cost_of
from datahall.infrastructure.spec import Economy, Operation

SPAN_RATIO = 0.2
"""How far a driver is moved, both ways, when no range is given."""


@dataclass(frozen=True, slots=True)
class Swing:
    """One driver at both ends of its range."""

    driver: str
    unit: str
    base: float
    low: float
    high: float
    cost_at_low: float
    cost_at_high: float

    @property
    def swing(self) -> float:
        return abs(self.cost_at_high - self.cost_at_low)


@dataclass(frozen=True, slots=True)
class Tornado:
    """All drivers, the strongest first."""

    cost: float
    """With every driver where the hall has it."""
    unit: str
    swings: tuple[Swing, ...]


def tornado_of(
    bill: Bill,
    economy: Economy,
    operation: Operation,
    *,
    span_ratio: float = SPAN_RATIO,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Tornado:
    """Cost per useful accelerator-hour, or per year in a hall without accelerators, with one driver moved at a time.

    span_ratio: each driver goes from (1 - span) to (1 + span) of its value, as far as it makes sense: no share exceeds 1.
    ranges: driver -> (low, high), in the driver's unit, in place of the span.
    Drivers that the hall does not have, such as land, are left out. Raises ValueError for a range of an unknown driver.
    """
    given = dict(ranges or {})
    if unknown := sorted(given.keys() - DRIVERS.keys()):
        raise ValueError(f"tornado_of: no driver is called {', '.join(unknown)}; there are {', '.join(DRIVERS)}")
    base = Case(bill, economy, operation)
    cost, unit = _metric(cost_of(bill, economy, operation))
    swings = list[Swing]()
    for name, driver in DRIVERS.items():
        value = driver.value(base)
        if not value:
            continue
        low, high = given.get(name) or sorted((value * (1 - span_ratio), value * (1 + span_ratio)))
        low, high = driver.within(low), driver.within(high)
        ends = [_metric(_cost(driver.at(base, end)))[0] for end in (low, high)]
        if ends[0] != ends[1]:
            swings.append(Swing(name, driver.unit.replace("$", economy.currency), value, low, high, *ends))
    return Tornado(cost, unit, tuple(sorted(swings, key=lambda swing: -swing.swing)))


def _cost(case: Case) -> CostReport:
    return cost_of(case.bill, case.economy, case.operation)


def _metric(report: CostReport) -> tuple[float, str]:
    if report.per_useful_hour is None:
        return report.per_year, f"{report.currency}/a"
    return report.per_useful_hour, f"{report.currency}/useful accelerator-hour"
