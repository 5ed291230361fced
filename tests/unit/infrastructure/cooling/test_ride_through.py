"""How long a hall stays cool enough once cooling is lost."""

import numpy as np
import pytest

from datahall.infrastructure.cooling import ride_through

ROOM = {
    "air_heat_w": 1e6,
    "supply_c": 24.0,
    "limit_c": 32.0,
    "air_m3": 2000.0,
    "rack_kg": 60_000.0,
    "rack_kj_per_kg_k": 0.5,
    "rack_coupling_ratio": 0.3,
}


def test_without_walls_and_water_warming_is_a_straight_line() -> None:
    """Given 1 MW into 2000 m3 of air and 30 % of 60 t of racks, 8 K take C x 8 / P seconds: a minute and a half."""
    found = ride_through(**ROOM)
    capacity = 1.2 * 1006 * 2000 + 60_000 * 0.3 * 500
    assert found.without_ups_s == pytest.approx(capacity * 8 / 1e6, rel=1e-5) and found.air_j_per_k == pytest.approx(capacity)
    assert found.with_ups_s == found.without_ups_s and found.liquid_s is None


def test_walls_can_hold_a_small_room_for_good() -> None:
    """Given 2 kW in a room that loses 500 W/K to 20 C outside, 24 C is never passed: the limit is not reached."""
    found = ride_through(**ROOM | {"air_heat_w": 2e3}, wall_w_per_k=500)
    assert found.without_ups_s is None and found.without_ups.air_c.max() <= 24 + 1e-6


@pytest.mark.parametrize(("water_kg", "wall_w_per_k"), [(0.0, 0.0), (0.0, 4e3), (20_000.0, 0.0), (20_000.0, 4e3)])
def test_the_curve_is_what_an_integrator_finds(water_kg: float, wall_w_per_k: float) -> None:
    """Given a room with and without walls and a tank, the closed form is scipy's solution to 1e-6 K, past the limit."""
    from scipy.integrate import solve_ivp

    found = ride_through(**ROOM, water_kg=water_kg, water_c=12.0, wall_w_per_k=wall_w_per_k, outdoor_c=30.0)
    air, water = found.air_j_per_k, max(found.water_j_per_k, 1.0)
    coil = (1e6 - wall_w_per_k * (24 - 30)) / (24 - 12) if water_kg else 0.0

    def slope(_: float, t: np.ndarray) -> list[float]:
        taken = coil * (t[0] - t[1])
        return [(1e6 - taken - wall_w_per_k * (t[0] - 30)) / air, taken / water]

    times = found.with_ups.time_s
    theirs = solve_ivp(slope, (0, times[-1]), [24.0, 12.0], method="LSODA", t_eval=times, rtol=1e-11, atol=1e-11)
    assert found.with_ups.air_c == pytest.approx(theirs.y[0], abs=1e-6)
    assert found.with_ups_s is not None and np.interp(found.with_ups_s, times, found.with_ups.air_c) == pytest.approx(
        32, abs=0.02
    )


def test_a_tank_behind_pumps_on_ups_buys_minutes() -> None:
    """Given 20 t of water at 12 C, fans and pumps on UPS more than treble the time, about what the water's heat allows."""
    found = ride_through(**ROOM, water_kg=20_000, water_c=12.0)
    assert found.without_ups_s is not None and found.with_ups_s is not None
    most = (found.air_j_per_k * 8 + found.water_j_per_k * 20) / 1e6
    assert 3 * found.without_ups_s < found.with_ups_s < most


def test_water_that_is_not_colder_than_the_air_is_no_help() -> None:
    """Given a loop of 30 C under supply air of 24 C, it takes no heat from the room."""
    found = ride_through(**ROOM, water_kg=20_000, water_c=30.0)
    assert found.with_ups_s == found.without_ups_s


def test_a_liquid_loop_lasts_as_long_as_its_water() -> None:
    """Given 5 t of water under 2 MW, 10 K last 5000 x 4186 x 10 / 2e6 s = 105 s; without water nothing."""
    assert ride_through(**ROOM, liquid_heat_w=2e6, loop_water_kg=5000).liquid_s == pytest.approx(104.65)
    assert ride_through(**ROOM, liquid_heat_w=2e6).liquid_s == 0


def test_a_room_at_its_limit_has_no_time() -> None:
    """Given supply air at the limit, nothing is left."""
    assert ride_through(**ROOM | {"supply_c": 32.0}).without_ups_s == 0


def test_a_hall_without_heat_has_no_limit_to_reach() -> None:
    """Given no heat, the temperature stays, and the curve shows an hour of it."""
    found = ride_through(**ROOM | {"air_heat_w": 0.0})
    assert found.without_ups_s is None and found.without_ups.air_c == pytest.approx(24) and found.without_ups.time_s[-1] == 3600


def test_something_has_to_take_the_heat() -> None:
    """Given neither air nor racks, the question has no answer."""
    with pytest.raises(ValueError, match="air_m3 and rack_kg are both 0"):
        ride_through(**ROOM | {"air_m3": 0.0, "rack_kg": 0.0})


def test_what_doors_took_stays_in_the_air_once_pumps_stop() -> None:
    """Given 1 MW to air and 4 MW to rear doors, without pumps 5 MW warm the room: a fifth of the time."""
    doors = {"liquid_heat_w": 4e6, "door_heat_w": 4e6, "loop_water_kg": 12_000.0, "loop_rise_limit_k": 10.0}
    plain, found = ride_through(**ROOM), ride_through(**ROOM, **doors)
    assert plain.without_ups_s is not None
    assert found.without_ups_s == pytest.approx(plain.without_ups_s / 5, rel=1e-5)


def test_with_pumps_doors_hold_no_longer_than_their_loop() -> None:
    """Given a tank that would hold the air for longer, the loop's 12 t of water decide: m c 10 K / 4 MW."""
    doors = {"liquid_heat_w": 4e6, "door_heat_w": 4e6, "loop_water_kg": 12_000.0, "loop_rise_limit_k": 10.0}
    found = ride_through(**ROOM, **doors, water_kg=80_000, water_c=12.0)
    assert found.with_ups_s == found.liquid_s == pytest.approx(12_000 * 4186 * 10 / 4e6)
