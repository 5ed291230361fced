"""Rules between cooling and weather: whether heat leaves in the worst hours."""

from collections.abc import Iterator

import numpy as np

from datahall.foundation.errors import Problem, Refused
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.cooling import CoolingYear, cool, heat_of
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.spec import AirSide, Cooling, LiquidSide
from datahall.infrastructure.weather import WeatherYear, weather_of


def air_in_the_worst_hours(context: Context) -> Iterator[Problem]:
    """INF-319: an economiser without trim holds the inlets below their limit in every hour of the weather year."""
    if (met := _cooling_and_weather(context)) is None or not (air := met[0].air):
        return
    cooling, weather, heat_w = met[0], met[1], met[2]
    if air.kind != "air_economiser" or air.trim != "none" or heat_w <= 0:
        return
    year = _year(
        cooling.model_copy(update={"air": air.model_copy(update={"units": None}), "liquid": None}), weather, air_w=heat_w
    )
    if year.unmet_h:
        moist = int(np.count_nonzero(weather.dew_point_c > air.dew_point_max_c))
        limit_c = cooling.ride_through.limit_c
        warmest_c = weather.dry_bulb_c.max()
        what = (
            f"in {year.unmet_h} hours of {weather.source} outside air cannot hold the inlets below {limit_c:g} C: "
            f"{moist} hours are moister than {air.dew_point_max_c:g} C dew point, the warmest has {warmest_c:.1f} C"
        )
        fix = "add trim: dx or chilled_water" + ("" if air.evaporative else ", or evaporative: true")
        yield Problem("INF-319", context.where(("cooling", "air", "trim")), what, fix)


def liquid_in_the_worst_hours(context: Context) -> Iterator[Problem]:
    """INF-323: coolers or towers without trim hold the liquid side's supply in every hour of the weather year."""
    if (met := _cooling_and_weather(context)) is None or not (liquid := met[0].liquid):
        return
    cooling, weather, heat_w = met[0], met[1], met[3]
    if liquid.rejection == "chilled_water" or liquid.trim != "none" or heat_w <= 0:
        return
    free = liquid.model_copy(update={"units": None, "max_flow_l_per_s": None})
    year = _year(cooling.model_copy(update={"liquid": free, "air": None}), weather, liquid_w=heat_w)
    if year.unmet_h:
        name = liquid.rejection.replace("_", " ")
        what = (
            f"in {year.unmet_h} hours of {weather.source} the {name} cannot hold {liquid.supply_c:g} C: "
            f"the warmest has {weather.dry_bulb_c.max():.1f} C dry and {weather.wet_bulb_c.max():.1f} C wet bulb"
        )
        fix = "add trim: chilled_water, raise supply_c, or choose adiabatic_cooler or tower"
        yield Problem("INF-323", context.where(("cooling", "liquid", "trim")), what, fix)


CHECKS: tuple[Check, ...] = (air_in_the_worst_hours, liquid_in_the_worst_hours)


def _cooling_and_weather(context: Context) -> tuple[Cooling, WeatherYear, float, float] | None:
    """Cooling, weather, and heat to air and to liquid; None where one is missing or, as another check tells, wrong."""
    hall = context.hall
    if hall.cooling is None or hall.site is None or hall.site.weather is None:
        return None
    if not any(_may_fail(side) for side in (hall.cooling.air, hall.cooling.liquid)):
        return None
    try:
        weather = weather_of(hall.site, context.folder, where=context.where)
    except Refused:
        return None
    heat = heat_of(estate_of(hall, context.catalogue), hall.cooling)
    return hall.cooling, weather, heat.air_w, heat.liquid_w


def _may_fail(side: AirSide | LiquidSide | None) -> bool:
    """Whether weather can leave heat behind: then the weather file is worth reading."""
    return side is not None and side.trim == "none"


def _year(cooling: Cooling, weather: WeatherYear, *, air_w: float = 0.0, liquid_w: float = 0.0) -> CoolingYear:
    return cool(cooling, weather, air_heat_w=air_w, liquid_heat_w=liquid_w, indoor_loss_w=0.0)
