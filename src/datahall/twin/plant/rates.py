"""What a kWh, a kW and a cubic metre cost at the hall's place, and what a kWh emits, hour by hour of a year."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datahall.foundation.hourly import Series
from datahall.foundation.money import Amount, in_currency
from datahall.infrastructure.carbon import Intensity, location_intensity, market_intensity
from datahall.infrastructure.cost.bill import HourlyPrice, energy_price_of, in_tariff
from datahall.infrastructure.spec import Economy, Hall, HourlyFile
from datahall.infrastructure.weather import WeatherYear, hourly_series


@dataclass(frozen=True, eq=False)
class Rates:
    """Each None where the hall does not say it; series are (H,), an hour of the year each."""

    currency: str
    energy_per_kwh: Series | None
    demand_per_kw_month: float | None
    water_per_m3: float | None
    carbon_kgco2e_per_kwh: Series | None
    """Location-based."""
    market_kgco2e_per_kwh: Series | None
    missing: tuple[str, ...]
    """What the hall would have to say, so that money and emissions are whole."""


def rates_of(hall: Hall, folder: Path, weather: WeatherYear | None, hours: int) -> Rates:
    """Rates over the hours of a year. folder: what hourly files are relative to. Raises Refused when a file cannot be read."""
    site, missing = hall.site, list[str]()
    tariff, water = (site.tariff, site.water) if site else (None, None)
    offset_h = weather.utc_offset_h if weather else (site.utc_offset_h if site else None) or 0.0

    def series(declared: object) -> Series | None:
        return hourly_series(declared, folder, hours=hours, utc_offset_h=offset_h) if isinstance(declared, HourlyFile) else None

    price = energy_price_of(tariff, series(tariff.energy_per_kwh if tariff else None))
    if price is None:
        missing.append("site.tariff.energy_per_kwh")
    grid = site.grid if site else None
    emitted = location_intensity(site, series(grid.carbon_kgco2e_per_kwh if grid else None))
    if emitted is None:
        missing.append("site.grid.carbon_kgco2e_per_kwh, or site.country")
    economy = hall.economy
    return Rates(
        currency=economy.currency,
        energy_per_kwh=_per_hour(price, economy, hours, missing),
        demand_per_kw_month=_converted(in_tariff(tariff.demand_per_kw_month, tariff) if tariff else None, economy, missing),
        water_per_m3=_converted(water.price_per_m3 if water else None, economy, missing),
        carbon_kgco2e_per_kwh=_spread(emitted, hours),
        market_kgco2e_per_kwh=_spread(market_intensity(site, series(grid.market_kgco2e_per_kwh if grid else None)), hours),
        missing=tuple(dict.fromkeys(missing)),
    )


def _per_hour(price: Amount | HourlyPrice | None, economy: Economy, hours: int, missing: list[str]) -> Series | None:
    """One unit of the price's currency is all that needs converting: the series keeps its own."""
    flat = Amount(1.0, price.currency) if isinstance(price, HourlyPrice) else price
    each = _converted(flat, economy, missing)
    if each is None:
        return None
    return each * price.per_kwh if isinstance(price, HourlyPrice) else np.full(hours, each)


def _converted(amount: Amount | None, economy: Economy, missing: list[str]) -> float | None:
    rates: Mapping[str, float] = economy.rates
    if amount is None:
        return None
    if amount.currency not in {None, economy.currency, *rates}:
        missing.append(f"economy.rates.{amount.currency}, the price of one {amount.currency} in {economy.currency}")
        return None
    return in_currency(amount, economy.currency, rates)


def _spread(intensity: Intensity | None, hours: int) -> Series | None:
    return None if intensity is None else np.array(np.broadcast_to(intensity.kgco2e_per_kwh, (hours,)), dtype=np.float64)
