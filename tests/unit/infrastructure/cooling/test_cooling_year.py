"""A year of cooling, side by side."""

from pathlib import Path

import numpy as np
import pytest

from datahall.infrastructure.catalog.catalogue import Catalogue, PartsFile
from datahall.infrastructure.catalog.part_specs import CoolingPart
from datahall.infrastructure.cooling import CoolingYear, cool, heat_of
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.spec import (
    AirSide,
    Contents,
    Cooling,
    Hall,
    LiquidSide,
    Plant,
    RackGroup,
    Site,
    Units,
    Weather,
)
from datahall.infrastructure.weather import WeatherYear, weather_of

IT_W = 1e6


def climate(name: str) -> WeatherYear:
    return weather_of(Site(weather=Weather(builtin=name)), Path())


def of_air(side: AirSide, *, weather: str = "temperate", plant: Plant | None = None, heat_w: float = IT_W) -> CoolingYear:
    cooling = Cooling(air=side, plant=plant or Plant())
    return cool(cooling, climate(weather), air_heat_w=heat_w, liquid_heat_w=0, indoor_loss_w=0)


def of_liquid(side: LiquidSide, *, weather: str = "hot-dry", plant: Plant | None = None) -> CoolingYear:
    cooling = Cooling(air=AirSide(kind="none"), liquid=side, plant=plant or Plant())
    return cool(cooling, climate(weather), air_heat_w=0, liquid_heat_w=IT_W, indoor_loss_w=0)


def kwh(series_w: np.ndarray) -> float:
    return float(series_w.sum()) / 1e3


def test_fans_at_full_flow_draw_their_specific_power() -> None:
    """Given 1 MW at a rise of 12 K, 1 MW / (1006 x 12) kg/s of air of 1.17 kg/m3 take 600 W per m3/s, all year."""
    year = of_air(AirSide(kind="dx"))
    m3_per_s = IT_W / (1006 * 12) / 1.165
    assert year.fan_w == pytest.approx(600 * m3_per_s, rel=0.01) and np.ptp(year.fan_w) < 1e-6


def test_spare_fans_that_run_slower_save_most_of_their_power() -> None:
    """Given units for twice the heat, all of them at half speed draw 2 x 0.5^2.7 of what half of them would draw."""
    lean, ample = (
        of_air(AirSide(kind="dx", units=Units(count=n, capacity_w=IT_W / 4)), weather="cold").fan_w.mean() for n in (4, 8)
    )
    assert ample / lean == pytest.approx(2 * 0.5**2.7)


def test_fans_do_not_turn_slower_than_their_least_speed() -> None:
    """Given a tenth of the heat, fans stay at 40 % of their speed."""
    cooling = Cooling(air=AirSide(kind="dx"))
    full, tenth = (
        cool(cooling, climate("cold"), air_heat_w=h, liquid_heat_w=0, indoor_loss_w=0, design_air_w=IT_W).fan_w[0]
        for h in (IT_W, IT_W / 10)
    )
    assert tenth / full == pytest.approx(0.4**2.7)


def test_outside_air_alone_cools_a_cold_climate() -> None:
    """Given a cold climate, an economiser runs without compressors for more than 7,500 hours and draws a third of DX."""
    free, dx = (of_air(AirSide(kind=kind), weather="cold") for kind in ("air_economiser", "dx"))
    assert free.economiser_h > 7500 and dx.economiser_h == 0
    assert kwh(free.compressor_w) < 0.1 * kwh(dx.compressor_w) and free.water_l.sum() == 0


def test_evaporation_helps_in_a_dry_heat_and_costs_water() -> None:
    """Given a hot and dry climate, wetted outside air halves the compressors' work for less than half a litre per kWh."""
    dry, wet = (of_air(AirSide(kind="air_economiser", evaporative=e), weather="hot-dry") for e in (False, True))
    assert kwh(wet.compressor_w) < 0.5 * kwh(dry.compressor_w)
    assert 0.05 < wet.water_l.sum() / (IT_W / 1e3 * 8760) < 0.5 and dry.water_l.sum() == 0


def test_moist_air_is_not_let_in() -> None:
    """Given a hot and humid climate whose dew point never falls below 20 C, the economiser stays shut all year."""
    year = of_air(AirSide(kind="air_economiser", evaporative=True), weather="hot-humid")
    assert year.free_ratio.max() == 0 and year.water_l.sum() == 0 and year.compressor_w.min() > 0


def test_without_trim_inlets_drift_up_to_the_limit() -> None:
    """Given outside air alone in a temperate year, inlets follow it in warm hours; none is above 32 C, so all heat leaves."""
    year = of_air(AirSide(kind="air_economiser", trim="none", dew_point_max_c=25))
    assert year.unmet_h == 0 and year.compressor_w.max() == 0
    assert 29 < year.supply_c.max() < 32 and year.supply_c.min() == 24


def test_without_trim_heat_stays_in_hours_beyond_the_limit() -> None:
    """Given outside air alone in a hot and dry year, heat stays in the hours above 32 C, and is counted as unmet."""
    year = of_air(AirSide(kind="air_economiser", trim="none", dew_point_max_c=25), weather="hot-dry")
    hot = climate("hot-dry").dry_bulb_c > 31.6
    assert year.unmet_h == pytest.approx(hot.sum(), rel=0.02) and 0 < year.unmet_w.max() <= IT_W * 1.2


def test_a_tower_plant_evaporates_what_its_class_does() -> None:
    """Given chilled water from a tower plant, the make-up is 1.8 to 2.6 L per kWh of IT, as published (Azure Arizona 2.24)."""
    for name in ("temperate", "hot-dry"):
        year = of_air(AirSide(kind="chilled_water"), weather=name)
        assert 1.8 < year.water_l.sum() / (IT_W / 1e3 * 8760) < 2.6


def test_a_dry_plant_uses_no_water_and_more_work() -> None:
    """Given the same chilled water from a dry plant, no water goes, and compressors draw more."""
    wet, dry = (of_air(AirSide(kind="chilled_water"), plant=Plant(condenser=c)) for c in ("tower", "dry"))
    assert dry.water_l.sum() == 0 and kwh(dry.compressor_w) > 1.5 * kwh(wet.compressor_w)


def test_a_water_economiser_stops_the_chillers_in_winter() -> None:
    """Given a temperate year, the heat exchanger past the chillers stops them for thousands of hours."""
    with_it, without = (of_air(AirSide(kind="chilled_water"), plant=Plant(water_economiser=e)) for e in (True, False))
    assert with_it.economiser_h > 4000 and without.economiser_h == 0


def test_more_concentrated_tower_water_saves_water() -> None:
    """Given 8 instead of 2 cycles of concentration, make-up falls from 2 to 8/7 of the evaporation."""
    two, eight = (
        of_air(AirSide(kind="chilled_water"), plant=Plant(cycles_of_concentration=c, drift_ratio=0)).water_l.sum()
        for c in (2, 8)
    )
    assert eight / two == pytest.approx((8 / 7) / 2)


def test_warm_water_leaves_by_dry_coolers_all_year() -> None:
    """Given a loop of 45 C in a temperate year, dry coolers take all heat; in a hot one chillers help in few hours."""
    side = LiquidSide(supply_c=45, rejection="dry_cooler")
    assert of_liquid(side, weather="temperate").compressor_w.max() == 0
    assert 0 < np.count_nonzero(of_liquid(side).compressor_w) < 1500


def test_pads_before_a_cooler_take_water_only_when_it_is_warm() -> None:
    """Given a loop of 32 C, wetted coolers need no water in hours below 24 C, and fewer compressor hours than dry ones."""
    dry, wet = (of_liquid(LiquidSide(supply_c=32, rejection=r)) for r in ("dry_cooler", "adiabatic_cooler"))
    assert (wet.water_l[climate("hot-dry").dry_bulb_c < 24] == 0).all() and wet.water_l.max() > 0
    assert wet.economiser_h > dry.economiser_h + 1000


def test_a_tower_for_the_liquid_side_evaporates() -> None:
    """Given a loop of 30 C behind a tower, no compressor runs and the tower's make-up is counted."""
    year = of_liquid(LiquidSide(supply_c=30, rejection="tower"))
    assert year.compressor_w.max() == 0 and 1.8 < year.water_l.sum() / (IT_W / 1e3 * 8760) < 2.3


def test_liquid_on_chilled_water_has_nothing_free_but_the_economiser() -> None:
    """Given a liquid side on chilled water, all its heat passes the plant."""
    year = of_liquid(LiquidSide(supply_c=25, rejection="chilled_water"), plant=Plant(water_economiser=False))
    assert year.free_ratio.max() == 0 and year.compressor_w.min() > 0


@pytest.mark.parametrize(
    "cooling",
    [
        Cooling(air=AirSide(kind="dx", units=Units(count=2, capacity_w=3e5))),
        Cooling(
            air=AirSide(kind="chilled_water"), plant=Plant(chillers=Units(count=2, capacity_w=3e5), water_economiser=False)
        ),
        Cooling(liquid=LiquidSide(supply_c=25, rejection="tower")),
    ],
)
def test_what_is_beyond_a_capacity_stays(cooling: Cooling) -> None:
    """Given units or chillers of 600 kW, or no air side, under 1 MW to air, the rest stays in every hour."""
    year = cool(cooling, climate("temperate"), air_heat_w=IT_W, liquid_heat_w=0, indoor_loss_w=0)
    assert year.unmet_h == 8760 and year.unmet_w.min() >= 0.4e6 * (1 - 1e-9) and year.balance_error <= 1e-9


def test_flow_limits_what_a_loop_carries() -> None:
    """Given pipes for 10 L/s at a rise of 10 K, 418.6 kW of 1 MW are carried."""
    year = of_liquid(LiquidSide(supply_c=45, rejection="tower", max_flow_l_per_s=10), weather="cold")
    assert year.unmet_w == pytest.approx(IT_W - 418.6e3)


def test_reused_heat_spares_towers() -> None:
    """Given half of the heat given away, half leaves outdoors, and towers take half of the water."""
    none, half = (of_air(AirSide(kind="chilled_water"), plant=Plant(heat_reuse_ratio=r)) for r in (0.0, 0.5))
    assert half.reused_w == pytest.approx(half.heat_rejected_w)
    assert (
        half.water_l.sum() == pytest.approx(none.water_l.sum() / 2) and half.rejection_fan_w.sum() < none.rejection_fan_w.sum()
    )


def test_a_better_chiller_draws_less() -> None:
    """Given the Carnot ratio of the hall, of a declared part, or of the kind of chiller, compressors draw inversely to it."""
    part = CoolingPart(name="mine", kind="chiller", carnot_ratio=0.4, unit="ratio", source="data sheet", date="2026-11")
    plants = (Plant(carnot_ratio=0.6), Plant(chillers=Units(count=1, capacity_w=2e6, part="mine")))
    whole = [
        cool(
            Cooling(air=AirSide(kind="chilled_water"), plant=plant.model_copy(update={"water_economiser": False})),
            climate("hot-humid"),
            air_heat_w=2e6 - 1,
            liquid_heat_w=0,
            indoor_loss_w=0,
            catalogue=Catalogue(own=PartsFile(cooling=(part,))),
        ).compressor_w.mean()
        for plant in plants
    ]
    assert whole[1] / whole[0] == pytest.approx(1.5, rel=0.05)
    assert of_air(AirSide(kind="chilled_water"), plant=Plant(chiller="air_cooled")).water_l.max() == 0


def test_a_hall_at_rest_draws_nothing_without_heat() -> None:
    """Given no heat at all, no side draws power or water, and no hour divides by zero."""
    for air in (None, AirSide(kind="none"), AirSide(kind="air_economiser"), AirSide(kind="chilled_water")):
        cooling = Cooling(air=air, liquid=LiquidSide(supply_c=30, rejection="tower"))
        year = cool(cooling, climate("temperate"), air_heat_w=0, liquid_heat_w=0, indoor_loss_w=0)
        assert year.electricity_w.max() == 0 and year.water_l.max() == 0 and year.unmet_h == 0


def test_critical_power_is_fans_and_pumps() -> None:
    """Given air and liquid sides, what must not stop is fans and pumps, and the whole adds compressors and outdoor fans."""
    cooling = Cooling(air=AirSide(kind="chilled_water"), liquid=LiquidSide(supply_c=32, rejection="dry_cooler"))
    year = cool(cooling, climate("hot-dry"), air_heat_w=IT_W, liquid_heat_w=IT_W, indoor_loss_w=0)
    assert year.critical_w == pytest.approx(year.fan_w + year.pump_w)
    assert year.electricity_w == pytest.approx(year.critical_w + year.compressor_w + year.rejection_fan_w)


def test_heat_is_split_by_equipment_and_rear_doors() -> None:
    """Given a liquid-cooled rack, and one of air-cooled servers behind a rear door, each watt goes one way."""
    racks = (
        RackGroup(name="wet[1-2]", contents=(Contents(part="gb200-nvl72", count=1),)),
        RackGroup(name="door", rear_door=True, contents=(Contents(part="dgx-h100", count=4),)),
        RackGroup(name="dry", contents=(Contents(part="dgx-h100", count=4),)),
    )
    hall = Hall(schema_version=1, name="h", racks=racks)
    estate = estate_of(hall, Catalogue())
    heat = heat_of(estate, Cooling())
    assert heat.liquid_w == pytest.approx(2 * 120e3 * 0.87 + 40.8e3 * 0.8) and heat.rear_door_w == pytest.approx(40.8e3 * 0.8)
    assert heat.air_w + heat.liquid_w == pytest.approx(estate.peak_w) and 0.7 < heat.liquid_ratio < 0.8
    assert heat_of(estate_of(Hall(schema_version=1, name="h"), Catalogue()), Cooling()).liquid_ratio == 0


def test_an_own_row_without_a_carnot_ratio_leaves_ours() -> None:
    """Given a user's own row for direct expansion that tells failures alone, the ratio of Datahall's row counts."""
    part = CoolingPart(name="crac-dx", kind="crac", failures_per_year=1, unit="1/year", source="our own log", date="2026-11")
    own, ours = (
        cool(
            Cooling(air=AirSide(kind="dx")),
            climate("cold"),
            air_heat_w=1e6,
            liquid_heat_w=0,
            indoor_loss_w=0,
            catalogue=Catalogue(own=PartsFile(cooling=parts)),
        )
        for parts in ((part,), ())
    )
    assert own.compressor_w.tolist() == ours.compressor_w.tolist()
