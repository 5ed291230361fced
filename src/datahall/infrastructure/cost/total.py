"""The whole bill of a hall's year, per accelerator-hour."""

from datahall.infrastructure.cost.bill import Bill
from datahall.infrastructure.cost.capital import add_capital
from datahall.infrastructure.cost.ledger import Ledger
from datahall.infrastructure.cost.report import CostReport
from datahall.infrastructure.cost.running import add_running
from datahall.infrastructure.spec import Economy, Operation


def cost_of(bill: Bill, economy: Economy, operation: Operation) -> CostReport:
    """Total cost of ownership of one year, every line in the hall's currency.

    A line without a price is not invented: it stands in `missing`, and the sums are lower bounds.
    Cost per useful hour = sum of lines / (accelerators x hours x sold_ratio x goodput_ratio).
    Raises ValueError unless bill.facility_w has 8,760 or 8,784 hours and the tariff charges for peaks.
    Source: Hamilton, Cost of Power in Large-Scale Data Centers, 2008 (capital as annuities beside running costs).
    """
    ledger = Ledger(economy)
    add_capital(ledger, bill)
    add_running(ledger, bill)
    return CostReport(
        currency=economy.currency,
        lines=tuple(ledger.lines),
        missing=tuple(ledger.gaps),
        accelerators=bill.accelerators,
        hours=int(bill.facility_w.size),
        sold_ratio=operation.sold_ratio,
        goodput_ratio=operation.goodput_ratio,
    )
