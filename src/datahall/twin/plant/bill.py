"""Energy, money, carbon and water of each slice, by the rates of its hour."""

import numpy as np

from datahall.infrastructure.cooling import CoolingYear
from datahall.infrastructure.cost.months import month_starts
from datahall.infrastructure.power import RackFlow
from datahall.infrastructure.power.columns import Floats, Ints
from datahall.twin.plant.plant import Plant
from datahall.twin.plant.played import Quantity, kwh
from datahall.twin.plant.slices import Slices


def billed(plant: Plant, slices: Slices, flow: RackFlow, cooling: CoolingYear | None) -> tuple[dict[Quantity, Floats], float]:
    """Sums of each slice, and the part of the money that is for demand. Money and carbon are the grid's, without generators."""
    rates, hour = plant.rates, slices.hour_of_year(plant.year_h)
    facility_kwh, grid_kwh = kwh(flow.facility_w, slices), kwh(flow.utility_w, slices)
    found: dict[Quantity, Floats] = {"it_kwh": kwh(flow.it_w, slices), "facility_kwh": facility_kwh}
    if cooling is not None:
        found["water_l"] = cooling.water_l * slices.width_h
    if rates.carbon_kgco2e_per_kwh is not None:
        found["carbon_kgco2e"] = grid_kwh * rates.carbon_kgco2e_per_kwh[hour]
    if rates.market_kgco2e_per_kwh is not None:
        found["market_kgco2e"] = grid_kwh * rates.market_kgco2e_per_kwh[hour]
    if rates.energy_per_kwh is None:
        return found, 0.0
    demand = _demand(plant, slices, grid_kwh)
    found["money"] = grid_kwh * rates.energy_per_kwh[hour] + demand
    if rates.water_per_m3 is not None and "water_l" in found:
        found["money"] = found["money"] + found["water_l"] / 1e3 * rates.water_per_m3
    return found, float(demand.sum())


def _demand(plant: Plant, slices: Slices, grid_kwh: Floats) -> Floats:
    """The charge for the highest hour of each month, in the slices of that hour. Of a month that is played in part, that part.

    Whoever draws in the highest hour pays for it, as peaks are shared out where they are metered (coincident peak).
    """
    price = plant.rates.demand_per_kw_month
    if price is None:
        return np.zeros_like(grid_kwh)
    hourly_kwh, hour_h = slices.by_hour(grid_kwh), slices.by_hour(slices.width_h)
    mean_kw, month, length_h = hourly_kwh / hour_h, *_months(slices, plant.year_h, len(hour_h))
    charge = np.zeros_like(mean_kw)
    for number in np.unique(month):
        own = np.flatnonzero(month == number)
        top = own[np.argmax(mean_kw[own])]
        charge[top] = price * mean_kw[top] * hour_h[own].sum() / length_h[top]
    per_kwh = np.divide(charge, hourly_kwh, out=np.zeros_like(charge), where=hourly_kwh > 0)
    return np.asarray(grid_kwh * per_kwh[slices.hour])


def _months(slices: Slices, year_h: int, hours: int) -> tuple[Ints, Floats]:
    """Which month each hour of the run is in, counted on over years, and how many hours that month has."""
    year, hour = np.divmod(slices.start_hour + np.arange(hours), year_h)
    starts = np.array(month_starts(year_h))
    month = np.searchsorted(starts, hour, side="right") - 1
    return year * 12 + month, np.diff(np.append(starts, year_h)).astype(np.float64)[month]
