"""The air side: room fans, outside air, and what is left for compressors or chilled water."""

from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.cooling.machines import affinity_w, sized_w
from datahall.infrastructure.spec import AirSide
from datahall.infrastructure.weather import WeatherYear
from datahall.infrastructure.weather.psychrometrics import (
    CP_AIR_J_PER_KG_K,
    Series,
    air_density_kg_per_m3,
    latent_heat_j_per_kg,
    moisture_of,
    saturation_pa,
)


@dataclass(frozen=True, slots=True)
class AirYear:
    """Hourly means; heat_w + fan_w = free_w + dx_w + chilled_w + unmet_w."""

    fan_w: Series
    free_w: Series
    """Heat that leaves with outside air, or through the walls of a room without a plant."""
    dx_w: Series
    """Heat that direct expansion takes."""
    chilled_w: Series
    """Heat that chilled water takes."""
    unmet_w: Series
    """Heat that nothing takes."""
    supply_c: Series
    """Air at the inlets of the equipment; NaN without an air side."""
    pad_kg_per_s: Series
    """Water that evaporates into outside air."""
    plant_w: float = 0.0
    """Heat of equipment and fans at full load that compressors or chilled water behind this side are made for."""


@dataclass(frozen=True, slots=True)
class _Flow:
    """The air that turns round, before anything cools it."""

    served_w: Series
    fan_w: Series
    kg_per_s: Series
    set_point_c: float
    full_w: float
    """Heat at full load, fans' with it."""

    @property
    def heat_w(self) -> Series:
        """What has to leave: the equipment's heat and the fans'."""
        return self.served_w + self.fan_w

    @property
    def needed_c(self) -> Series:
        """Air before the fans, so that it is at the set point after them."""
        return self.set_point_c - self.fan_w / (self.kg_per_s * CP_AIR_J_PER_KG_K)

    @property
    def return_c(self) -> Series:
        return self.set_point_c + self.served_w / (self.kg_per_s * CP_AIR_J_PER_KG_K)


def air_side(side: AirSide | None, weather: WeatherYear, heat_w: Series, *, design_w: float, limit_c: float) -> AirYear:
    """Where the air's heat goes, hour by hour.

    heat_w: of equipment and losses in the room, [hours]. design_w: what fans are sized for; declared units override it.
    limit_c: inlet air up to which an economiser without trim may drift.
    """
    none = np.zeros_like(heat_w)
    if side is None:
        return AirYear(none, none, none, none, heat_w, np.full_like(heat_w, np.nan), none)
    if side.kind == "none":
        return AirYear(none, heat_w, none, none, none, np.full_like(heat_w, side.supply_c), none)
    full_w = sized_w(None, design_w, heat_w)
    capacity_w = side.units.count * side.units.capacity_w if side.units else full_w
    if capacity_w <= 0:
        return AirYear(none, none, none, none, none, np.full_like(heat_w, side.supply_c), none)
    served_w = np.minimum(heat_w, capacity_w)
    behind_w = capacity_w if _on_dx(side) else min(full_w, capacity_w)
    flow = _flow(side, weather, served_w, capacity_w, behind_w)
    unserved_w = heat_w - served_w
    set_point = np.full_like(heat_w, side.supply_c)
    if side.kind == "dx":
        return AirYear(flow.fan_w, none, flow.heat_w, none, unserved_w, set_point, none, flow.full_w)
    if side.kind == "chilled_water":
        return AirYear(flow.fan_w, none, none, flow.heat_w, unserved_w, set_point, none, flow.full_w)
    return _economiser(side, weather, flow, unserved_w, limit_c)


def _on_dx(side: AirSide) -> bool:
    """Whether the units hold compressors of their own, so that what is declared of them is theirs."""
    return "dx" in (side.kind, side.trim if side.kind == "air_economiser" else None)


def _flow(side: AirSide, weather: WeatherYear, served_w: Series, capacity_w: float, full_w: float) -> _Flow:
    """Air in proportion to its heat, but never less than the fans' slowest speed moves."""
    density = float(
        np.mean(air_density_kg_per_m3(np.full(weather.hours, side.supply_c), weather.moisture, weather.pressure_pa))
    )
    design_kg_per_s = capacity_w / (CP_AIR_J_PER_KG_K * side.rise_k)
    ratio = served_w / capacity_w
    rated_w = side.fan_w_per_m3_per_s * design_kg_per_s / density
    fan_w, full_fan_w = (
        affinity_w(rated_w, r, exponent=side.fan_exponent, min_ratio=side.min_flow_ratio)
        for r in (ratio, np.array([full_w / capacity_w]))
    )
    kg_per_s = design_kg_per_s * np.maximum(ratio, side.min_flow_ratio)
    return _Flow(served_w, fan_w, kg_per_s, side.supply_c, full_w + float(full_fan_w[0]))


def _economiser(side: AirSide, weather: WeatherYear, flow: _Flow, unserved_w: Series, limit_c: float) -> AirYear:
    """Outside air: alone while it is cold enough, mixed with return air when colder; trim takes what is left."""
    entering_c = _after_pads(side, weather, flow.needed_c) if side.evaporative else weather.dry_bulb_c
    let_in = weather.dew_point_c <= side.dew_point_max_c
    if side.trim != "none":
        let_in = let_in & (entering_c < flow.return_c)
    over_k = np.maximum(entering_c - flow.needed_c, 0.0)
    j_per_s_k = flow.kg_per_s * CP_AIR_J_PER_KG_K
    none = np.zeros_like(unserved_w)
    cooled_k = np.where(let_in, weather.dry_bulb_c - entering_c, 0.0)
    pad_kg_per_s = j_per_s_k * cooled_k / latent_heat_j_per_kg(weather.wet_bulb_c)
    if side.trim == "none":
        supply_c = np.where(let_in, side.supply_c + over_k, flow.return_c)
        left_w = np.where(let_in, np.minimum(j_per_s_k * np.maximum(supply_c - limit_c, 0.0), flow.heat_w), flow.heat_w)
        return AirYear(flow.fan_w, flow.heat_w - left_w, none, none, unserved_w + left_w, supply_c, pad_kg_per_s)
    trim_w = np.where(let_in, np.minimum(j_per_s_k * over_k, flow.heat_w), flow.heat_w)
    dx_w, chilled_w = (trim_w, none) if side.trim == "dx" else (none, trim_w)
    supply_c = np.full_like(unserved_w, side.supply_c)
    return AirYear(flow.fan_w, flow.heat_w - trim_w, dx_w, chilled_w, unserved_w, supply_c, pad_kg_per_s, flow.full_w)


def _after_pads(side: AirSide, weather: WeatherYear, needed_c: Series) -> Series:
    """Outside air after direct evaporation: no further than needed, than the pads reach, or than the dew-point limit allows."""
    dry_bulb_c = weather.dry_bulb_c
    reached_c = dry_bulb_c - side.evaporative_effectiveness * (dry_bulb_c - weather.wet_bulb_c)
    most = moisture_of(saturation_pa(np.full(weather.hours, side.dew_point_max_c)), weather.pressure_pa)
    room = np.maximum(most - weather.moisture, 0.0)
    moist_c = dry_bulb_c - room * latent_heat_j_per_kg(weather.wet_bulb_c) / CP_AIR_J_PER_KG_K
    lowest_c = np.maximum(np.maximum(reached_c, moist_c), needed_c)
    return np.minimum(dry_bulb_c, lowest_c)
