"""What a hall has that takes heat while cooling is gone, and how long that holds."""

from collections.abc import Iterable

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.cooling.ride_through import RideThroughResult, ride_through
from datahall.infrastructure.estate import Estate
from datahall.infrastructure.spec import Cooling, Room

ROOM_HEIGHT_M = 3.6
"""Where a room does not say its height: GB 50174-2017 asks for 2.6 m clear, and halls are built about a metre higher."""
AREA_PER_RACK_M2 = 3.0
"""Where no room says its size: a 0.6 x 1.2 m rack with its share of two aisles of 1.2 m and of the ends of rows."""


def air_m3_of(rooms: Iterable[Room], racks: int) -> float:
    """Air in the rooms whose width and depth are known; without any, in the floor that so many racks take."""
    sized = [room for room in rooms if room.width_m and room.depth_m]
    if not sized:
        return racks * AREA_PER_RACK_M2 * ROOM_HEIGHT_M
    return sum((room.width_m or 0.0) * (room.depth_m or 0.0) * (room.height_m or ROOM_HEIGHT_M) for room in sized)


def racks_kg_of(estate: Estate, catalogue: Catalogue) -> float:
    """Racks and what is in them, where rows say what it weighs."""
    weight = 0.0
    for block in estate.blocks:
        rack = catalogue.racks.get(block.group.part or "")
        weight += len(block.names) * (block.contents_kg + (rack.empty_weight_kg if rack else 0.0))
    return weight


def hall_ride_through(
    cooling: Cooling,
    *,
    air_heat_w: float,
    liquid_heat_w: float,
    door_heat_w: float,
    air_m3: float,
    racks_kg: float,
    outdoor_c: float | None,
) -> RideThroughResult | None:
    """How long a hall with this cooling stays below its limit at this heat, as `ride_through` has it; None without an air side.

    door_heat_w: the part of liquid_heat_w that rear doors take out of the air. outdoor_c: None: as warm as the supply air.
    """
    held, liquid, air = cooling.ride_through, cooling.liquid, cooling.air
    if air is None:
        return None
    chilled = air.kind == "chilled_water" or air.trim == "chilled_water"
    return ride_through(
        air_heat_w=air_heat_w,
        limit_c=held.limit_c,
        supply_c=air.supply_c,
        air_m3=air_m3,
        rack_kg=racks_kg,
        rack_kj_per_kg_k=held.rack_kj_per_kg_k,
        rack_coupling_ratio=held.rack_coupling_ratio,
        water_kg=held.tank_water_kg,
        water_c=cooling.plant.chilled_water_c if chilled else None,
        wall_w_per_k=held.wall_w_per_k,
        outdoor_c=air.supply_c if outdoor_c is None else outdoor_c,
        liquid_heat_w=liquid_heat_w,
        door_heat_w=door_heat_w,
        loop_water_kg=(liquid.loop_water_kg or 0.0) if liquid else 0.0,
        loop_rise_limit_k=held.loop_rise_limit_k,
    )
