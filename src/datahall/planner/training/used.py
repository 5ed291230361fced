"""What a run takes from the meter, hour by hour of the hall's year: kWh, water, money for energy, emissions."""

from dataclasses import dataclass

import numpy as np

from datahall.foundation.hourly import Series
from datahall.foundation.money import Amount, in_currency
from datahall.infrastructure.carbon import Intensity
from datahall.infrastructure.cost import HourlyPrice
from datahall.infrastructure.cost.bill import energy_price_of
from datahall.planner.facility import FacilityYear
from datahall.planner.ledger import Ledger
from datahall.planner.sections.money import price_series
from datahall.planner.training.hall import Home


@dataclass(frozen=True, slots=True)
class Used:
    """Of a run; None where the hall does not say, or where its cooling is not declared (water)."""

    it_kwh: float
    facility_kwh: float
    water_m3: float | None
    energy_cost: float | None
    """In the hall's currency."""
    location_kgco2e: float | None
    market_kgco2e: float | None


@dataclass(frozen=True, eq=False)
class Meter:
    """Each hour of the year for one kWh of IT, [hours]."""

    facility: Series
    """kWh at the meter."""
    water_l: Series | None
    price: Series | None
    """Of a kWh at the meter, in the hall's currency."""
    location: Series | None
    """kgCO2e of a kWh at the meter."""
    market: Series | None
    has_cooling: bool

    @property
    def hours(self) -> int:
        return int(self.facility.size)

    def used(self, it_w: float, hours: float, start_h: int | None) -> Used:
        """By so much IT for so many hours. start_h: hour of the year; None: every hour of the year alike."""
        often = hours_of(self.hours, hours, start_h)
        kw, at_meter = float(it_w) / 1e3, often * self.facility
        return Used(
            kw * hours,
            kw * float(at_meter.sum()),
            None if self.water_l is None else kw * float(often @ self.water_l) / 1e3,
            *(None if series is None else kw * float(at_meter @ series) for series in (self.price, self.location, self.market)),
        )


def hours_of(year_h: int, hours: float, start_h: int | None) -> Series:
    """How often each hour of the year is a hour of the run, [year_h]; the sum is `hours`."""
    if start_h is None:
        return np.full(year_h, hours / year_h)
    whole, rest = divmod(hours, year_h)
    often = np.full(year_h, float(whole))
    last = int(rest)
    often[(start_h + np.arange(last)) % year_h] += 1.0
    often[(start_h + last) % year_h] += rest - last
    return often


def meter_of(home: Home, year: FacilityYear) -> Meter:
    """The meter over a year of the hall."""
    it = np.maximum(year.it_w, 1e-9)
    carbon = home.plan.carbon
    return Meter(
        year.flow.facility_w / it,
        None if year.cooling is None else year.cooling.water_l / (it / 1e3),
        _price(home, year),
        _hourly(carbon.location, year.hours),
        _hourly(carbon.market, year.hours),
        year.cooling is not None,
    )


def _hourly(intensity: Intensity | None, hours: int) -> Series | None:
    return None if intensity is None else np.broadcast_to(np.asarray(intensity.kgco2e_per_kwh, dtype=np.float64), hours)


def _price(home: Home, year: FacilityYear) -> Series | None:
    """None without a tariff, or without the rate of its currency."""
    hall = home.loaded.hall
    price = energy_price_of(hall.site.tariff if hall.site else None, price_series(Ledger(home.loaded), year))
    if price is None:
        return None
    one = Amount(1.0, price.currency)
    try:
        rate = in_currency(one, hall.economy.currency, hall.economy.rates)
    except KeyError:
        return None
    if isinstance(price, HourlyPrice):
        return rate * price.per_kwh
    return np.full(year.hours, rate * price.value)
