"""How long the hall stays cool once cooling is lost."""

from datahall.infrastructure.cooling import RideThroughResult, heat_of, ride_through
from datahall.infrastructure.spec import Cooling, Room
from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger
from datahall.planner.sections.cooling_facts import heat_to_air_facts, ride_through_facts

ROOM_HEIGHT_M = 3.6
"""Where a room does not say its height: GB 50174-2017 asks for 2.6 m clear, and halls are built about a metre higher."""
AREA_PER_RACK_M2 = 3.0
"""Where no room says its size: a 0.6 x 1.2 m rack with its share of two aisles of 1.2 m and of the ends of rows."""


def add_ride_through(ledger: Ledger, year: FacilityYear) -> RideThroughResult | None:
    """Seconds to the limit, at full load, without heat rejection. None without a cooling section or heat."""
    cooling, full = ledger.loaded.hall.cooling, ledger.figures["it_design_w"]
    if cooling is None or cooling.air is None or full.value <= 0:
        return None
    air, racks = _air_m3(ledger), _racks_kg(ledger)
    heat = ledger.computed(
        "air_heat_at_full_load_w",
        year.design.air_heat_w,
        "W",
        formula="IT at full load × (1 − share to liquid) + losses indoors",
        inputs=[full, *heat_to_air_facts(ledger, year)],
        about="heat to the air at full load",
    )
    if air.value + racks.value <= 0:
        ledger.lacks("rooms[].width_m and depth_m", "ride-through: nothing is known that would take the heat")
        return None
    found = _result(ledger, cooling, year, air_m3=air.value, racks_kg=racks.value)
    _add_times(ledger, found, [heat, air, racks, *ride_through_facts(ledger, cooling, year)])
    return found


def _result(ledger: Ledger, cooling: Cooling, year: FacilityYear, *, air_m3: float, racks_kg: float) -> RideThroughResult:
    held, liquid, air = cooling.ride_through, cooling.liquid, cooling.air
    assert air is not None  # noqa: S101 - the caller looked
    chilled = air.kind == "chilled_water" or air.trim == "chilled_water"
    outdoor_c = float(year.weather.dry_bulb_c.max()) if year.weather else air.supply_c
    return ride_through(
        air_heat_w=year.design.air_heat_w,
        limit_c=held.limit_c,
        supply_c=air.supply_c,
        air_m3=air_m3,
        rack_kg=racks_kg,
        rack_kj_per_kg_k=held.rack_kj_per_kg_k,
        rack_coupling_ratio=held.rack_coupling_ratio,
        water_kg=held.tank_water_kg,
        water_c=cooling.plant.chilled_water_c if chilled else None,
        wall_w_per_k=held.wall_w_per_k,
        outdoor_c=outdoor_c,
        liquid_heat_w=year.design.liquid_heat_w,
        door_heat_w=_door_ratio(ledger, cooling) * year.design.liquid_heat_w,
        loop_water_kg=(liquid.loop_water_kg or 0.0) if liquid else 0.0,
        loop_rise_limit_k=held.loop_rise_limit_k,
    )


def _door_ratio(ledger: Ledger, cooling: Cooling) -> float:
    """Share of the heat to liquid that rear doors take out of the air."""
    heat = heat_of(ledger.loaded.estate, cooling)
    return heat.rear_door_w / heat.liquid_w if heat.liquid_w else 0.0


def _add_times(ledger: Ledger, found: RideThroughResult, inputs: list[Figure]) -> None:
    for name, seconds, about in (
        ("ride_through_s", found.without_ups_s, "cooling lost, fans and pumps too: until inlet air is at the limit"),
        ("ride_through_on_ups_s", found.with_ups_s, "heat rejection lost, fans and pumps on UPS"),
        ("ride_through_liquid_s", found.liquid_s, "heat rejection lost, pumps on UPS: until the loop has warmed by its rise"),
    ):
        if seconds is not None:
            ledger.computed(
                name,
                seconds,
                "s",
                formula="C dT/dt = heat − walls − water, in closed form",
                inputs=inputs,
                about=about,
                source="lumped capacitance, Incropera, section 5.1",
            )


def _air_m3(ledger: Ledger) -> Figure:
    rooms = [room for room in ledger.loaded.hall.rooms if room.width_m and room.depth_m]
    if any(room.height_m is None for room in rooms):
        ledger.assume("rooms[].height_m", f"{ROOM_HEIGHT_M:g} m high")
    if rooms:
        volume = sum(_volume_m3(room) for room in rooms)
        return ledger.given(
            "air_volume_m3", volume, "m³", source="width × depth × height of the rooms", about="air in the rooms"
        )
    volume = ledger.loaded.estate.racks * AREA_PER_RACK_M2 * ROOM_HEIGHT_M
    ledger.assume("rooms[].width_m", f"{AREA_PER_RACK_M2:g} m² of floor for each rack, {ROOM_HEIGHT_M:g} m high")
    return ledger.given(
        "air_volume_m3", volume, "m³", source="racks × assumed floor × height", about="air in the rooms", assumed=True
    )


def _volume_m3(room: Room) -> float:
    return (room.width_m or 0.0) * (room.depth_m or 0.0) * (room.height_m or ROOM_HEIGHT_M)


def _racks_kg(ledger: Ledger) -> Figure:
    parts = ledger.loaded.catalogue.racks
    weight = 0.0
    for block in ledger.loaded.estate.blocks:
        rack = parts.get(block.group.part or "")
        weight += len(block.names) * (block.contents_kg + (rack.empty_weight_kg if rack else 0.0))
    return ledger.given(
        "racks_weight_kg", weight, "kg", source="catalogue rows of racks and contents", about="racks and what is in them"
    )
