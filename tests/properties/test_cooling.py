"""What must hold for any cooling plant in any weather."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.infrastructure.cooling import CoolingYear, cool, ride_through
from datahall.infrastructure.cooling.machines import cop, part_load_factor
from datahall.infrastructure.spec import AirSide, Cooling, LiquidSide, Plant, Site, Weather
from datahall.infrastructure.weather import WeatherYear, weather_of
from datahall.infrastructure.weather.psychrometrics import moisture_of, saturation_pa, wet_bulb_c
from datahall.infrastructure.weather.year import year_of

air_sides = st.builds(
    AirSide, kind=st.sampled_from(["air_economiser", "chilled_water", "dx", "none"]), supply_c=st.floats(18, 30),
    rise_k=st.floats(5, 20), evaporative=st.booleans(), dew_point_max_c=st.floats(10, 24), fan_exponent=st.floats(2, 3),
    trim=st.sampled_from(["dx", "chilled_water", "none"]), min_flow_ratio=st.floats(0.2, 1),
)  # fmt: skip
liquid_sides = st.builds(
    LiquidSide, supply_c=st.floats(20, 45), rise_k=st.floats(4, 15), trim=st.sampled_from(["chilled_water", "none"]),
    rejection=st.sampled_from(["dry_cooler", "adiabatic_cooler", "tower", "chilled_water"]),
)  # fmt: skip
plants = st.builds(
    Plant, chiller=st.sampled_from(["centrifugal", "screw", "air_cooled"]), chilled_water_c=st.floats(7, 22),
    condenser=st.sampled_from(["tower", "dry"]), water_economiser=st.booleans(), heat_reuse_ratio=st.floats(0, 1),
    cycles_of_concentration=st.floats(1.5, 10),
)  # fmt: skip
coolings = st.builds(Cooling, air=st.none() | air_sides, liquid=st.none() | liquid_sides, plant=plants)
climates = st.sampled_from(["temperate", "cold", "hot-dry", "hot-humid"])
loads = st.floats(0, 1e8)


def climate(name: str) -> WeatherYear:
    return weather_of(Site(weather=Weather(builtin=name)), Path())


def year(cooling: Cooling, weather: WeatherYear, air_w: float, liquid_w: float = 0.0, loss_w: float = 0.0) -> CoolingYear:
    return cool(cooling, weather, air_heat_w=air_w, liquid_heat_w=liquid_w, indoor_loss_w=loss_w)


@settings(max_examples=60, deadline=None)
@given(cooling=coolings, name=climates, heats_w=st.tuples(loads, loads, loads), seed=st.integers(0, 9))
def test_no_heat_is_lost_or_made(cooling: Cooling, name: str, heats_w: tuple[float, float, float], seed: int) -> None:
    """Given any plant under heat that wanders by the hour, heat out is heat in to 1e-9, and nothing is negative."""
    air_w, liquid_w, loss_w = heats_w
    load = np.random.default_rng(seed).uniform(0, 1, 8760)
    found = cool(cooling, climate(name), air_heat_w=air_w * load, liquid_heat_w=liquid_w * load, indoor_loss_w=loss_w * load)
    heat_in = (air_w + liquid_w + loss_w) * load + found.critical_w + found.compressor_w
    heat_out = found.heat_rejected_w + found.reused_w + found.unmet_w
    assert np.allclose(heat_in, heat_out, rtol=1e-9, atol=1e-3) and found.balance_error <= 1e-9
    for series in (found.electricity_w, found.water_l, found.heat_rejected_w, found.reused_w, found.unmet_w, found.free_ratio):
        assert series.min() >= -1e-6 * (1 + air_w + liquid_w + loss_w)
    assert found.free_ratio.max() <= 1 + 1e-9


@settings(max_examples=30, deadline=None)
@given(cooling=coolings, name=climates, air_w=st.floats(1e3, 1e7), times=st.floats(0.1, 50))
def test_a_larger_hall_is_the_same_hall(cooling: Cooling, name: str, air_w: float, times: float) -> None:
    """Given all heat times a factor, power, water and unmet heat are times the factor: PUE and WUE stay."""
    small, large = (year(cooling, climate(name), w, w / 2, w / 20) for w in (air_w, air_w * times))
    for field in ("electricity_w", "water_l", "heat_rejected_w", "unmet_w"):
        assert np.allclose(getattr(large, field), getattr(small, field) * times, rtol=1e-9, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(name=climates, warmer_k=st.floats(0, 8), plant=plants, supply_c=st.floats(20, 28))
def test_warmer_air_never_lowers_a_compressors_work(name: str, warmer_k: float, plant: Plant, supply_c: float) -> None:
    """Given a year that is warmer in every hour at the same relative humidity, no plant's compressors draw less over it."""
    now = climate(name)
    then = year_of(
        now.dry_bulb_c + warmer_k, now.humidity_ratio, now.pressure_pa, latitude_deg=None, longitude_deg=None,
        elevation_m=0, utc_offset_h=0, source="warmer",
    )  # fmt: skip
    for kind in ("air_economiser", "chilled_water", "dx"):
        cooling = Cooling(air=AirSide(kind=kind, supply_c=supply_c), plant=plant)  # type: ignore[arg-type]
        before, after = (year(cooling, weather, 1e6).compressor_w.sum() for weather in (now, then))
        assert after >= before * (1 - 1e-9)


@settings(max_examples=30, deadline=None)
@given(name=climates, wetter_k=st.floats(0, 5))
def test_a_wetter_bulb_never_lowers_a_tower_plants_work(name: str, wetter_k: float) -> None:
    """Given wet bulbs that are higher in every hour, a tower plant's compressors draw no less in any hour."""
    now = climate(name)
    then = replace(now, wet_bulb_c=now.wet_bulb_c + wetter_k)
    cooling = Cooling(air=AirSide(kind="chilled_water"), plant=Plant(carnot_ratio=0.5))
    before, after = (year(cooling, weather, 1e6) for weather in (now, then))
    assert after.compressor_w.sum() >= before.compressor_w.sum() * (1 - 1e-9)


@given(evaporating=st.floats(0, 25), condensing=st.floats(-10, 60), ratio=st.floats(0.05, 0.9), load=st.floats(0, 1.5))
def test_no_chiller_beats_carnot(evaporating: float, condensing: float, ratio: float, load: float) -> None:
    """Given any temperatures, share of Carnot and load, the COP is positive and below Carnot's for a lift of at least 6 K."""
    found = cop(evaporating, np.array([condensing]), carnot_ratio=ratio, load_ratio=np.array([load]))[0]
    assert 0 < found <= (evaporating + 273.15) / max(condensing - evaporating, 6.0) * (1 + 1e-12)


def test_full_load_is_the_rated_cop() -> None:
    """Given full load, the part-load factor is 1; it is highest in the middle and never above 1.2."""
    load = np.linspace(0, 1, 101)
    factors = part_load_factor(load)
    assert factors[-1] == 1 and 1.1 < factors.max() < 1.2 and factors.min() >= 1 - 1e-12


@given(
    dry=st.floats(-40, 55), ratio=st.floats(0.01, 1), kpa=st.floats(60, 108), more=st.floats(0, 0.2)
)  # fmt: skip
def test_wet_bulbs_stand_between_dew_point_and_dry_bulb(dry: float, ratio: float, kpa: float, more: float) -> None:
    """Given any air, the wet bulb is at most the dry bulb, and moister air has the higher wet bulb."""
    t, p = np.array([dry, dry]), np.array([kpa * 1e3] * 2)
    moisture = moisture_of(np.array([ratio, min(1.0, ratio + more)]) * saturation_pa(t), p)
    low, high = wet_bulb_c(t, moisture, p)
    assert low <= high + 1e-6 and high <= dry + 1e-6


@settings(max_examples=40, deadline=None)
@given(
    heat=st.floats(1e3, 1e8), masses=st.tuples(st.floats(10, 1e5), st.floats(0, 1e6), st.floats(0, 1e5)),
    wall=st.floats(0, 1e4), more=st.floats(1, 10),
)  # fmt: skip
def test_more_heat_leaves_less_time_and_more_water_leaves_more(
    heat: float, masses: tuple[float, float, float], wall: float, more: float
) -> None:
    """Given any hall, more heat never lengthens the time to the limit, and water behind pumps never shortens it."""
    air_m3, rack_kg, water_kg = masses

    def seconds(heat_w: float, water: float) -> tuple[float, float]:
        found = ride_through(
            air_heat_w=heat_w, supply_c=24, limit_c=32, air_m3=air_m3, rack_kg=rack_kg, rack_kj_per_kg_k=0.5,
            rack_coupling_ratio=0.3, wall_w_per_k=wall, water_kg=water, water_c=14,
        )  # fmt: skip
        longest = float("inf")
        return (
            longest if found.without_ups_s is None else found.without_ups_s,
            longest if found.with_ups_s is None else found.with_ups_s,
        )

    alone, held = seconds(heat, water_kg)
    assert held >= alone * (1 - 1e-4) and seconds(heat * more, water_kg)[0] <= alone * (1 + 1e-4)
