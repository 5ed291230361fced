"""Cooling against published figures.

PUE and WUE: providers' disclosures collected in Green-Software-Foundation/real-time-cloud, Cloud_Region_Metadata.csv @b2858aa:
Azure Arizona 1.223 and 2.24 L/kWh (2022), AWS N. Virginia 1.15 and 0.12 L/kWh, Google N. Virginia 1.09 (2024).
Latent heat: 2430 kJ/kg of warm water, so that a tower evaporates 1.48 L per kWh of heat before blow-down.
"""

from pathlib import Path

import numpy as np
import pytest

from datahall.infrastructure.cooling.machines import affinity_w, cop, free_ratio, tower_water_l
from datahall.infrastructure.spec import Site, Weather
from datahall.infrastructure.weather import weather_of
from datahall.planner.validation.facility import efficiency
from datahall.planner.validation.facility_classes import known


def test_a_tower_evaporates_a_litre_and_a_half_for_each_kwh_of_heat() -> None:
    """Given 1 kW for an hour into water of 30 C, 1.48 L evaporate; at 4 cycles of concentration the make-up is 4/3 of it."""
    heat = np.array([1000.0])
    evaporated = tower_water_l(heat, np.array([30.0]), cycles=1e9, drift_ratio=0, range_k=5)[0]
    assert evaporated == pytest.approx(3600 / 2430, rel=2e-3)
    assert tower_water_l(heat, np.array([30.0]), cycles=4, drift_ratio=0.0002, range_k=5)[0] == pytest.approx(
        evaporated * 4 / 3
    )


def test_drift_counts_once_it_carries_more_salt_than_blow_down_would() -> None:
    """Given 100 cycles of concentration, drift of 0.02 % of 172 kg/h is 0.034 L, more than the blow-down of 0.015 L."""
    heat = np.array([1000.0])
    evaporated, total = (tower_water_l(heat, np.array([30.0]), cycles=c, drift_ratio=0.0002, range_k=5)[0] for c in (1e9, 100))
    assert total == evaporated == pytest.approx(3600 / 2430 + 0.0344, rel=2e-3)


# AHRI 550/590 standard rating: water leaves at 6.7 C, condenser water 29.4 to 34.6 C. Large centrifugal chillers are sold at a
# COP of 5.5 to 6.5 there (ASHRAE 90.1-2019 asks about 6.3 of the largest; from memory). Ours is the lower end: 4.5 to 6.5.
def test_a_chiller_at_its_standard_rating() -> None:
    """Given evaporation at 4.7 C and condensation at 37.6 C, 0.58 of Carnot and full load, the COP is that of such machines."""
    assert 4.5 < cop(4.7, np.array([37.6]), carnot_ratio=0.58, load_ratio=np.array([1.0]))[0] < 6.5


def test_half_the_speed_is_an_eighth_of_the_power() -> None:
    """Given the ideal exponent 3, half of the flow takes an eighth of the power; less than the least speed is not run."""
    assert affinity_w(800.0, np.array([0.5, 0.1]), exponent=3, min_ratio=0.2).tolist() == pytest.approx([100.0, 6.4])


def test_an_integrated_economiser_takes_what_it_can() -> None:
    """Given water of 18 C with a range of 6 K, a source of 18 C takes all heat, of 21 C half, of 24 C none."""
    found = free_ratio(np.array([17.0, 18.0, 21.0, 24.0, 30.0]), supply_c=18, rise_k=6)
    assert found.tolist() == [1, 1, 0.5, 0, 0]


# Published to three digits, of another year than the weather's. The plants are not published: each is the one of the three that
# the pair of figures fits, so this is a test of the physics, not of the rule that chooses: 0.05 of PUE and 0.15 L/kWh.
@pytest.mark.shared
@pytest.mark.parametrize(
    ("place", "plant", "pue", "wue"),
    [
        ("Phoenix", "tower", 1.223, 2.24),
        ("Leesburg VA", "air_evaporative", 1.15, 0.12),
        ("Leesburg VA", "warm_tower", 1.09, None),
    ],
)
def test_phoenix_and_virginia_are_as_published(shared: Path, place: str, plant: str, pue: float, wue: float | None) -> None:
    """Given typical years of Phoenix and Leesburg, towers and outside air land on what Azure, AWS and Google publish."""
    station = next(s for s in known().stations if s.name == place)
    weather = weather_of(Site(elevation_m=station.elevation_m, weather=Weather(file=station.file)), shared / "data")
    found = efficiency(next(kind for kind in known().classes if kind.name == plant), weather)
    assert found.pue == pytest.approx(pue, abs=0.05)
    assert wue is None or found.wue_l_per_kwh == pytest.approx(wue, abs=0.15)
