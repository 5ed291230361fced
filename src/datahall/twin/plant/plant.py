"""The hall's plant: places that draw, the ways that feed them, what cools them, and what that costs."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.cooling import CoolingYear, cool
from datahall.infrastructure.estate import Estate
from datahall.infrastructure.power import power_graph
from datahall.infrastructure.power.columns import Floats, Ints
from datahall.infrastructure.spec import Hall, Power
from datahall.infrastructure.weather import WeatherYear, weather_of
from datahall.infrastructure.works import DesignHour, Works, design_hour, it_design_w, liquid_ratio_of
from datahall.twin.plant.places import Places, places_of
from datahall.twin.plant.rates import Rates, rates_of

YEAR_H = 8760
"""Where no weather says how long the year is."""


@dataclass(frozen=True, eq=False)
class Plant:
    """All that turns load into what the meter sees."""

    hall: Hall
    estate: Estate
    places: Places
    works: Works
    design: DesignHour
    """What machines are made for, however busy the hall is."""
    rates: Rates
    more_it_w: float
    """IT equipment that stands in no rack of the file, W at any time."""

    @cached_property
    def year_h(self) -> int:
        return self.works.weather.hours if self.works.weather else YEAR_H

    @cached_property
    def idle_it_w(self) -> float:
        """All IT while nothing that jobs hold is busy, W."""
        return float(self.places.base_w.sum()) + self.more_it_w

    @property
    def is_cooled(self) -> bool:
        """Whether cooling can be worked out: the hall has some, and a weather."""
        return self.works.spec is not None and self.works.weather is not None

    def cooling(self, hour: Ints, air_w: Floats, liquid_w: Floats, indoor_loss_w: Floats) -> CoolingYear:
        """Cooling at moments in these hours of the year, for heat to air and liquid and losses indoors, W, (S,) each.

        Machines are made for the design, and see the whole year's weather, however few of its hours are asked for. Hours that
        are asked for more than once stand in copies of the year. Raises ValueError where there is nothing to work out.
        """
        works = self.works
        if works.spec is None or works.weather is None:
            raise ValueError("Plant.cooling: the hall declares no cooling or no weather, see is_cooled")
        at = _copies(hour) * works.weather.hours + hour
        weather = _repeated(works.weather, int(at.max(initial=0)) // works.weather.hours + 1)

        def placed(values: Floats) -> Floats:
            year = np.zeros(weather.hours)
            year[at] = values
            return year

        return cool(
            works.spec,
            weather,
            air_heat_w=placed(air_w),
            liquid_heat_w=placed(liquid_w),
            indoor_loss_w=placed(indoor_loss_w),
            design_air_w=self.design.air_heat_w,
            design_liquid_w=self.design.liquid_heat_w,
            catalogue=works.catalogue,
        ).at(at)


def plant_of(
    hall: Hall,
    estate: Estate,
    catalogue: Catalogue,
    folder: Path,
    *,
    more_it_w: float = 0.0,
    background_ratio: float | None = None,
) -> Plant:
    """The plant of a hall at its own site.

    folder: what the paths in the hall file are relative to. more_it_w: equipment that stands in no rack of the file, such as
    switches that were not placed. background_ratio: load of equipment that no job can hold; without it, the hall's mean.
    Raises Refused when the weather or a series cannot be read, or the power graph has faults.
    """
    site, cap_w = hall.site, hall.power.it_cap_w if hall.power else None
    weather = weather_of(site, folder) if site is not None and site.weather is not None else None
    graph = power_graph(hall.power or Power(), estate, catalogue, more_it_w=more_it_w)
    works = Works(graph, hall.cooling, weather, catalogue, liquid_ratio_of(estate, hall.cooling))
    load = hall.operation.utilisation_ratio if background_ratio is None else background_ratio
    return Plant(
        hall=hall,
        estate=estate,
        places=places_of(estate, hall.cooling, background_ratio=load),
        works=works,
        design=design_hour(works, it_design_w(graph.it_peak_w, cap_w, more_it_w=more_it_w)),
        rates=rates_of(hall, folder, weather, weather.hours if weather else YEAR_H),
        more_it_w=more_it_w,
    )


def _copies(hour: Ints) -> Ints:
    """How often each hour came before in the list."""
    order = np.argsort(hour, kind="stable")
    ordered = hour[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(hour) else order
    counts = np.diff(np.append(starts, len(hour)))
    found = np.zeros(len(hour), dtype=np.int64)
    found[order] = np.arange(len(hour)) - np.repeat(starts, counts)
    return found


def _repeated(weather: WeatherYear, times: int) -> WeatherYear:
    """The same year, so many times over: what machines are made for by its mean and its worst hour stays as it is."""
    if times == 1:
        return weather
    return replace(
        weather,
        hours=weather.hours * times,
        dry_bulb_c=np.tile(weather.dry_bulb_c, times),
        dew_point_c=np.tile(weather.dew_point_c, times),
        humidity_ratio=np.tile(weather.humidity_ratio, times),
        wet_bulb_c=np.tile(weather.wet_bulb_c, times),
        pressure_pa=np.tile(weather.pressure_pa, times),
        moisture=np.tile(weather.moisture, times),
    )
