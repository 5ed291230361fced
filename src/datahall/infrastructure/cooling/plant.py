"""Chillers, their pumps and towers, and direct expansion units."""

from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.catalog.catalogue import Catalogue, shipped
from datahall.infrastructure.cooling.machines import (
    CONDENSER_APPROACH_K,
    EVAPORATOR_APPROACH_K,
    HEAT_EXCHANGER_APPROACH_K,
    affinity_w,
    air_condensing_c,
    cop,
    free_ratio,
    sized_w,
    tower_fan_w,
    tower_water_l,
)
from datahall.infrastructure.spec import Plant
from datahall.infrastructure.weather import WeatherYear
from datahall.infrastructure.weather.psychrometrics import Series

PUMP_EXPONENT = 2.7
MIN_PUMP_RATIO = 0.4
DX_COIL_BELOW_SUPPLY_K = 10.0
"""Evaporating temperature of a direct expansion coil below the air that it supplies. A figure of its class."""
CHILLER_ROWS = {
    "centrifugal": "chiller-centrifugal-water-cooled",
    "screw": "chiller-screw-water-cooled",
    "air_cooled": "chiller-air-cooled",
}
"""Rows of the cooling catalogue that stand for the kinds of chiller."""
DX_ROW = "crac-dx"


@dataclass(frozen=True, slots=True)
class PlantYear:
    """Hourly means; heat taken + compressor_w + pump_w = out_w + reused_w."""

    compressor_w: Series
    pump_w: Series
    fan_w: Series
    water_l: Series
    out_w: Series
    """Heat to outdoors."""
    reused_w: Series
    unmet_w: Series
    """Heat that was asked of it beyond its capacity."""
    free_w: Series
    """Heat that was taken past the compressors."""


def carnot_ratio_of(row: str, catalogue: Catalogue) -> float:
    """Share of the ideal COP in a row of the cooling catalogue; Datahall's row, where a user's own of that name has none."""
    rows = (catalogue.cooling.get(row), *(part for part in shipped().cooling if part.name == row))
    ratios = [part.carnot_ratio for part in rows if part is not None and part.carnot_ratio is not None]
    return ratios[0]


def _chiller_carnot_ratio(plant: Plant, catalogue: Catalogue) -> float:
    """The hall's, the declared part's, or that of the kind of chiller, in this order."""
    if plant.carnot_ratio is not None:
        return plant.carnot_ratio
    part = catalogue.cooling.get(plant.chillers.part) if plant.chillers and plant.chillers.part else None
    if part is not None and part.carnot_ratio is not None:
        return part.carnot_ratio
    return carnot_ratio_of(CHILLER_ROWS[plant.chiller], catalogue)


def is_dry(plant: Plant) -> bool:
    """Whether chillers give their heat to air: no tower, no water."""
    return plant.condenser == "dry" or plant.chiller == "air_cooled"


def chilled_water(
    plant: Plant, weather: WeatherYear, heat_w: Series, *, design_w: float = 0.0, catalogue: Catalogue
) -> PlantYear:
    """What chilled water costs that takes heat_w, [hours]; the economiser first, chillers for the rest.

    design_w: what chillers, pumps and towers are made for where no chillers are declared; never less than the largest hour.
    All pump work ends in the heat that is rejected.
    """
    free_w = heat_w * _economised(plant, weather)
    asked_w = heat_w - free_w
    capacity_w = plant.chillers.count * plant.chillers.capacity_w if plant.chillers else sized_w(None, design_w, heat_w)
    chilled_w = np.minimum(asked_w, capacity_w)
    compressor_w = chilled_w / _chiller_cop(plant, weather, catalogue, _load_of_each(plant, chilled_w, capacity_w))
    taken_w = free_w + chilled_w
    made_for_w = sized_w(plant.chillers, design_w, taken_w)
    pump_w = _pump_w(plant, taken_w, made_for_w)
    leaving_w = taken_w + compressor_w + pump_w
    out_w = leaving_w * (1 - plant.heat_reuse_ratio)
    return PlantYear(
        compressor_w=compressor_w,
        pump_w=pump_w,
        fan_w=tower_fan_w(
            out_w, design_w=_rejected_w(plant, weather, catalogue, made_for_w), rated_w_per_w=plant.tower_fan_w_per_w
        ),
        water_l=_water_l(plant, weather, out_w),
        out_w=out_w,
        reused_w=leaving_w * plant.heat_reuse_ratio,
        unmet_w=asked_w - chilled_w,
        free_w=free_w,
    )


def _chiller_cop(plant: Plant, weather: WeatherYear, catalogue: Catalogue, load_ratio: Series) -> Series:
    return cop(
        plant.chilled_water_c - EVAPORATOR_APPROACH_K,
        _condensing_c(plant, weather),
        carnot_ratio=_chiller_carnot_ratio(plant, catalogue),
        load_ratio=load_ratio,
    )


def _rejected_w(plant: Plant, weather: WeatherYear, catalogue: Catalogue, heat_w: float) -> float:
    """What towers are made for, W: that heat, pumps, and compressors in the worst hour. Who takes heat for reuse may pause."""
    worst = float(np.min(_chiller_cop(plant, weather, catalogue, np.ones(weather.hours))))
    return heat_w * (1 + plant.pump_w_per_w + 1 / worst)


def _economised(plant: Plant, weather: WeatherYear) -> Series:
    """Share of the heat that the heat exchanger past the chillers takes."""
    if not plant.water_economiser:
        return np.zeros(weather.hours)
    dry, wet = weather.dry_bulb_c + plant.dry_approach_k, weather.wet_bulb_c + plant.tower_approach_k
    source_c = dry if is_dry(plant) else wet
    return free_ratio(source_c + HEAT_EXCHANGER_APPROACH_K, supply_c=plant.chilled_water_c, rise_k=plant.range_k)


def _condensing_c(plant: Plant, weather: WeatherYear) -> Series:
    if is_dry(plant):
        return air_condensing_c(weather.dry_bulb_c)
    return weather.wet_bulb_c + plant.tower_approach_k + plant.tower_range_k + CONDENSER_APPROACH_K


def _load_of_each(plant: Plant, chilled_w: Series, capacity_w: float) -> Series:
    """Load ratio of the chillers that run: as many as are needed, equally."""
    if capacity_w <= 0:
        return np.ones_like(chilled_w)
    if plant.chillers is None:
        return chilled_w / capacity_w
    running = np.maximum(np.ceil(chilled_w / plant.chillers.capacity_w), 1)
    return np.asarray(chilled_w / (running * plant.chillers.capacity_w))


def _pump_w(plant: Plant, taken_w: Series, made_for_w: float) -> Series:
    if made_for_w <= 0:
        return np.zeros_like(taken_w)
    ratio = taken_w / made_for_w
    pumps = affinity_w(plant.pump_w_per_w * made_for_w, ratio, exponent=PUMP_EXPONENT, min_ratio=MIN_PUMP_RATIO)
    return np.where(taken_w > 0, pumps, 0.0)


def _water_l(plant: Plant, weather: WeatherYear, out_w: Series) -> Series:
    if is_dry(plant):
        return np.zeros_like(out_w)
    return tower_water_l(
        out_w,
        weather.wet_bulb_c + plant.tower_approach_k + plant.tower_range_k / 2,
        cycles=plant.cycles_of_concentration,
        drift_ratio=plant.drift_ratio,
        range_k=plant.tower_range_k,
    )


def direct_expansion(
    plant: Plant, weather: WeatherYear, heat_w: Series, *, design_w: float = 0.0, supply_c: float, catalogue: Catalogue
) -> PlantYear:
    """What direct expansion units cost that take heat_w out of air supplied at supply_c, [hours]. No water, no pumps.

    design_w: what they are made for; never less than the largest hour.
    """
    none = np.zeros_like(heat_w)
    made_for_w = sized_w(None, design_w, heat_w)
    if made_for_w <= 0:
        return PlantYear(none, none, none, none, none, none, none, none)
    coil_c, condensing_c = supply_c - DX_COIL_BELOW_SUPPLY_K, air_condensing_c(weather.dry_bulb_c)
    carnot_ratio = carnot_ratio_of(DX_ROW, catalogue)
    compressor_w = heat_w / cop(coil_c, condensing_c, carnot_ratio=carnot_ratio, load_ratio=heat_w / made_for_w)
    leaving_w = heat_w + compressor_w
    out_w = leaving_w * (1 - plant.heat_reuse_ratio)
    worst = float(np.min(cop(coil_c, condensing_c, carnot_ratio=carnot_ratio, load_ratio=np.ones_like(heat_w))))
    fan_w = tower_fan_w(out_w, design_w=made_for_w * (1 + 1 / worst), rated_w_per_w=plant.tower_fan_w_per_w)
    return PlantYear(compressor_w, none, fan_w, none, out_w, leaving_w * plant.heat_reuse_ratio, none, none)
