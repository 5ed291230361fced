"""What is paid year by year: energy, peak demand, water, people, maintenance, support, insurance and tax."""

import numpy as np

from datahall.foundation.hourly import HourlyFacility
from datahall.foundation.money import Amount
from datahall.infrastructure.cost.bill import Bill, HourlyPrice
from datahall.infrastructure.cost.ledger import Ledger
from datahall.infrastructure.cost.months import month_peaks
from datahall.infrastructure.cost.report import Input


def add_running(ledger: Ledger, bill: Bill) -> None:
    """All running lines. Comes after what is bought: maintenance, support and insurance are shares of it."""
    _add_energy(ledger, bill)
    _add_demand(ledger, bill)
    _add_water(ledger, bill)
    _add_staff(ledger)
    _add_share(ledger, "maintenance", "maintenance_ratio", "building")
    _add_share(ledger, "it_support", "it_support_ratio", "servers", "network", "storage")
    _add_share(ledger, "insurance_and_tax", "insurance_and_tax_ratio")


def energy_cost(facility: HourlyFacility, price_per_kwh: HourlyPrice | float) -> float:
    """Sum over the hours of kWh x price, in the price's currency. Hours whose price is negative earn money.

    Raises TypeError for an energy that is not the facility's: what the meter does not see is not what is billed.
    """
    if not isinstance(facility, HourlyFacility):
        raise TypeError("energy_cost: takes a HourlyFacility, the energy at the meter")
    if isinstance(price_per_kwh, HourlyPrice):
        return float(np.dot(facility.kwh, price_per_kwh.per_kwh))
    return facility.total.kwh * price_per_kwh


def _add_energy(ledger: Ledger, bill: Bill) -> None:
    price, facility = bill.energy_per_kwh, HourlyFacility.of_w(bill.facility_w)
    hourly = isinstance(price, HourlyPrice)
    # One unit of the price's currency is all that needs converting: the series keeps its own.
    flat = Amount(1.0, price.currency) if isinstance(price, HourlyPrice) else price
    per_kwh = ledger.money("energy", flat, "site.tariff.energy_per_kwh")
    if per_kwh is None:
        return
    cost = per_kwh * energy_cost(facility, price) if isinstance(price, HourlyPrice) else energy_cost(facility, per_kwh)
    energy = facility.total.kwh
    mean = Input("mean_price", cost / energy if energy else 0.0, f"{ledger.currency}/kWh", ("site", "tariff", "energy_per_kwh"))
    formula = "sum over hours of facility_energy x price" if hourly else "facility_energy x mean_price"
    ledger.add("energy", cost, formula, Input("facility_energy", energy, "kWh"), mean)


def _add_demand(ledger: Ledger, bill: Bill) -> None:
    if bill.demand_per_kw_month is None:
        return
    price = ledger.money("demand", bill.demand_per_kw_month, "site.tariff.demand_per_kw_month")
    if price is not None:
        peaks = Input("sum_of_month_peaks", float(month_peaks(bill.facility_w).sum()) / 1e3, "kW")
        charge = Input("demand_charge", price, f"{ledger.currency}/kW/month", ("site", "tariff", "demand_per_kw_month"))
        ledger.add("demand", price * peaks.value, "demand_charge x sum over months of the highest hour", charge, peaks)


def _add_water(ledger: Ledger, bill: Bill) -> None:
    if bill.water_m3 <= 0:
        return
    price = ledger.money("water", bill.water_per_m3, "site.water.price_per_m3")
    if price is not None:
        per_m3 = Input("water_price", price, f"{ledger.currency}/m3", ("site", "water", "price_per_m3"))
        ledger.add("water", price * bill.water_m3, "water x water_price", Input("water", bill.water_m3, "m3"), per_m3)


def _add_staff(ledger: Ledger) -> None:
    count = ledger.fact("staff_count", "")
    if count.value <= 0:
        return
    price = ledger.money("staff", ledger.economy.staff_cost_per_year, "economy.staff_cost_per_year")
    if price is not None:
        each = Input("staff_cost", price, f"{ledger.currency}/a", ("economy", "staff_cost_per_year"))
        ledger.add("staff", price * count.value, "staff_count x staff_cost", count, each)


def _add_share(ledger: Ledger, line: str, ratio_name: str, *of: str) -> None:
    """A yearly share of what was paid for some lines, or for all."""
    ratio, bought = ledger.fact(ratio_name, "1/a"), ledger.capital(*of)
    if ratio.value and bought:
        capital = Input(f"capital of {', '.join(of) or 'all that was bought'}", bought, ledger.currency)
        ledger.add(line, ratio.value * bought, f"{ratio_name} x capital of {' + '.join(of) or 'all lines'}", ratio, capital)
