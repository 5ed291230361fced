"""J. Hamilton, Cost of Power in Large-Scale Data Centers, 2008, and its spreadsheet:
http://perspectives.mvdirona.com/2008/11/28/CostOfPowerInLargeScaleDataCenters.aspx

A facility of 200 M USD for 15 MW over 15 years, 50,000 servers of 2,000 USD over 3 years, money at 5 %, PUE 1.7, 80 % of the
critical load, power at 0.07 USD/kWh. Its chart shows, a month: servers 2,997,090, power and cooling infrastructure 1,296,902
(82 % of the facility), other infrastructure 284,686, power 1,042,440 USD. The page says the method; the chart's four figures
were typed from memory of it, and all four follow from the inputs to the dollar.
"""

import numpy as np
import pytest

from datahall.foundation.money import Amount
from datahall.infrastructure.cost import Bill, Purchase, annuity, cost_of
from datahall.infrastructure.spec import Economy, Operation

MONTHLY = 0.05 / 12


@pytest.mark.parametrize(
    ("capital", "months", "dollars"),
    [
        (50_000 * 2_000, 36, 2_997_090),
        (0.82 * 200e6, 180, 1_296_902),
        (0.18 * 200e6, 180, 284_686),
    ],
)
def test_monthly_payments_match_to_the_dollar(capital: float, months: int, dollars: int) -> None:
    """Given the spreadsheet's capital and months, the payment is the printed one."""
    assert capital * annuity(MONTHLY, months) == pytest.approx(dollars, abs=1)


def bill() -> Bill:
    return Bill(
        accelerators=0,
        critical_w=15e6,
        facility_w=np.full(8760, 15e6 * 0.8 * 1.7),
        servers=(Purchase("server", 50_000, Amount(2_000.0), "x"),),
        energy_per_kwh=Amount(0.07),
    )


ECONOMY = Economy(
    discount_rate_ratio=0.05, server_life_years=3, building_life_years=15, build_per_critical_w=Amount(200 / 15),
    maintenance_ratio=0, insurance_and_tax_ratio=0,
)  # fmt: skip


def test_the_bill_of_a_year_is_twelve_of_its_months() -> None:
    """Given the same hall, power agrees exactly, and capital within 3 %: we pay once a year, the spreadsheet each month."""
    report = cost_of(bill(), ECONOMY, Operation())
    assert report.line("energy").per_year == pytest.approx(12 * 1_042_440, abs=1)
    assert report.line("servers").per_year == pytest.approx(12 * 2_997_090, rel=0.03)
    assert report.line("building").per_year == pytest.approx(12 * (1_296_902 + 284_686), rel=0.03)


def test_servers_come_first_and_power_is_not_the_number_one_cost() -> None:
    """Given the whole bill, the shares are the chart's 53, 28 and 19 % to a point: the page's own conclusion."""
    report = cost_of(bill(), ECONOMY, Operation())
    shares = {line.name: line.per_year / report.per_year for line in report.lines}
    assert shares == pytest.approx({"servers": 0.533, "building": 0.281, "energy": 0.186}, abs=0.01)
