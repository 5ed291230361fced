"""Means of months and of the year, which stand in where an hourly file is not there. They are no hours: a mean year has no heat
wave and no price spike, so peaks and hot-hour cooling come out low; the result says so."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.files import is_within
from datahall.foundation.money import Currency
from datahall.infrastructure.spec import Site
from datahall.infrastructure.weather import WeatherYear
from datahall.infrastructure.weather.psychrometrics import pressure_at_pa
from datahall.infrastructure.weather.table import Table, column_problems, status_of, table_at
from datahall.infrastructure.weather.year import year_of
from datahall.planner.site.methods import Array
from datahall.planner.site.spec import Means

DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
HOURS = tuple(f"h{hour:02}" for hour in range(24))
CLIMATE_COLUMNS = ("region", "quantity", "month", *HOURS)
ANNUAL_COLUMNS = ("region", "carbon_kgco2e_per_kwh", "price_per_kwh")


@dataclass(frozen=True)
class Regions:
    """The means of all regions, as read."""

    climate: dict[tuple[str, str], Array]
    """(region, quantity) -> means by month and hour, shape (12, 24)."""
    annual: dict[str, dict[str, float]]
    """Region -> means of the year by column; what is not known is left out."""
    currency: Currency
    source: str

    def names(self) -> list[str]:
        return sorted({region for region, _ in self.climate} | self.annual.keys())

    def weather(self, region: str, site: Site) -> WeatherYear:
        """8,760 hours in which each day of a month is its mean day. Raises KeyError for a region without a climate."""
        dry_bulb_c, humidity_ratio = (hours_of(self.climate[region, name]) for name in ("dry_bulb_c", "humidity_ratio"))
        elevation_m = site.elevation_m or 0.0
        return year_of(
            dry_bulb_c,
            np.clip(humidity_ratio, 0.001, 1.0),
            np.full(len(dry_bulb_c), pressure_at_pa(elevation_m)),
            latitude_deg=site.latitude_deg,
            longitude_deg=site.longitude_deg,
            elevation_m=elevation_m,
            utc_offset_h=site.utc_offset_h or 0.0,
            source=f"monthly means of {region}, not hours: {self.source}",
        )


def hours_of(month_hour: Array) -> Array:
    """(12, 24) means as the 8,760 hours of a common year."""
    return np.concatenate([np.tile(row, days) for row, days in zip(month_hour, DAYS, strict=True)])


def month_hour_means(series: Array) -> Array:
    """Means by month and hour of the day, (12, 24), of a year of 8,760 or 8,784 hours from 1 January."""
    days = series.reshape(-1, 24)
    lengths = np.array(DAYS) + np.array([0, len(days) - 365, *[0] * 10])
    ends = np.cumsum(lengths)
    return np.array([days[end - length : end].mean(axis=0) for end, length in zip(ends, lengths, strict=True)])


def regions_of(means: Means, folder: Path, *, where: tuple[str, str]) -> Regions:
    """Read both files. where: the places that name the climate file and the annual one. Raises Refused with every problem."""
    problems: list[Problem] = []
    tables: list[Table] = []
    for file, place, columns in zip((means.climate, means.annual), where, (CLIMATE_COLUMNS, ANNUAL_COLUMNS), strict=True):
        try:
            path = folder / file
            table = table_at(path, status_of(path, where=place), quotes=is_within(folder, path))
        except Refused as error:
            problems += error.problems
            continue
        tables.append(table)
        problems += column_problems(table, dict.fromkeys(columns, place))
    if problems:
        raise Refused(problems)
    climate, annual = tables
    return Regions(_climate(climate), _annual(annual), means.currency, means.source)


def _climate(table: Table) -> dict[tuple[str, str], Array]:
    """Raises Refused when a region's quantity lacks a month or a number."""
    months = table.columns["month"].numbers(table.rows)
    values = np.stack([table.columns[hour].numbers(table.rows) for hour in HOURS], axis=1)
    found: dict[tuple[str, str], Array] = {}
    for row in table.rows:
        key = (table.columns["region"].text(row), table.columns["quantity"].text(row))
        month, numbers = months[row], values[row]
        if not (1 <= month <= 12 and np.isfinite(numbers).all()):
            raise Refused(
                Problem("SITE-011", table.where(row), f"no month of 24 numbers: {key[0]} {month:g}", "complete the row")
            )
        found.setdefault(key, np.full((12, 24), np.nan))[int(month) - 1] = numbers
    for (region, quantity), means in found.items():
        if np.isnan(means).any():
            what = f"{region} has no {quantity} for month {int(np.isnan(means).any(axis=1).argmax()) + 1}"
            raise Refused(Problem("SITE-011", str(table.path), what, "add the row"))
    return found


def _annual(table: Table) -> dict[str, dict[str, float]]:
    numbers = {name: table.columns[name].numbers(table.rows) for name in ANNUAL_COLUMNS[1:]}
    return {
        table.columns["region"].text(row): {name: float(v[row]) for name, v in numbers.items() if np.isfinite(v[row])}
        for row in table.rows
    }
