"""The same hall at any place: what the ranking asks of it, and who answers."""

from collections.abc import Callable
from dataclasses import dataclass

from datahall.foundation.hourly import HourlyFacility, HourlyIt
from datahall.infrastructure.cost import Purchase
from datahall.infrastructure.spec import Site
from datahall.infrastructure.weather import WeatherYear
from datahall.infrastructure.works import it_design_w
from datahall.planner.facility import facility_year
from datahall.planner.ledger import Ledger
from datahall.planner.load import Loaded
from datahall.planner.sections.network import add_network


@dataclass(frozen=True, slots=True, eq=False)
class HallYear:
    """A hall's year at one place, hour by hour."""

    it: HourlyIt
    facility: HourlyFacility
    water_l: float | None
    """None: the hall has no cooling to count, or the place no weather; then it has no PUE either."""
    unmet_cooling_h: int = 0
    """Hours in which the hall's cooling is too small for the weather."""
    design_w: float | None = None
    """At the meter at full load in the worst hour of the weather, W; None: not known."""


HallAt = Callable[[Site, WeatherYear | None], HallYear]
"""A hall's year at a site under a weather year. Raises Refused when something that it names cannot be used."""


@dataclass(frozen=True, slots=True)
class BuiltHall:
    """What of a hall is the same everywhere."""

    loaded: Loaded
    at: HallAt
    critical_w: float
    """IT power that building and plant are made for, W."""
    network: tuple[Purchase, ...] = ()


def built_hall(loaded: Loaded) -> BuiltHall:
    """The hall as the planner knows it."""
    network = add_network(Ledger(loaded))
    more_w = network.not_placed_w

    def at(site: Site, weather: WeatherYear | None) -> HallYear:
        year = facility_year(
            loaded.hall, loaded.estate, loaded.catalogue, loaded.folder, site=site, weather=weather, more_it_w=more_w
        )
        unmet_h = 0 if year.cooling is None else year.cooling.unmet_h
        return HallYear(year.it, year.facility, year.water_l, unmet_h, year.design.facility_w)

    cap_w = loaded.hall.power.it_cap_w if loaded.hall.power else None
    critical_w = it_design_w(loaded.estate.peak_w + more_w, cap_w, more_it_w=more_w)
    return BuiltHall(loaded, at, critical_w, network.purchases)
