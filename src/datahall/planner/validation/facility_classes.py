"""Which weather and which kind of cooling plant stand for a published region; nothing is fitted to a site."""

import functools
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.infrastructure.spec import Cooling
from datahall.infrastructure.weather import WeatherYear
from datahall.planner.validation.cells import said

NEAREST_M = 150e3
EARTH_M = 6371e3
HUMID_DEW_POINT_C = 17.0
"""ASHRAE A1's upper limit, and what outside-air plants of the hall file let in."""
HUMID_HOURS_RATIO = 0.5


class Station(Spec):
    """Hourly weather of a place, in a file of the reference data."""

    name: str
    file: str
    only: dict[str, str] = Field(default_factory=dict)
    latitude_deg: float
    longitude_deg: float
    elevation_m: float
    means: str | None = None
    """Region of the means that ship, where `only` names none."""
    also: tuple[str, ...] = ()
    """Names of regions that are here, whatever their published coordinates say."""

    def distance_m(self, latitude_deg: float, longitude_deg: float) -> float:
        """Great circle. Source: haversine formula."""
        a, b = math.radians(self.latitude_deg), math.radians(latitude_deg)
        half = math.sin((b - a) / 2) ** 2
        half += math.cos(a) * math.cos(b) * math.sin(math.radians(longitude_deg - self.longitude_deg) / 2) ** 2
        return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


class CoolingClass(Spec):
    """One kind of plant, with the share of IT power that is lost or used beside cooling."""

    name: str
    about: str
    electrical_ratio: float = Field(ge=0, le=0.5)
    """Losses of the power path, lights and offices, over IT; all of it heats the room."""
    cooling: Cooling


class Practice(Spec):
    """What a provider states that it builds."""

    match: str
    """Looked for in the provider's name; the first row that matches counts, and the last matches all."""
    usual: str
    """Its cooling class."""
    humid: str
    """The same where outside air is too moist in most hours."""
    about: str
    source: str = Field(min_length=8)


class Classes(Spec):
    """The file of practices, classes and stations."""

    practices: tuple[Practice, ...]
    classes: tuple[CoolingClass, ...]
    stations: tuple[Station, ...]


@functools.cache
def known() -> Classes:
    """What comes with Datahall; the stations' files do not."""
    return load(Path(__file__).with_suffix(".yaml"), Classes)


def station_of(row: Mapping[str, Any]) -> tuple[Station | None, str]:
    """The station whose name the location has, or the nearest within 150 km; with how it was found, or why not."""
    place = said(row, "location")
    for station in known().stations:
        if any(name.lower() in place.lower() for name in station.also):
            return station, f"weather of {station.name}, by its name"
    try:
        latitude, longitude = (float(text) for text in said(row, "lat_lon").split(","))
    except ValueError:
        return None, "lat_lon is not two numbers"
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None, "lat_lon is no place on earth"
    nearest = min(known().stations, key=lambda s: s.distance_m(latitude, longitude))
    distance_m = nearest.distance_m(latitude, longitude)
    if distance_m > NEAREST_M:
        return None, f"no weather within 150 km; the nearest is {nearest.name}, {distance_m / 1e3:.0f} km away"
    return nearest, f"weather of {nearest.name}, {distance_m / 1e3:.0f} km away"


def class_of(row: Mapping[str, Any], weather: WeatherYear) -> tuple[CoolingClass, str]:
    """The class of a region and why, by what its provider states it builds and by the climate; never by the row's own figures.

    Outside air, as it is or evaporatively cooled, may carry no more moisture than the plant lets in, and evaporation only
    adds to it: no dew point above 17 C, ASHRAE A1's limit. Where the dew point is above that in half of the hours or more, a
    plant for outside air would be in truth its own trim, so chilled water from towers is assumed. Half: the median hour
    decides, and a year of means has about the same median as its hours. Providers that state nothing get chilled water.
    """
    provider = said(row, "provider")
    practice = next(p for p in known().practices if re.search(p.match, provider, re.IGNORECASE))
    humid_ratio = float(np.mean(weather.dew_point_c > HUMID_DEW_POINT_C))
    too_humid = humid_ratio >= HUMID_HOURS_RATIO
    name = practice.humid if too_humid else practice.usual
    kind = next(kind for kind in known().classes if kind.name == name)
    here = ", and here it is too humid" if too_humid and practice.humid != practice.usual else ""
    return kind, f"{practice.about}{here}; dew point above {HUMID_DEW_POINT_C:.0f} C in {humid_ratio:.0%} of hours"
