"""What takes heat while cooling is gone: rooms as declared, or the floor of the racks."""

import pytest

from datahall.infrastructure.cooling.held import air_m3_of, hall_ride_through
from datahall.infrastructure.spec import AirSide, Cooling, Room


def test_rooms_say_their_air_and_racks_stand_in_where_none_does():
    """Given a room of 6 x 5 x 4 m and one without a size, 120 m3; given none with a size, ten racks stand on 30 m2 x 3.6 m."""
    rooms = (Room(name="white", width_m=6, depth_m=5, height_m=4), Room(name="store"))
    assert air_m3_of(rooms, 10) == 120
    assert air_m3_of(rooms[1:], 10) == pytest.approx(10 * 3.0 * 3.6)


def test_more_heat_holds_less_long_and_no_air_side_is_no_answer():
    """Given twice the heat, the limit comes in half the time; without an air side nothing is said."""
    cooling = Cooling(air=AirSide(kind="dx"))
    rest = {"liquid_heat_w": 0.0, "door_heat_w": 0.0, "air_m3": 500.0, "racks_kg": 0.0, "outdoor_c": None}
    one, two = (hall_ride_through(cooling, air_heat_w=heat_w, **rest) for heat_w in (50e3, 100e3))
    assert one is not None and two is not None and one.without_ups_s == pytest.approx(2 * (two.without_ups_s or 0), rel=1e-6)
    assert hall_ride_through(Cooling(), air_heat_w=50e3, **rest) is None
