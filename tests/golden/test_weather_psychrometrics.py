"""Moist air against ASHRAE's tables, psychrolib and Stull.

ASHRAE Handbook - Fundamentals (SI), 2017, chapter 1: table 1 (standard atmosphere), table 2 (moist air at 101.325 kPa).
psychrolib 2.5 (MIT), an independent implementation of the same chapter. Stull, J. Appl. Meteorol. Climatol. 50, 2011,
doi:10.1175/JAMC-D-11-0143.1, eq. 1: an empirical fit, within -1 to +0.65 K over its range at sea level.
"""

import numpy as np
import pytest

from datahall.infrastructure.weather.psychrometrics import (
    air_density_kg_per_m3,
    dew_point_c,
    latent_heat_j_per_kg,
    moisture_of,
    pressure_at_pa,
    saturation_pa,
    wet_bulb_c,
)

SEA_LEVEL_PA = 101_325.0


def wet_bulb(dry_bulb_c: float, ratio: float, pressure_pa: float = SEA_LEVEL_PA) -> float:
    dry, pressure = np.array([dry_bulb_c]), np.array([pressure_pa])
    return float(wet_bulb_c(dry, moisture_of(ratio * saturation_pa(dry), pressure), pressure)[0])


# Steam tables rest on IAPWS-95 (and Sonntag over ice); Hyland and Wexler's equations are within 0.04 % of them.
@pytest.mark.parametrize(
    ("temperature_c", "kpa"),
    [(-10, 0.25990), (-20, 0.10326), (0.01, 0.61166), (10, 1.2282), (20, 2.3393), (40, 7.3849), (60, 19.947)],
)
def test_saturation_pressure_is_that_of_steam_tables(temperature_c: float, kpa: float) -> None:
    """Given ice and water between -20 and 60 C, the vapour pressure is that of the steam tables."""
    assert saturation_pa(np.array([float(temperature_c)]))[0] / 1e3 == pytest.approx(kpa, rel=4e-4)


# Table 2 rests on real gas; ours is ideal, which is 0.4 to 0.7 % drier at saturation (its enhancement factor).
@pytest.mark.parametrize(("temperature_c", "table"), [(-20, 0.000637), (0, 0.003789), (20, 0.014758), (40, 0.049141)])
def test_saturated_air_holds_what_the_table_says(temperature_c: float, table: float) -> None:
    """Given saturated air at sea level, its humidity ratio is that of table 2 less the enhancement of real gases."""
    t = np.array([float(temperature_c)])
    assert moisture_of(saturation_pa(t), np.array([SEA_LEVEL_PA]))[0] == pytest.approx(table, rel=7e-3)


@pytest.mark.parametrize(
    ("elevation_m", "kpa"), [(-500, 107.478), (0, 101.325), (500, 95.461), (1000, 89.875), (2000, 79.495), (3000, 70.108)]
)
def test_pressure_by_elevation_is_table_1(elevation_m: float, kpa: float) -> None:
    """Given heights from -500 to 3000 m, the pressure is that of ASHRAE's table 1, to its last digit."""
    assert pressure_at_pa(elevation_m) / 1e3 == pytest.approx(kpa, abs=6e-4)


def test_latent_heat_is_that_of_steam_tables() -> None:
    """Given water at 0, 20 and 40 C, it evaporates with 2500.9, 2453.5 and 2406.0 kJ/kg (steam tables)."""
    found = latent_heat_j_per_kg(np.array([0.0, 20.0, 40.0])) / 1e3
    assert found == pytest.approx([2500.9, 2453.5, 2406.0], rel=1e-3)


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """400 states of air between -25 and 48 C, 3 to 100 %, 70 to 103 kPa."""
    dice = np.random.default_rng(7)
    return dice.uniform(-25, 48, 400), dice.uniform(0.03, 1.0, 400), dice.uniform(70e3, 103e3, 400)


def test_psychrolib_agrees(sample: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Given 400 states of air, dew point, density and wet bulb are psychrolib's, to its own tolerance of 0.001 K.

    Near 0 C a wet wick and a frozen one may both be solutions. There ours is the wet one, and psychrolib's whichever its
    bisection meets: those states may differ by 0.4 K, and are held to satisfy psychrolib's own equation instead.
    """
    import psychrolib

    psychrolib.SetUnitSystem(psychrolib.SI)
    dry, ratio, pressure = sample
    moisture = moisture_of(ratio * saturation_pa(dry), pressure)
    ours, dew = wet_bulb_c(dry, moisture, pressure), dew_point_c(ratio * saturation_pa(dry))
    density = air_density_kg_per_m3(dry, moisture, pressure) * (1 + moisture)
    for i in range(len(dry)):
        state = (float(dry[i]), float(ratio[i]))
        assert dew[i] == pytest.approx(psychrolib.GetTDewPointFromRelHum(*state), abs=0.01)
        assert density[i] == pytest.approx(
            psychrolib.GetMoistAirDensity(state[0], float(moisture[i]), float(pressure[i])), rel=1e-3
        )
        theirs = psychrolib.GetTWetBulbFromRelHum(*state, float(pressure[i]))
        if abs(ours[i] - theirs) > 0.002:
            assert abs(theirs) < 0.5 and abs(ours[i] - theirs) < 0.4
            back = psychrolib.GetHumRatioFromTWetBulb(state[0], float(ours[i]), float(pressure[i]))
            assert back == pytest.approx(moisture[i], abs=2e-6)


def test_near_freezing_the_wick_is_wet_where_it_can_be() -> None:
    """Given air from -2 to 6 C in steps of 0.02 K, the wet bulb never falls as the air warms, and frost starts below 0 C."""
    dry = np.arange(-2.0, 6.0, 0.02)
    pressure = np.full_like(dry, SEA_LEVEL_PA)
    found = wet_bulb_c(dry, moisture_of(0.6 * saturation_pa(dry), pressure), pressure)
    assert (np.diff(found) >= -1e-9).all() and found[0] < 0 < found[-1]


# Stull states -1.0 to +0.65 K; inside the humid and warm half of his figure 3 it is within 0.3 K.
@pytest.mark.parametrize(
    ("dry", "ratio", "stull"),
    [(20.0, 0.50, 13.70), (30.0, 0.50, 22.30), (25.0, 0.30, 14.59), (10.0, 0.80, 7.93), (35.0, 0.20, 19.30)],
)
def test_stull_agrees_within_what_he_states(dry: float, ratio: float, stull: float) -> None:
    """Given five states of air at sea level, our wet bulb is Stull's within what his fit is good for."""
    assert wet_bulb(dry, ratio) == pytest.approx(stull, abs=0.65)


def test_saturated_air_is_at_its_wet_bulb_and_at_its_dew_point() -> None:
    """Given saturated air from -30 to 45 C, dry bulb, wet bulb and dew point are one."""
    dry = np.linspace(-30, 45, 200)
    pressure = np.full_like(dry, 90e3)
    assert wet_bulb_c(dry, moisture_of(saturation_pa(dry), pressure), pressure) == pytest.approx(dry, abs=1e-6)
    assert dew_point_c(saturation_pa(dry)) == pytest.approx(dry, abs=1e-6)
