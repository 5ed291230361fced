"""A hall through a year: what its IT draws, what is lost on the way, what cooling takes, hour by hour until all agree."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datahall.foundation.energy import pue
from datahall.foundation.hourly import HourlyFacility, HourlyIt, Series
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.cooling import CoolingYear, cool
from datahall.infrastructure.demand import it_ratio_of
from datahall.infrastructure.estate import Estate
from datahall.infrastructure.power import PowerFlow, PowerGraph, power_graph
from datahall.infrastructure.spec import Cooling, Hall, Power, Site
from datahall.infrastructure.weather import WeatherYear, weather_of

HOURS = 8760
TOLERANCE_RATIO = 1e-12
MAX_ROUNDS = 50


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
    liquid_ratio = liquid_ratio_of(estate, hall.cooling)
    flow, cooling = _until_they_agree(
        graph, ratio, it_w, liquid_ratio=liquid_ratio, spec=hall.cooling, weather=weather, catalogue=catalogue
    )
    return FacilityYear(hours, weather, it_w, graph, flow, cooling, liquid_ratio, clipped_hours)


def _until_they_agree(
    graph: PowerGraph,
    ratio: Series,
    it_w: Series,
    *,
    liquid_ratio: float,
    spec: Cooling | None,
    weather: WeatherYear | None,
    catalogue: Catalogue,
) -> tuple[PowerFlow, CoolingYear | None]:
    """Cooling takes power, whose losses indoors are heat to be cooled: turn by turn until nothing moves."""
    nothing = np.zeros_like(it_w)
    flow = graph.solve(ratio, mechanical_w=nothing, critical_mechanical_w=nothing)
    if spec is None or weather is None:
        return flow, None
    electricity_w = nothing
    # Machines are sized for full load, whatever the hall runs at.
    design_w, design_loss_w = graph.it_peak_w, float(graph.solve(1.0).indoor_loss_w.max(initial=0.0))
    for _ in range(MAX_ROUNDS):
        cooling = cool(
            spec,
            weather,
            air_heat_w=it_w * (1 - liquid_ratio),
            liquid_heat_w=it_w * liquid_ratio,
            indoor_loss_w=flow.indoor_loss_w,
            design_air_w=design_w * (1 - liquid_ratio) + design_loss_w,
            design_liquid_w=design_w * liquid_ratio,
            catalogue=catalogue,
        )
        rest_w = cooling.electricity_w - cooling.critical_w
        flow = graph.solve(ratio, mechanical_w=rest_w, critical_mechanical_w=cooling.critical_w)
        moved_w = float(np.max(np.abs(cooling.electricity_w - electricity_w), initial=0.0))
        if moved_w <= TOLERANCE_RATIO * float(np.max(it_w, initial=1.0)):
            break
        electricity_w = cooling.electricity_w
    return flow, cooling


def liquid_ratio_of(estate: Estate, cooling: Cooling | None) -> float:
    """Share of the IT heat at full load that leaves by liquid: cold plates, then what rear doors take of the rest."""
    if cooling is None or cooling.liquid is None or estate.peak_w <= 0:
        return 0.0
    liquid_w = 0.0
    for block in estate.blocks:
        door = cooling.rear_door_capture_ratio if block.group.rear_door else 0.0
        liquid_w += len(block.names) * block.peak_w * (block.liquid_ratio + (1 - block.liquid_ratio) * door)
    return liquid_w / estate.peak_w
