"""Where a hall stands: its weather, its grid, its tariff, its water, and what is near."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from datahall.foundation.money import Currency, Money
from datahall.foundation.spec import Spec


def _kilograms(value: float) -> float:
    if value > 3:
        raise ValueError("a kWh emits at most 3 kgCO2e, as lignite alone is near 1.1: this looks like grams")
    return value


Intensity = Annotated[float, Field(ge=0), AfterValidator(_kilograms)]
"""kgCO2e/kWh."""


class HourlyFile(Spec):
    """One value for each hour of a year, in a column of a CSV file (which may be gzipped)."""

    file: str = Field(min_length=1)
    """Path, relative to the hall file."""
    column: str = Field(min_length=1)
    only: dict[str, str] = Field(default_factory=dict)
    """Rows to keep: column -> value, such as `region: SG` where one file holds many regions."""
    scale: float = 1.0
    """What a value is multiplied by: 0.001 turns USD/MWh into USD/kWh, and g into kg."""
    time: Literal["local", "utc"] = "local"
    """Whose midnight the first row is: the site's, or UTC (then it is shifted by utc_offset_h)."""


class Weather(Spec):
    """A year of hourly weather."""

    file: str | None = None
    """An EPW file, relative to the hall file; or a CSV with the columns below."""
    builtin: str | None = None
    """A year that comes with Datahall, such as `temperate`: generated, for trying things out; not a place on earth."""
    only: dict[str, str] = Field(default_factory=dict)
    """For a CSV with many places: column -> value."""
    dry_bulb_column: str = "temp_c"
    humidity_column: str = "rh_pct"


class Grid(Spec):
    """What comes with a kWh from the grid."""

    carbon_kgco2e_per_kwh: Intensity | HourlyFile | None = None
    """Location-based: average emissions of the grid, kgCO2e/kWh; without it, the yearly average of site.country."""
    market_kgco2e_per_kwh: Intensity | HourlyFile | None = None
    """Market-based: what contracts leave, kgCO2e/kWh."""
    water_l_per_kwh: float | None = Field(default=None, ge=0)
    """Water evaporated by power stations, L/kWh."""
    source: str | None = None


class Tariff(Spec):
    """What electricity costs."""

    energy_per_kwh: Money | HourlyFile
    """Price of a kWh at the meter; hourly prices may be negative."""
    demand_per_kw_month: Money | None = None
    """Charge for the highest hour of each month, per kW."""
    currency: Currency | None = None
    """Currency of prices here that name none, such as those of an hourly file; without it, the hall's."""
    source: str | None = None


class Water(Spec):
    """What water costs, and how much may be drawn."""

    price_per_m3: Money | None = None
    limit_m3_per_year: float | None = Field(default=None, gt=0)
    source: str | None = None


class Surroundings(Spec):
    """What lies near the site, as siting rules ask. Distances in m; left out: not known, and then not judged."""

    car_park_m: float | None = Field(default=None, ge=0)
    railway_or_highway_m: float | None = Field(default=None, ge=0)
    metro_m: float | None = Field(default=None, ge=0)
    airport_m: float | None = Field(default=None, ge=0)
    hazardous_plant_or_landfill_m: float | None = Field(default=None, ge=0)
    explosives_store_m: float | None = Field(default=None, ge=0)
    nuclear_plant_m: float | None = Field(default=None, ge=0)
    dwellings_m: float | None = Field(default=None, ge=0)
    flood_prone: bool | None = None
    on_seismic_fault: bool | None = None
    access_roads: int | None = Field(default=None, ge=0)


class Site(Spec):
    """A place on earth."""

    place: str | None = Field(default=None, max_length=200)
    latitude_deg: float | None = Field(default=None, ge=-90, le=90)
    longitude_deg: float | None = Field(default=None, ge=-180, le=180)
    elevation_m: float | None = Field(default=None, ge=-430, le=6000)
    """Height above the sea, for the air's density; an EPW file brings its own."""
    utc_offset_h: float | None = Field(default=None, ge=-12, le=14)
    """Standard time; an EPW file brings its own."""
    country: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    """ISO 3166, three letters."""
    weather: Weather | None = None
    grid: Grid | None = None
    tariff: Tariff | None = None
    water: Water | None = None
    surroundings: Surroundings | None = None
    class_gb50174: Literal["A", "B", "C"] | None = None
    """Which class of GB 50174 the hall is to meet; without it, its siting distances are not judged."""
