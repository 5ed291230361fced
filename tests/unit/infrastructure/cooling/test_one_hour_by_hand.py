"""One hour of weather, each machine worked out by hand beside what the year says."""

from typing import Any

import numpy as np
import pytest

from datahall.infrastructure.cooling import CoolingYear, cool
from datahall.infrastructure.cooling.machines import cop, part_load_factor
from datahall.infrastructure.spec import AirSide, Cooling, LiquidSide, Plant, Units
from datahall.infrastructure.weather import WeatherYear
from datahall.infrastructure.weather.psychrometrics import dew_point_c
from datahall.infrastructure.weather.year import year_of

HEAT_W = 1e6


def always(dry_bulb_c: float, humidity_ratio: float) -> WeatherYear:
    """A year in which each hour is the same, at sea level."""
    return year_of(
        np.full(8760, dry_bulb_c), np.full(8760, humidity_ratio), np.full(8760, 101_325.0), latitude_deg=None,
        longitude_deg=None, elevation_m=0, utc_offset_h=0, source="always the same",
    )  # fmt: skip


def chilled(weather: WeatherYear, **plant: Any) -> CoolingYear:
    cooling = Cooling(air=AirSide(kind="chilled_water"), plant=Plant(carnot_ratio=0.5, **plant))
    return cool(cooling, weather, air_heat_w=HEAT_W, liquid_heat_w=0, indoor_loss_w=0)


def test_a_tower_plant_works_against_the_wet_bulb() -> None:
    """Given 35 C and 40 % (wet bulb 23.9 C), chillers at 0.5 of Carnot lift from 16 C to wet bulb + 4 + 5 + 3 K."""
    weather = always(35.0, 0.4)
    year = chilled(weather)
    lift_k = weather.wet_bulb_c[0] + 12 - 16
    assert year.compressor_w[0] == pytest.approx((HEAT_W + year.fan_w[0]) * lift_k / (0.5 * 289.15))


def test_a_dry_plant_works_against_the_dry_bulb() -> None:
    """Given the same hour, an air-cooled condenser is 15 K above the air: 50 C."""
    year = chilled(always(35.0, 0.4), condenser="dry")
    assert year.compressor_w[0] == pytest.approx((HEAT_W + year.fan_w[0]) * (50 - 16) / (0.5 * 289.15))


@pytest.mark.parametrize(("condenser", "approach_k"), [("tower", 4.0), ("dry", 8.0)])
def test_a_heat_exchanger_takes_its_own_approach(condenser: str, approach_k: float) -> None:
    """Given air so cold that tower and heat exchanger (1.5 K) reach 21 C, half of the heat of 24 to 18 C water is free."""
    year = chilled(always(21 - approach_k - 1.5, 1.0), condenser=condenser)
    assert year.free_ratio[0] == pytest.approx(0.5)


def test_direct_expansion_evaporates_below_the_air_that_it_supplies() -> None:
    """Given 35 C and supply air of 24 C, a coil of 14 C and a condenser of 50 C are 36 K apart, at 0.42 of Carnot."""
    cooling = Cooling(air=AirSide(kind="dx"))
    year = cool(cooling, always(35.0, 0.4), air_heat_w=HEAT_W, liquid_heat_w=0, indoor_loss_w=0)
    assert year.compressor_w[0] == pytest.approx((HEAT_W + year.fan_w[0]) * 36 / (0.42 * 287.15))


@pytest.mark.parametrize(("rejection", "dry_bulb_c"), [("dry_cooler", 29.0), ("tower", 31.5)])
def test_coolers_and_towers_stay_above_the_air(rejection: str, dry_bulb_c: float) -> None:
    """Given a source 5 K above the set point after an approach of 8 K, or of 4 + 1.5 K, half of a rise of 10 K is taken."""
    liquid = LiquidSide(supply_c=32, rise_k=10, rejection=rejection, approach_k=8)  # type: ignore[arg-type]
    year = cool(Cooling(liquid=liquid), always(dry_bulb_c, 1.0), air_heat_w=0, liquid_heat_w=HEAT_W, indoor_loss_w=0)
    assert year.free_ratio[0] == pytest.approx(0.5)


def test_pads_stop_at_the_dew_point_limit() -> None:
    """Given 30 C and a dew point just below the limit, pads could cool by 7 K but may hardly add water: trim helps."""
    weather = always(30.0, 0.45)
    assert 16 < dew_point_c(np.array([0.45 * 4246.0]))[0] < 17
    years = [
        cool(
            Cooling(air=AirSide(kind="air_economiser", evaporative=True, dew_point_max_c=limit_c)),
            weather,
            air_heat_w=HEAT_W,
            liquid_heat_w=0,
            indoor_loss_w=0,
        )
        for limit_c in (17.0, 25.0)
    ]
    held, free = years
    assert held.free_ratio[0] < 0.65 and free.free_ratio[0] > 0.9 and 0 < held.water_l[0] < free.water_l[0] / 3


def test_chillers_are_staged_so_that_few_run_well_loaded() -> None:
    """Given 1 MW on ten chillers of 400 kW, three run at 86 %, not ten at 26 %."""
    year = chilled(always(35.0, 0.4), chillers=Units(count=10, capacity_w=4e5), water_economiser=False)
    heat_w = HEAT_W + year.fan_w[0]
    load = np.array([heat_w / (3 * 4e5)])
    at_full_load = heat_w * (always(35.0, 0.4).wet_bulb_c[0] + 12 - 16) / (0.5 * 289.15)
    assert year.compressor_w[0] == pytest.approx(at_full_load / part_load_factor(load)[0])


def test_no_part_load_lifts_a_chiller_over_carnot() -> None:
    """Given 0.9 of Carnot at full load and a part-load gain of 1.13, the limit is still Carnot's: 280 K over 20 K."""
    assert cop(6.85, np.array([26.85]), carnot_ratio=0.9, load_ratio=np.array([0.3]))[0] == pytest.approx(14.0)
