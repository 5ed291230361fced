"""Years that come with Datahall: generated from monthly means that are invented, the same at every run."""

import functools
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Name, Spec
from datahall.infrastructure.weather.psychrometrics import Series, pressure_at_pa, saturation_pa
from datahall.infrastructure.weather.year import COMMON_YEAR_H, WeatherYear, year_of

Monthly = Annotated[tuple[float, ...], Field(min_length=12, max_length=12)]
FRONT_DAYS = (3.3, 5.7, 9.4)
"""Periods of the waves that stand for passing fronts; sines instead of dice, so that no library version changes a year."""
WARMEST_HOUR = 15


class Climate(Spec):
    """Monthly means that a year is generated from."""

    name: Name
    source: str
    elevation_m: float
    dry_bulb_c: Monthly
    dew_point_c: Monthly
    daily_range_k: float = Field(gt=0)
    front_k: float = Field(ge=0)
    """Swing of the fronts around the mean."""


class Climates(Spec):
    """The file of climates."""

    climates: tuple[Climate, ...]


@functools.cache
def climates() -> dict[str, Climate]:
    """By name."""
    return {climate.name: climate for climate in load(Path(__file__).with_name("builtin.yaml"), Climates).climates}


@functools.cache
def builtin_year(name: str) -> WeatherYear:
    """The generated year of a climate, 8760 h. Raises KeyError for a name that is not in `climates()`."""
    climate = climates()[name]
    hour = np.arange(COMMON_YEAR_H, dtype=np.float64)
    front = sum(np.sin(2 * np.pi * hour / (24 * days) + i) for i, days in enumerate(FRONT_DAYS)) / len(FRONT_DAYS) * 1.7
    daily = climate.daily_range_k / 2 * np.cos(2 * np.pi * (hour - WARMEST_HOUR) / 24)
    dry_bulb = _smooth(climate.dry_bulb_c) + climate.front_k * front + daily
    dew_point = np.minimum(_smooth(climate.dew_point_c) + 0.6 * climate.front_k * front, dry_bulb)
    return year_of(
        dry_bulb,
        saturation_pa(dew_point) / saturation_pa(dry_bulb),
        np.full(COMMON_YEAR_H, pressure_at_pa(climate.elevation_m)),
        latitude_deg=None,
        longitude_deg=None,
        elevation_m=climate.elevation_m,
        utc_offset_h=0.0,
        source=f"built-in year `{name}`: {climate.source}",
        notes=(f"weather is the generated year `{name}`: {climate.source}",),
    )


def _smooth(monthly: Monthly) -> Series:
    """Straight lines between the middles of the months, round the year, [8760]."""
    middles = (np.arange(12) + 0.5) * COMMON_YEAR_H / 12
    return np.interp(np.arange(COMMON_YEAR_H), middles, monthly, period=COMMON_YEAR_H)
