"""What a hall costs to build and to run, and what drives it."""

from datahall.infrastructure.cost.annuity import annuity, sinking_fund
from datahall.infrastructure.cost.bill import Bill, HourlyPrice, Purchase, bill_of
from datahall.infrastructure.cost.months import month_peaks, month_starts, month_sums
from datahall.infrastructure.cost.report import CostReport, Gap, Input, Line
from datahall.infrastructure.cost.running import energy_cost
from datahall.infrastructure.cost.tornado import Swing, Tornado, tornado_of
from datahall.infrastructure.cost.total import cost_of

__all__ = [
    "Bill",
    "CostReport",
    "Gap",
    "HourlyPrice",
    "Input",
    "Line",
    "Purchase",
    "Swing",
    "Tornado",
    "annuity",
    "bill_of",
    "cost_of",
    "energy_cost",
    "month_peaks",
    "month_starts",
    "month_sums",
    "sinking_fund",
    "tornado_of",
]
