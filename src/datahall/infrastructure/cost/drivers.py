"""What a cost depends on, one name each: how it is read from a hall's case, and how it is moved."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from datahall.foundation.money import Amount, in_currency
from datahall.infrastructure.cost.bill import Bill, HourlyPrice, Purchase
from datahall.infrastructure.spec import Economy, Operation


@dataclass(frozen=True, slots=True)
class Case:
    """All that a cost is made from."""

    bill: Bill
    economy: Economy
    operation: Operation


@dataclass(frozen=True, slots=True)
class Driver:
    """Read and move one driver. `at` gives the case with the driver at a value, in `unit` ($: the hall's currency)."""

    unit: str
    value: Callable[[Case], float | None]
    """None when the hall does not have it."""
    at: Callable[[Case, float], Case]
    most: float | None = None
    """Upper end, such as 1 for a share."""

    def within(self, value: float) -> float:
        return value if self.most is None else min(value, self.most)


def _of_economy(name: str, unit: str, most: float | None = None) -> Driver:
    return Driver(
        unit,
        lambda case: getattr(case.economy, name),
        lambda case, value: replace(case, economy=case.economy.model_copy(update={name: value})),
        most,
    )


def _of_operation(name: str) -> Driver:
    return Driver(
        "",
        lambda case: getattr(case.operation, name),
        lambda case, value: replace(case, operation=case.operation.model_copy(update={name: value})),
        1.0,
    )


def _price_in_economy(name: str, unit: str) -> Driver:
    """A price of the hall's economy; moved ones are in the hall's currency."""
    return Driver(
        unit,
        lambda case: _money(case, getattr(case.economy, name)),
        lambda case, value: replace(case, economy=case.economy.model_copy(update={name: Amount(value)})),
    )


def _price_in_bill(name: str, unit: str) -> Driver:
    return Driver(
        unit,
        lambda case: _money(case, getattr(case.bill, name)),
        lambda case, value: _with_bill(case, **{name: Amount(value)}),
    )


def _purchases(name: str) -> Driver:
    """What a class of things costs in all; all prices of the class move together."""
    return Driver("$", lambda case: _capital(case, name), lambda case, value: _with_capital(case, name, value))


def _capital(case: Case, name: str) -> float | None:
    bought: tuple[Purchase, ...] = getattr(case.bill, name)
    prices = [(item.count, _money(case, item.price)) for item in bought]
    return sum(count * price for count, price in prices if price is not None) or None


def _with_capital(case: Case, name: str, value: float) -> Case:
    factor = value / (_capital(case, name) or 1.0)
    bought: tuple[Purchase, ...] = getattr(case.bill, name)
    return _with_bill(case, **{name: tuple(replace(item, price=_times(item.price, factor)) for item in bought)})


def _energy_price(case: Case) -> float | None:
    """Mean price of a kWh, weighted by the energy."""
    price, facility_w = case.bill.energy_per_kwh, case.bill.facility_w
    if not isinstance(price, HourlyPrice):
        return _money(case, price)
    used = float(facility_w.sum())
    mean = float(facility_w @ price.per_kwh) / used if used else float(price.per_kwh.mean())
    return _money(case, Amount(mean, price.currency))


def _with_energy_price(case: Case, value: float) -> Case:
    """Every hour's price times the same factor, so that the shape of the day stays."""
    price = case.bill.energy_per_kwh
    if not isinstance(price, HourlyPrice):
        return _with_bill(case, energy_per_kwh=Amount(value))
    factor = value / (_energy_price(case) or 1.0)
    return _with_bill(case, energy_per_kwh=replace(price, per_kwh=price.per_kwh * factor))


def _facility_kwh(case: Case) -> float:
    return float(case.bill.facility_w.sum()) / 1e3


def _with_facility_kwh(case: Case, value: float) -> Case:
    return _with_bill(case, facility_w=case.bill.facility_w * (value / (_facility_kwh(case) or 1.0)))


def _with_bill(case: Case, **changes: Any) -> Case:
    return replace(case, bill=replace(case.bill, **changes))


def _times(amount: Amount | None, factor: float) -> Amount | None:
    return amount and Amount(amount.value * factor, amount.currency)


def _money(case: Case, amount: Amount | None) -> float | None:
    if amount is None or (amount.currency not in {None, case.economy.currency} and amount.currency not in case.economy.rates):
        return None
    return in_currency(amount, case.economy.currency, case.economy.rates)


DRIVERS: dict[str, Driver] = {
    "server_prices": _purchases("servers"),
    "network_prices": _purchases("network"),
    "storage_prices": _purchases("storage"),
    "build_per_critical_w": _price_in_economy("build_per_critical_w", "$/W"),
    "colocation_per_kw_month": _price_in_economy("colocation_per_kw_month", "$/kW/month"),
    "land": _price_in_economy("land", "$"),
    "staff_cost_per_year": _price_in_economy("staff_cost_per_year", "$/a"),
    "energy_price": Driver("$/kWh", _energy_price, _with_energy_price),
    "facility_energy": Driver("kWh", _facility_kwh, _with_facility_kwh),
    "demand_charge": _price_in_bill("demand_per_kw_month", "$/kW/month"),
    "water_price": _price_in_bill("water_per_m3", "$/m3"),
    "discount_rate": _of_economy("discount_rate_ratio", "1/a", 1.0),
    "server_life": _of_economy("server_life_years", "a"),
    "network_life": _of_economy("network_life_years", "a"),
    "storage_life": _of_economy("storage_life_years", "a"),
    "building_life": _of_economy("building_life_years", "a"),
    "maintenance_ratio": _of_economy("maintenance_ratio", "1/a", 1.0),
    "it_support_ratio": _of_economy("it_support_ratio", "1/a", 1.0),
    "insurance_and_tax_ratio": _of_economy("insurance_and_tax_ratio", "1/a", 1.0),
    "residual_ratio": _of_economy("residual_ratio", "", 1.0),
    "sold_ratio": _of_operation("sold_ratio"),
    "goodput_ratio": _of_operation("goodput_ratio"),
}
