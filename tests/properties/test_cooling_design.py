"""What must hold of a plant that is made for full load, however much of it runs."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.infrastructure.cooling import CoolingYear, cool
from datahall.infrastructure.spec import AirSide, Cooling, LiquidSide, Plant, Site, Units, Weather
from datahall.infrastructure.weather import WeatherYear, weather_of

AIR_W, LIQUID_W = 2e5, 8e5
climates = st.sampled_from(["temperate", "cold", "hot-dry", "hot-humid"])
plants = st.builds(
    Plant, chiller=st.sampled_from(["centrifugal", "screw", "air_cooled"]), chilled_water_c=st.floats(8, 18),
    condenser=st.sampled_from(["tower", "dry"]), water_economiser=st.booleans(),
)  # fmt: skip
airs = st.builds(
    AirSide, kind=st.sampled_from(["air_economiser", "chilled_water", "dx"]), trim=st.sampled_from(["dx", "chilled_water"]),
    evaporative=st.booleans(), min_flow_ratio=st.floats(0.2, 0.6),
)  # fmt: skip
liquids = st.builds(
    LiquidSide,
    supply_c=st.floats(20, 45),
    rejection=st.sampled_from(["dry_cooler", "adiabatic_cooler", "tower", "chilled_water"]),
)
coolings = st.builds(Cooling, air=airs, liquid=st.none() | liquids, plant=plants)


def climate(name: str) -> WeatherYear:
    return weather_of(Site(weather=Weather(builtin=name)), Path())


def at_load(cooling: Cooling, name: str, load: float) -> CoolingYear:
    """A year in which `load` of the heat is there for which all machines are made."""
    liquid_w = LIQUID_W if cooling.liquid else 0.0
    return cool(
        cooling, climate(name), air_heat_w=AIR_W * load, liquid_heat_w=liquid_w * load, indoor_loss_w=0,
        design_air_w=AIR_W, design_liquid_w=liquid_w,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(liquid=liquids, plant=plants, name=climates, load=st.floats(0.1, 1), warmer_k=st.floats(0, 15))
def test_warmer_liquid_never_costs_more(liquid: LiquidSide, plant: Plant, name: str, load: float, warmer_k: float) -> None:
    """Given liquid that may be warmer, no year of cooling draws more, but for coolers that start at their least speed."""
    cold, warm = (
        at_load(Cooling(air=AirSide(kind="chilled_water"), liquid=side, plant=plant), name, load).electricity_w.sum()
        for side in (liquid, liquid.model_copy(update={"supply_c": liquid.supply_c + warmer_k}))
    )
    assert warm <= cold * (1 + 1e-4)


@settings(max_examples=40, deadline=None)
@given(air=airs, plant=plants, name=climates, load=st.floats(0.1, 1), warmer_k=st.floats(0, 10))
def test_warmer_air_never_costs_more(air: AirSide, plant: Plant, name: str, load: float, warmer_k: float) -> None:
    """Given air that may be warmer, no year draws more but for lighter air: 0.35 % of fans a K, and their heat."""
    cold, warm = (
        at_load(Cooling(air=side, plant=plant), name, load)
        for side in (air.model_copy(update={"supply_c": c}) for c in (20.0, 20.0 + warmer_k))
    )
    fans = warm.fan_w.sum() / cold.fan_w.sum()
    assert 1 - 1e-9 <= fans <= 1 + 0.0035 * warmer_k + 1e-9
    rest = [(year.electricity_w - year.fan_w).sum() for year in (cold, warm)]
    assert rest[1] <= rest[0] * (1 + 0.001 * warmer_k) + 1e-6


@settings(max_examples=40, deadline=None)
@given(cooling=coolings, name=climates, load=st.floats(0.05, 0.95), more=st.floats(0.01, 0.05))
def test_more_heat_never_costs_less(cooling: Cooling, name: str, load: float, more: float) -> None:
    """Given a little more heat on the same machines, no hour draws less."""
    little, much = (at_load(cooling, name, x).electricity_w for x in (load, load + more))
    assert (much >= little * (1 - 1e-9)).all()


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(["chilled_water", "dx"]), plant=plants, name=climates, load=st.floats(0.41, 0.95))
def test_cooling_a_watt_is_cheaper_at_part_load(kind: str, plant: Plant, name: str, load: float) -> None:
    """Given a plant that takes all heat, less of it but more than the slowest fans and pumps: a watt costs less in a year."""
    cooling = Cooling(
        air=AirSide(kind=kind), liquid=LiquidSide(supply_c=20, rejection="chilled_water"), plant=plant  # type: ignore[arg-type]
    )  # fmt: skip
    full, part = at_load(cooling, name, 1.0), at_load(cooling, name, load)
    for series in ("fan_w", "pump_w", "electricity_w"):
        assert getattr(part, series).sum() / load < getattr(full, series).sum()


@pytest.mark.parametrize("load", [0.3, 0.7, 1.0])
def test_pumps_are_made_for_full_load(load: float) -> None:
    """Given 2 % of the heat for chilled-water pumps at design, a third of it takes 0.4^2.7 of that, 70 % takes 0.7^2.7."""
    cooling = Cooling(air=AirSide(kind="chilled_water", min_flow_ratio=0.001, fan_w_per_m3_per_s=1e-6))
    pump_w = at_load(cooling, "hot-humid", load).pump_w.max()
    assert pump_w == pytest.approx(0.02 * AIR_W * max(load, 0.4) ** 2.7, rel=1e-6)


def test_warmer_water_behind_rear_doors_saves_step_by_step() -> None:
    """Given dry coolers with a chilled-water trim at 32, 36, 40 and 45 C, each step draws no more than the one before."""
    for name in ("temperate", "hot-dry"):
        cooled = [
            at_load(
                Cooling(
                    air=AirSide(kind="chilled_water"), liquid=LiquidSide(supply_c=c, rejection="dry_cooler")
                ), name, 0.6,
            ).electricity_w.sum()
            for c in (32, 36, 40, 45)
        ]  # fmt: skip
        assert all(after <= before * (1 + 1e-12) for before, after in pairwise(cooled)) and cooled[-1] < cooled[0]


def test_declared_machines_are_what_flow_is_held_against() -> None:
    """Given chillers for twice the design's heat, pumps and towers run at half of their flow: 2 x 0.5^2.7 of the power."""
    lean, ample = (
        at_load(
            Cooling(
                air=AirSide(kind="chilled_water"),
                plant=Plant(chillers=Units(count=n, capacity_w=1.2e5), water_economiser=False),
            ), "hot-humid", 1.0,
        )
        for n in (2, 4)
    )  # fmt: skip
    assert ample.pump_w.mean() / lean.pump_w.mean() == pytest.approx(2 * 0.5**2.7)
    assert ample.rejection_fan_w.mean() / lean.rejection_fan_w.mean() == pytest.approx(2 * 0.5**2.7, rel=0.05)
    assert np.allclose(ample.water_l.sum(), lean.water_l.sum(), rtol=0.02)
