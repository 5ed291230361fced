"""How much a kWh from the grid emits: as declared, as a series, or as the country's yearly average."""

import functools
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.hourly import Series
from datahall.foundation.spec import Spec
from datahall.infrastructure.spec import Grid, HourlyFile, Site


class GridRow(Spec):
    """A country's grid in one year."""

    country: str = Field(pattern=r"^[A-Z]{3}$")
    """ISO 3166, three letters."""
    name: str
    year: int
    kgco2e_per_kwh: float = Field(ge=0, le=3)


class GridFile(Spec):
    """All rows come from one source."""

    unit: str = Field(min_length=1)
    source: str = Field(min_length=8)
    licence: str
    date: str = Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")
    rows: tuple[GridRow, ...]


@dataclass(frozen=True, slots=True)
class Intensity:
    """Emissions of a kWh at the meter, kgCO2e/kWh: one number for the year, or one for each hour."""

    kgco2e_per_kwh: float | Series
    source: str
    assumed: bool = False
    """Whether a table's average stands in for what the hall could have said."""


@functools.cache
def grid_file() -> GridFile:
    """The table of countries that comes with Datahall."""
    return load(Path(__file__).parent / "grid.yaml", GridFile)


def country_intensity(country: str) -> Intensity | None:
    """The yearly average of a country (ISO 3166, three letters); None when the table lacks it."""
    file = grid_file()
    row = next((row for row in file.rows if row.country == country), None)
    if row is None:
        return None
    return Intensity(row.kgco2e_per_kwh, f"yearly average of {row.name} {row.year}: {file.source}", assumed=True)


def location_intensity(site: Site | None, series: Series | None = None) -> Intensity | None:
    """Location-based: what the grid emits on average. None when nothing is declared and the country is not known.

    series: the hours that site.grid.carbon_kgco2e_per_kwh names, read from their file.
    """
    grid = site.grid if site else None
    declared = _declared(grid, grid.carbon_kgco2e_per_kwh if grid else None, series)
    if declared is not None or site is None or site.country is None:
        return declared
    return country_intensity(site.country)


def market_intensity(site: Site | None, series: Series | None = None) -> Intensity | None:
    """Market-based: what contracts leave. None when none is declared: no table knows a hall's contracts."""
    grid = site.grid if site else None
    return _declared(grid, grid.market_kgco2e_per_kwh if grid else None, series)


def _declared(grid: Grid | None, value: float | HourlyFile | None, series: Series | None) -> Intensity | None:
    source = (grid.source if grid else None) or ""
    if isinstance(value, HourlyFile):
        return None if series is None else Intensity(series, source or f"{value.file}, column {value.column}")
    return None if value is None else Intensity(value, source)
