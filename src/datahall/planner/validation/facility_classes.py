"""Which weather and which kind of cooling plant stand for a published region; nothing is fitted to a site."""

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.infrastructure.spec import Cooling
from datahall.planner.validation.cells import number, said

NEAREST_M = 150e3
EARTH_M = 6371e3


class Station(Spec):
    """Hourly weather of a place, in a file of the reference data."""

    name: str
    file: str
    only: dict[str, str] = Field(default_factory=dict)
    latitude_deg: float
    longitude_deg: float
    elevation_m: float
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


class Classes(Spec):
    """The file of classes and stations."""

    classes: tuple[CoolingClass, ...]
    stations: tuple[Station, ...]


@functools.cache
def known() -> Classes:
    """Classes and stations that come with Datahall; the stations' files do not."""
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


def class_of(row: Mapping[str, Any]) -> CoolingClass:
    """By one rule from what is published: towers above 0.7 L/kWh; dry chillers for little water at a PUE of 1.25 or more; else
    outside air with evaporation. Google publishes no WUE, but says that it runs warm aisles on evaporating towers."""
    wue, pue = number(row, "wue_L_per_kWh"), number(row, "pue")
    classes = {kind.name: kind for kind in known().classes}
    if "google" in said(row, "provider").lower():
        return classes["warm_tower"]
    if wue is not None and wue >= 0.7:
        return classes["tower"]
    return classes["dry" if pue is not None and pue >= 1.25 else "air_evaporative"]
