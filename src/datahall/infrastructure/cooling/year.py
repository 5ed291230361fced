"""A year of cooling: the sides and the plant put together, and the heat counted."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.cooling.air import AirYear, air_side
from datahall.infrastructure.cooling.liquid import LiquidYear, liquid_side
from datahall.infrastructure.cooling.plant import PlantYear, chilled_water, direct_expansion
from datahall.infrastructure.spec import AirSide, Cooling
from datahall.infrastructure.weather import WeatherYear
from datahall.infrastructure.weather.psychrometrics import Series

BALANCE_LIMIT = 1e-9


@dataclass(frozen=True)
class CoolingYear:
    """Hourly means in W, water in L per hour, [hours]."""

    fan_w: Series
    """Fans in the room; their heat has to leave too."""
    pump_w: Series
    compressor_w: Series
    rejection_fan_w: Series
    """Fans of towers, dry coolers and condensers: outdoors, so their heat is not counted."""
    water_l: Series
    heat_rejected_w: Series
    """Heat to outdoors."""
    reused_w: Series
    """Heat given to others."""
    unmet_w: Series
    """Heat that nothing takes: beyond a capacity, or beyond what the weather allows without trim."""
    supply_c: Series
    """Air at the inlets; NaN without an air side."""
    free_ratio: Series
    """Share of the heat that left without a compressor, 0..1."""
    balance_error: float
    """Largest relative difference between heat in and heat out in any hour."""

    def at(self, hours: ArrayLike) -> "CoolingYear":
        """Only these hours, in this order."""
        chosen = np.asarray(hours)
        series = {f.name: value[chosen] for f in fields(self) if isinstance(value := getattr(self, f.name), np.ndarray)}
        return replace(self, **series)

    @cached_property
    def electricity_w(self) -> Series:
        """All that cooling draws."""
        return self.fan_w + self.pump_w + self.compressor_w + self.rejection_fan_w

    @cached_property
    def critical_w(self) -> Series:
        """What must not stop: room fans and pumps."""
        return self.fan_w + self.pump_w

    @property
    def economiser_h(self) -> int:
        """Hours in which no compressor ran."""
        return int(np.count_nonzero(self.compressor_w <= 0))

    @property
    def unmet_h(self) -> int:
        """Hours in which some heat stayed, more than a millionth of what there was."""
        return int(np.count_nonzero(self.unmet_w > 1e-6 * (self.heat_rejected_w + self.reused_w + self.unmet_w)))


def cool(
    cooling: Cooling,
    weather: WeatherYear,
    *,
    air_heat_w: ArrayLike,
    liquid_heat_w: ArrayLike,
    indoor_loss_w: ArrayLike,
    design_air_w: float = 0.0,
    design_liquid_w: float = 0.0,
    catalogue: Catalogue | None = None,
) -> CoolingYear:
    """What it takes to carry heat away through a year of weather.

    air_heat_w, liquid_heat_w: heat of the equipment to air and to liquid; indoor_loss_w: losses of power elements in the room,
    to its air; each one number or [hours]. design_air_w, design_liquid_w: what all machines are made for where no units are
    declared; without them, the largest hour. catalogue: where chillers' Carnot ratios are looked up.
    Raises ArithmeticError when in any hour heat out differs from heat in by more than 1e-9 of it: that would be our fault.
    Source: the equations stand, with theirs, in machines.py, air.py, liquid.py and plant.py.
    """
    parts = catalogue or Catalogue()
    it_air_w, it_liquid_w, loss_w = (_series(w, weather.hours) for w in (air_heat_w, liquid_heat_w, indoor_loss_w))
    room_w = it_air_w + loss_w
    air = air_side(cooling.air, weather, room_w, design_w=design_air_w, limit_c=cooling.ride_through.limit_c)
    liquid = liquid_side(cooling.liquid, cooling.plant, weather, it_liquid_w, design_w=design_liquid_w)
    by_water_w = (air.plant_w if _on_chilled_water(cooling.air) else 0.0) + liquid.plant_w
    chilled_w = air.chilled_w + liquid.chilled_w
    chilled = chilled_water(cooling.plant, weather, chilled_w, design_w=by_water_w, catalogue=parts)
    supply_c = cooling.air.supply_c if cooling.air else 0.0
    dx = direct_expansion(cooling.plant, weather, air.dx_w, design_w=air.plant_w, supply_c=supply_c, catalogue=parts)
    return _counted(cooling.plant.heat_reuse_ratio, room_w + it_liquid_w, air, liquid, (chilled, dx))


def _on_chilled_water(side: AirSide | None) -> bool:
    return side is not None and (side.kind if side.kind != "air_economiser" else side.trim) == "chilled_water"


def _series(value: ArrayLike, hours: int) -> Series:
    return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (hours,)))


def _counted(
    reuse_ratio: float, heat_w: Series, air: AirYear, liquid: LiquidYear, plants: tuple[PlantYear, PlantYear]
) -> CoolingYear:
    """The sums, with heat in and heat out compared."""
    chilled, dx = plants
    sides_w = air.free_w + liquid.free_w
    rejected_w = sides_w * (1 - reuse_ratio) + chilled.out_w + dx.out_w
    reused_w = sides_w * reuse_ratio + chilled.reused_w + dx.reused_w
    unmet_w = air.unmet_w + liquid.unmet_w + chilled.unmet_w
    pump_w = liquid.pump_w + chilled.pump_w
    compressor_w = chilled.compressor_w + dx.compressor_w
    total_in_w = heat_w + air.fan_w + pump_w + compressor_w
    error = _relative(rejected_w + reused_w + unmet_w, total_in_w)
    if not error <= BALANCE_LIMIT:
        raise ArithmeticError(f"cool: heat out differs from heat in by {error:.2e} of it, more than {BALANCE_LIMIT:g}")
    served_w = heat_w + air.fan_w + liquid.pump_w
    return CoolingYear(
        fan_w=air.fan_w,
        pump_w=pump_w,
        compressor_w=compressor_w,
        rejection_fan_w=liquid.fan_w + chilled.fan_w + dx.fan_w,
        water_l=air.pad_kg_per_s * 3600 + liquid.water_l + chilled.water_l,
        heat_rejected_w=rejected_w,
        reused_w=reused_w,
        unmet_w=unmet_w,
        supply_c=air.supply_c,
        free_ratio=np.divide(sides_w + chilled.free_w, served_w, out=np.ones_like(served_w), where=served_w > 0),
        balance_error=error,
    )


def _relative(out_w: Series, in_w: Series) -> float:
    return float(np.max(np.abs(out_w - in_w) / np.maximum(in_w, 1.0)))
