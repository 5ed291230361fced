"""A hall through a year: what its IT draws, what is lost on the way, what cooling takes, hour by hour until all agree."""

from dataclasses import dataclass
from pathlib import Path

from datahall.foundation.energy import pue
from datahall.foundation.hourly import HourlyFacility, HourlyIt, Series
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.cooling import CoolingYear
from datahall.infrastructure.demand import it_ratio_of
from datahall.infrastructure.estate import Estate
from datahall.infrastructure.power import PowerFlow, PowerGraph, power_graph
from datahall.infrastructure.spec import Hall, Power, Site
from datahall.infrastructure.weather import WeatherYear, weather_of
from datahall.infrastructure.works import DesignHour, Works, design_hour, it_design_w, liquid_ratio_of, until_they_agree

HOURS = 8760


@dataclass(frozen=True)
class FacilityYear:
    """Hourly series over a year of H hours, W unless named otherwise."""

    hours: int
    weather: WeatherYear | None
    it_w: Series
    graph: PowerGraph
    flow: PowerFlow
    cooling: CoolingYear | None
    liquid_ratio: float
    """Share of the IT heat that goes to the liquid side."""
    clipped_hours: int
    """Hours in which the cap on IT power held it back."""
    design: DesignHour
    """What machines are made for, however busy the hall is."""

    @property
    def it(self) -> HourlyIt:
        return HourlyIt.of_w(self.it_w)

    @property
    def facility(self) -> HourlyFacility:
        return HourlyFacility.of_w(self.flow.facility_w)

    @property
    def pue(self) -> float | None:
        """Sum over sum, never the mean of hourly ratios; None without a cooling plant to count, or without IT load."""
        it = self.it.total
        return pue(self.facility.total, it) if self.cooling is not None and it.kwh > 0 else None

    @property
    def water_l(self) -> float | None:
        return None if self.cooling is None else float(self.cooling.water_l.sum())

    @property
    def wue_l_per_kwh(self) -> float | None:
        water_l, it_kwh = self.water_l, self.it.total.kwh
        return None if water_l is None or it_kwh <= 0 else water_l / it_kwh


def facility_year(
    hall: Hall,
    estate: Estate,
    catalogue: Catalogue,
    folder: Path,
    *,
    site: Site | None = None,
    weather: WeatherYear | None = None,
    more_it_w: float = 0.0,
) -> FacilityYear:
    """The year of this hall at its own site, or at another one.

    weather: a year that was read already; without it, the one that the site names.
    more_it_w: equipment that stands in no rack of the file, such as switches that were not placed, W all year.
    Raises Refused when the weather cannot be read.
    """
    place = site or hall.site
    if weather is None and place is not None and place.weather is not None:
        weather = weather_of(place, folder)
    hours = weather.hours if weather is not None else HOURS
    graph = power_graph(hall.power or Power(), estate, catalogue, more_it_w=more_it_w)
    cap_w = hall.power.it_cap_w if hall.power else None
    ratio, clipped_hours = it_ratio_of(estate, hall.operation, hours, cap_w, more_it_w=more_it_w)
    it_w = ratio * estate.peak_w + more_it_w
    # Switches draw the same at any load; the graph shares one draw over all racks, so theirs is in its ratio.
    ratio = it_w / graph.it_peak_w if graph.it_peak_w > 0 else ratio
    works = Works(graph, hall.cooling, weather, catalogue, liquid_ratio_of(estate, hall.cooling))
    design = design_hour(works, it_design_w(graph.it_peak_w, cap_w, more_it_w=more_it_w))
    flow, cooling = until_they_agree(works, ratio, it_w, design_air_w=design.air_heat_w, design_liquid_w=design.liquid_heat_w)
    return FacilityYear(hours, weather, it_w, graph, flow, cooling, works.liquid_ratio, clipped_hours, design)
