"""How long the hall stays cool once cooling is lost."""

from datahall.infrastructure.cooling import RideThroughResult, heat_of
from datahall.infrastructure.cooling.held import AREA_PER_RACK_M2, ROOM_HEIGHT_M, air_m3_of, hall_ride_through, racks_kg_of
from datahall.infrastructure.spec import Cooling
from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger
from datahall.planner.sections.cooling_facts import heat_to_air_facts, ride_through_facts


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
    found = hall_ride_through(
        cooling,
        air_heat_w=year.design.air_heat_w,
        liquid_heat_w=year.design.liquid_heat_w,
        door_heat_w=_door_ratio(ledger, cooling) * year.design.liquid_heat_w,
        air_m3=air.value,
        racks_kg=racks.value,
        outdoor_c=float(year.weather.dry_bulb_c.max()) if year.weather else None,
    )
    if found is None:
        return None
    _add_times(ledger, found, [heat, air, racks, *ride_through_facts(ledger, cooling, year)])
    return found


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
    estate = ledger.loaded.estate
    volume = air_m3_of(rooms, estate.racks)
    if rooms:
        return ledger.given(
            "air_volume_m3", volume, "m³", source="width × depth × height of the rooms", about="air in the rooms"
        )
    ledger.assume("rooms[].width_m", f"{AREA_PER_RACK_M2:g} m² of floor for each rack, {ROOM_HEIGHT_M:g} m high")
    return ledger.given(
        "air_volume_m3", volume, "m³", source="racks × assumed floor × height", about="air in the rooms", assumed=True
    )


def _racks_kg(ledger: Ledger) -> Figure:
    weight = racks_kg_of(ledger.loaded.estate, ledger.loaded.catalogue)
    return ledger.given(
        "racks_weight_kg", weight, "kg", source="catalogue rows of racks and contents", about="racks and what is in them"
    )
