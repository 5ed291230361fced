"""The liquid side: pumps, and heat that leaves by dry coolers, wetted coolers, towers or chilled water."""

from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.cooling.machines import (
    HEAT_EXCHANGER_APPROACH_K,
    WATER_J_PER_KG_K,
    affinity_w,
    free_ratio,
    sized_w,
    tower_fan_w,
    tower_water_l,
)
from datahall.infrastructure.spec import LiquidSide, Plant
from datahall.infrastructure.weather import WeatherYear
from datahall.infrastructure.weather.psychrometrics import Series, latent_heat_j_per_kg

PAD_EFFECTIVENESS_RATIO = 0.7
"""Of the pads before a dry cooler: thinner than those of air handlers. A figure of their class, not a maker's."""
COOLER_AIR_RISE_K = 10.0
"""Warming of the air through a dry cooler at design; it sets how much air the pads have to wet. A figure of their class."""


@dataclass(frozen=True, slots=True)
class LiquidYear:
    """Hourly means; heat_w + pump_w = free_w + chilled_w + unmet_w."""

    pump_w: Series
    free_w: Series
    """Heat that coolers or towers take without a compressor."""
    chilled_w: Series
    unmet_w: Series
    fan_w: Series
    """Fans of those coolers or towers, outdoors."""
    water_l: Series
    plant_w: float = 0.0
    """Heat of equipment and pumps at full load that chilled water is made for, whatever the set point."""


def liquid_capacity_w(side: LiquidSide) -> float:
    """What units and pipes of the side carry, W: the lesser of the two; infinite where neither is declared."""
    by_units = side.units.count * side.units.capacity_w if side.units else np.inf
    return float(min(by_units, flow_capacity_w(side)))


def flow_capacity_w(side: LiquidSide) -> float:
    """What the pipes carry, W: greatest flow x specific heat x rise; infinite where no flow is declared."""
    return np.inf if side.max_flow_l_per_s is None else side.max_flow_l_per_s * WATER_J_PER_KG_K * side.rise_k


def liquid_side(side: LiquidSide | None, plant: Plant, weather: WeatherYear, heat_w: Series, *, design_w: float) -> LiquidYear:
    """Where the liquid's heat goes, hour by hour; heat_w: of equipment, [hours]. design_w: what pumps are sized for."""
    none = np.zeros_like(heat_w)
    if side is None:
        return LiquidYear(none, none, none, heat_w, none, none)
    served_w = np.minimum(heat_w, liquid_capacity_w(side))
    if sized_w(side.units, design_w, served_w) <= 0:
        return LiquidYear(none, none, none, heat_w - served_w, none, none)
    full_w = np.array([min(sized_w(None, design_w, served_w), liquid_capacity_w(side))])
    made_for_w = sized_w(side.units, design_w, served_w)
    pump_w, full_pump_w = (_pump_w(side, w, made_for_w) for w in (served_w, full_w))
    leaving_w, leaving_full_w = served_w + pump_w, float((full_w + full_pump_w)[0])
    free_w = leaving_w * _free(side, plant, weather)
    rest_w = leaving_w - free_w
    to_plant = side.rejection == "chilled_water" or side.trim == "chilled_water"
    chilled_w, left_w = (rest_w, none) if to_plant else (none, rest_w)
    outdoors_w = free_w * (1 - plant.heat_reuse_ratio)
    return LiquidYear(
        pump_w=pump_w,
        free_w=free_w,
        chilled_w=chilled_w,
        unmet_w=heat_w - served_w + left_w,
        fan_w=tower_fan_w(outdoors_w, design_w=leaving_full_w, rated_w_per_w=plant.tower_fan_w_per_w),
        water_l=_water_l(side, plant, weather, outdoors_w),
        plant_w=leaving_full_w if to_plant else 0.0,
    )


def _pump_w(side: LiquidSide, heat_w: Series, made_for_w: float) -> Series:
    rated_w = side.pump_w_per_l_per_s * made_for_w / (WATER_J_PER_KG_K * side.rise_k)
    return affinity_w(rated_w, heat_w / made_for_w, exponent=side.pump_exponent, min_ratio=side.min_flow_ratio)


def _free(side: LiquidSide, plant: Plant, weather: WeatherYear) -> Series:
    """Share of the heat that leaves without chilled water."""
    if side.rejection == "chilled_water":
        return np.zeros(weather.hours)
    if side.rejection == "tower":
        source_c = weather.wet_bulb_c + plant.tower_approach_k + HEAT_EXCHANGER_APPROACH_K
    else:
        source_c = _cooler_air_c(side, weather) + side.approach_k
    return free_ratio(source_c, supply_c=side.supply_c, rise_k=side.rise_k)


def _cooler_air_c(side: LiquidSide, weather: WeatherYear) -> Series:
    """Air at the coils of a dry cooler: wetted by pads where they are there, no further than the set point needs."""
    if side.rejection == "dry_cooler":
        return weather.dry_bulb_c
    reached_c = weather.dry_bulb_c - PAD_EFFECTIVENESS_RATIO * (weather.dry_bulb_c - weather.wet_bulb_c)
    return np.minimum(weather.dry_bulb_c, np.maximum(reached_c, side.supply_c - side.approach_k))


def _water_l(side: LiquidSide, plant: Plant, weather: WeatherYear, heat_w: Series) -> Series:
    if side.rejection == "tower":
        water_c = weather.wet_bulb_c + plant.tower_approach_k + plant.tower_range_k / 2
        return tower_water_l(
            heat_w,
            water_c,
            cycles=plant.cycles_of_concentration,
            drift_ratio=plant.drift_ratio,
            range_k=plant.tower_range_k,
        )
    if side.rejection == "adiabatic_cooler":
        cooled_k = weather.dry_bulb_c - _cooler_air_c(side, weather)
        return np.asarray(heat_w * cooled_k / COOLER_AIR_RISE_K / latent_heat_j_per_kg(weather.wet_bulb_c) * 3600)
    return np.zeros_like(heat_w)
