"""Mean climate of regions, for a clone without hourly weather: each day of a month is its mean day."""

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.infrastructure.spec import Site
from datahall.infrastructure.weather import WeatherYear
from datahall.planner.site.means import Regions


class Climate(Spec):
    """One region: twelve lines of the 24 hours of a mean day."""

    dry_bulb_c: tuple[str, ...]
    humidity_ratio: tuple[str, ...]


class Climates(Spec):
    source: str
    regions: dict[str, Climate]


def mean_weather(region: str, site: Site) -> WeatherYear | None:
    """The year that the means of a region make; None where none ship. Peaks are lower in it than in any real year."""
    means = _regions()
    return means.weather(region, site) if (region, "dry_bulb_c") in means.climate else None


@functools.cache
def _regions() -> Regions:
    read = load(Path(__file__).with_suffix(".yaml"), Climates)
    climate = {
        (region, quantity): _hours(getattr(found, quantity))
        for region, found in read.regions.items()
        for quantity in ("dry_bulb_c", "humidity_ratio")
    }
    return Regions(climate, {}, "USD", read.source)


def _hours(months: tuple[str, ...]) -> npt.NDArray[np.float64]:
    return np.array([[float(text) for text in month.split()] for month in months])
