"""What stops, and when, once chillers, pumps or their power are lost: heat builds up until the limit."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from datahall.foundation.units import seconds_text
from datahall.infrastructure.cooling.heat import heat_of
from datahall.infrastructure.cooling.held import air_m3_of, hall_ride_through, racks_kg_of
from datahall.infrastructure.spec import Cooling
from datahall.infrastructure.spec.cooling import Units
from datahall.infrastructure.works import DesignHour
from datahall.network.load import Loaded

Side = Literal["air", "liquid"]


@dataclass(frozen=True, slots=True)
class CoolingLoss:
    """What of cooling is gone."""

    chillers: int = 0
    pumps: int = 0
    plant: bool = False
    fans: bool = False
    fans_hold_s: float = 0.0
    """How long batteries still turn fans and pumps."""


@dataclass(frozen=True, slots=True)
class HeatStop:
    """Racks that stop when the limit is reached."""

    side: Side
    racks: tuple[str, ...]
    loose_machines: bool
    """Machines that stand outside of racks stop too: all air cooling is gone."""
    after_s: float
    why: str


class CoolingReach:
    """One hall's cooling at its design load: one plant for all rooms, as the hall file has it."""

    def __init__(self, loaded: Loaded, design: DesignHour) -> None:
        self.loaded, self.design = loaded, design

    def stops(self, loss: CoolingLoss) -> tuple[HeatStop, ...]:
        """What stops by heat, the earliest first; empty where what is left takes the heat, or holds for a day.

        Too little cooling stops just as many racks as the heat in excess asks, the last of the file first: who stops is a
        choice that nobody has made yet. Economisers, which may help in cold hours, are not counted on.
        """
        cooling = self.loaded.hall.cooling
        if cooling is None or loss == CoolingLoss() or self._air_m3 + self._racks_kg <= 0:
            return ()
        air_w, liquid_w = self._excess_w(cooling, loss)
        found = [*self._by_air(cooling, loss, air_w, liquid_w), *self._by_liquid(cooling, loss, liquid_w)]
        return tuple(sorted(found, key=lambda stop: stop.after_s))

    def _excess_w(self, cooling: Cooling, loss: CoolingLoss) -> tuple[float, float]:
        """Heat to air and to liquid that nothing takes away, W."""
        air_w, liquid_w = self.design.air_heat_w, self.design.liquid_heat_w
        if loss.plant or loss.fans:
            return air_w, liquid_w
        units = cooling.liquid.units if cooling.liquid else None
        chilled_air_w = air_w if cooling.air and "chilled_water" in (cooling.air.kind, cooling.air.trim) else 0.0
        by_chiller = cooling.liquid and "chilled_water" in (cooling.liquid.rejection, cooling.liquid.trim)
        chilled_liquid_w = liquid_w if by_chiller else 0.0
        # Without distribution units, the pumps are those of the chillers, one each.
        chillers_out = loss.chillers + (0 if units else loss.pumps)
        short = _short(cooling.plant.chillers, chillers_out, chilled_air_w + chilled_liquid_w)
        flow_short = _short(units, loss.pumps if units else 0, liquid_w)
        return short * chilled_air_w, max(short * chilled_liquid_w, flow_short * liquid_w)

    def _by_air(self, cooling: Cooling, loss: CoolingLoss, air_w: float, liquid_w: float) -> Iterator[HeatStop]:
        """Rear doors stand with the air: what they no longer take stays in it."""
        door_w = self._door_ratio * liquid_w
        if air_w + door_w <= 0:
            return
        held = hall_ride_through(
            cooling,
            air_heat_w=air_w,
            liquid_heat_w=liquid_w,
            door_heat_w=door_w,
            air_m3=self._air_m3,
            racks_kg=self._racks_kg,
            outdoor_c=self.design.outdoor_c,
        )
        after_s = None if held is None else _until(held.with_ups_s, held.without_ups_s, loss)
        if after_s is None:
            return
        share = (air_w + door_w) / (self.design.air_heat_w + self._door_ratio * self.design.liquid_heat_w)
        yield self._stop("air", share, after_s)

    def _by_liquid(self, cooling: Cooling, loss: CoolingLoss, liquid_w: float) -> Iterator[HeatStop]:
        plates_w = (1 - self._door_ratio) * liquid_w
        if plates_w <= 1e-9 * self.design.liquid_heat_w or cooling.liquid is None:
            return
        held = hall_ride_through(
            cooling,
            air_heat_w=self.design.air_heat_w,
            liquid_heat_w=liquid_w,
            door_heat_w=0.0,
            air_m3=self._air_m3,
            racks_kg=self._racks_kg,
            outdoor_c=self.design.outdoor_c,
        )
        loop_s = held.liquid_s if held is not None and held.liquid_s is not None else 0.0
        yield self._stop("liquid", liquid_w / self.design.liquid_heat_w, min(loop_s, loss.fans_hold_s) if loss.fans else loop_s)

    def _stop(self, side: Side, share: float, after_s: float) -> HeatStop:
        racks = self._last_racks(side, share)
        every = share >= 1 - 1e-9
        which = "all that it cools" if every else f"{len(racks):,} racks, as many as {share:.0%} of the heat asks,"
        why = f"heat to {side} stays in the hall: {which} stop after {seconds_text(after_s)}"
        return HeatStop(side, racks, every and side == "air", after_s, why)

    def _last_racks(self, side: Side, share: float) -> tuple[str, ...]:
        """Racks from the end of the file whose heat to this side makes up the share of all of it."""
        heat = self._rack_heat_w[side]
        asked_w, found = share * sum(w for _, w in heat) * (1 - 1e-9), list[str]()
        for rack, rack_w in reversed(heat):
            if asked_w <= 0:
                break
            found.append(rack)
            asked_w -= rack_w
        return tuple(found)

    @cached_property
    def _rack_heat_w(self) -> dict[Side, list[tuple[str, float]]]:
        """Racks with heat to each side, W at full load; what rear doors take counts as air."""
        found: dict[Side, list[tuple[str, float]]] = {"air": [], "liquid": []}
        for block in self.loaded.estate.blocks:
            liquid_w = block.peak_w * block.liquid_ratio
            found["air"] += [(rack, block.peak_w - liquid_w) for rack in block.names if block.peak_w > liquid_w]
            found["liquid"] += [(rack, liquid_w) for rack in block.names if liquid_w > 0]
        return found

    @cached_property
    def _door_ratio(self) -> float:
        """Share of the heat to liquid that rear doors take."""
        cooling = self.loaded.hall.cooling
        heat = heat_of(self.loaded.estate, cooling) if cooling else None
        return heat.rear_door_w / heat.liquid_w if heat and heat.liquid_w else 0.0

    @cached_property
    def _air_m3(self) -> float:
        return air_m3_of(self.loaded.hall.rooms, self.loaded.estate.racks)

    @cached_property
    def _racks_kg(self) -> float:
        return racks_kg_of(self.loaded.estate, self.loaded.catalogue)


def _until(turning_s: float | None, still_s: float | None, loss: CoolingLoss) -> float | None:
    """When the air is at its limit, s: as slowly as with fans while batteries turn them, then as fast as without."""
    if not loss.fans or (turning_s is not None and turning_s <= loss.fans_hold_s):
        return turning_s
    if still_s is None:
        return None
    warmed = 0.0 if turning_s is None else loss.fans_hold_s / turning_s
    return loss.fans_hold_s + (1 - warmed) * still_s


def _short(units: Units | None, out: int, heat_w: float) -> float:
    """Share of the heat that the units that are left do not take."""
    if units is None or heat_w <= 0 or out == 0:
        return 0.0
    left_w = max(0, units.count - out) * units.capacity_w
    return max(0.0, 1 - left_w / heat_w)
