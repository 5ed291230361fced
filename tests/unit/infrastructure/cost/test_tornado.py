import time

import numpy as np
import pytest

from datahall.foundation.money import Amount
from datahall.infrastructure.cost import Bill, HourlyPrice, Purchase, cost_of, tornado_of
from datahall.infrastructure.cost.drivers import DRIVERS, Case
from datahall.infrastructure.spec import Economy, Operation

BILL = Bill(
    accelerators=4096,
    critical_w=5.7e6,
    facility_w=np.linspace(4e6, 6e6, 8760),
    servers=(Purchase("a", 500, Amount(310_000.0), "x"), Purchase("b", 12, Amount(250_000.0, "EUR"), "x")),
    network=(Purchase("switch", 400, Amount(36_000.0), "x"),),
    storage=(Purchase("disk", 900, Amount(450.0), "x"),),
    energy_per_kwh=HourlyPrice(np.linspace(-0.02, 0.2, 8760), "EUR"),
    demand_per_kw_month=Amount(9.0),
    water_m3=50_000.0,
    water_per_m3=Amount(2.0, "EUR"),
)
ECONOMY = Economy.model_validate(
    {"build_per_critical_w": 11.7, "land": "2000000 USD", "rates": {"EUR": 1.1}, "staff_count": 20,
     "staff_cost_per_year": 90_000, "it_support_ratio": 0.02, "residual_ratio": 0.1}
)  # fmt: skip
OPERATION = Operation()
BASE = Case(BILL, ECONOMY, OPERATION)


def test_the_strongest_driver_stands_first():
    """Given a hall of accelerators, what is sold and what servers cost move an hour's price most, water least."""
    tornado = tornado_of(BILL, ECONOMY, OPERATION)
    swings = [swing.swing for swing in tornado.swings]
    assert swings == sorted(swings, reverse=True)
    names = [swing.driver for swing in tornado.swings]
    assert names[0] == "sold_ratio" and names.index("server_prices") < names.index("energy_price") < names.index("water_price")
    assert tornado.unit == "USD/useful accelerator-hour"
    assert tornado.cost == cost_of(BILL, ECONOMY, OPERATION).per_useful_hour


@pytest.mark.parametrize("name", [name for name in DRIVERS if name != "colocation_per_kw_month"])
def test_a_driver_put_where_it_is_changes_nothing(name: str):
    """Given a driver set to its own value, the whole bill stays as it is: what is read is what is moved."""
    driver = DRIVERS[name]
    value = driver.value(BASE)
    assert value
    same = driver.at(BASE, value)
    report = cost_of(same.bill, same.economy, same.operation)
    assert report.per_useful_hour == pytest.approx(cost_of(BILL, ECONOMY, OPERATION).per_useful_hour, rel=1e-12)
    assert driver.value(driver.at(BASE, value * 0.9)) == pytest.approx(value * 0.9)


def test_rent_moves_where_it_is_paid():
    """Given a rented hall, the rent is a driver and the building is none."""
    rented = Economy(colocation_per_kw_month=Amount(150.0))
    names = {swing.driver for swing in tornado_of(BILL, rented, OPERATION).swings}
    assert "colocation_per_kw_month" in names and not names & {"build_per_critical_w", "building_life", "land"}


def test_a_share_does_not_exceed_one():
    """Given 95 % goodput, +20 % stops at 100 %."""
    [goodput] = [s for s in tornado_of(BILL, ECONOMY, OPERATION).swings if s.driver == "goodput_ratio"]
    assert (goodput.low, goodput.high) == (pytest.approx(0.76), 1.0)
    assert goodput.cost_at_low > goodput.cost_at_high


def test_a_range_of_one_s_own_takes_the_place_of_the_span():
    """Given power at 0.05 to 0.30 a kWh, the energy line alone moves by that, all else stays."""
    tornado = tornado_of(BILL, ECONOMY, OPERATION, ranges={"energy_price": (0.05, 0.30)})
    [energy] = [s for s in tornado.swings if s.driver == "energy_price"]
    kwh = float(BILL.facility_w.sum()) / 1e3
    useful = cost_of(BILL, ECONOMY, OPERATION).useful_hours
    assert energy.swing == pytest.approx(0.25 * kwh / useful)


def test_an_unknown_driver_is_refused():
    """Given a range of a driver that does not exist, the error lists those that do."""
    with pytest.raises(ValueError, match="no driver is called power_price; there are server_prices"):
        tornado_of(BILL, ECONOMY, OPERATION, ranges={"power_price": (0, 1)})


def test_a_hall_without_accelerators_is_judged_by_the_year():
    """Given no accelerators, the tornado is of the yearly cost, and what is sold moves nothing."""
    tornado = tornado_of(Bill(0, 1e6, np.full(8760, 1e6), energy_per_kwh=Amount(0.1)), ECONOMY, OPERATION)
    assert tornado.unit == "USD/a" and "sold_ratio" not in {swing.driver for swing in tornado.swings}


def test_a_tornado_is_cheap():
    """Given 8,760 hours and 20 drivers, 40 whole bills take well under a second."""
    start = time.process_time()
    tornado_of(BILL, ECONOMY, OPERATION)
    assert time.process_time() - start < 0.5
