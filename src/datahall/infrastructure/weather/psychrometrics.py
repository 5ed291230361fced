"""Moist air, on arrays: saturation, humidity, dew point, wet bulb, density.

Source: ASHRAE Handbook - Fundamentals (SI), 2017, chapter 1; equation numbers are its own. Temperatures in C, pressures in Pa,
humidity ratios in kg of water per kg of dry air (called `moisture` here: `humidity_ratio` is relative humidity, 0..1).
"""

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

CP_AIR_J_PER_KG_K = 1006.0
"""Dry air, as in eq. 30."""
R_AIR_J_PER_KG_K = 287.042
"""Dry air, eq. 1 (8314.472 over 28.966)."""
WATER_OVER_AIR = 0.621945
"""Molar mass of water over that of air, eq. 20."""
TRIPLE_POINT_C = 0.01
_ICE = (-5.6745359e3, 6.3925247, -9.677843e-3, 6.2215701e-7, 2.0747825e-9, -9.484024e-13, 4.1635019)
_WATER = (-5.8002206e3, 1.3914993, -4.8640239e-2, 4.1764768e-5, -1.4452093e-8, 0.0, 6.5459673)
_STEPS = 30
"""Newton needs 6 to 9; the loop leaves once nothing moves."""


def pressure_at_pa(elevation_m: float) -> float:
    """Air pressure of the standard atmosphere, Pa. Source: eq. 3."""
    return float(101_325 * (1 - 2.25577e-5 * elevation_m) ** 5.2559)


def saturation_pa(temperature_c: Series) -> Series:
    """Vapour pressure over ice below the triple point, over water above it, Pa. Source: eq. 5 and 6, -100 to 200 C."""
    return np.exp(_log_saturation(temperature_c)[0])


def _log_saturation(temperature_c: Series) -> tuple[Series, Series]:
    """Natural logarithm of the saturation pressure, and its slope, 1/K."""
    t = np.asarray(temperature_c, dtype=np.float64) + 273.15
    log_t = np.log(t)
    over_ice, over_water = (_hyland_wexler(t, log_t, constants) for constants in (_ICE, _WATER))
    frozen = np.asarray(temperature_c) <= TRIPLE_POINT_C
    return np.where(frozen, over_ice[0], over_water[0]), np.where(frozen, over_ice[1], over_water[1])


def _hyland_wexler(t: Series, log_t: Series, constants: tuple[float, ...]) -> tuple[Series, Series]:
    inverse, one, first, second, third, fourth, log = constants
    value = inverse / t + one + t * (first + t * (second + t * (third + t * fourth))) + log * log_t
    slope = -inverse / t**2 + first + t * (2 * second + t * (3 * third + 4 * t * fourth)) + log / t
    return value, slope


def moisture_of(vapour_pa: Series, pressure_pa: Series) -> Series:
    """Kilograms of water per kilogram of dry air. Source: eq. 20."""
    return WATER_OVER_AIR * vapour_pa / (pressure_pa - vapour_pa)


def dew_point_c(vapour_pa: Series) -> Series:
    """Temperature at which this vapour pressure saturates, C; below the triple point it is the frost point.

    Newton on the logarithm of eq. 5 and 6, to 1e-9 K.
    """
    target: Series = np.log(np.maximum(vapour_pa, 1e-3))
    ratio = target - np.log(611.2)
    guess: Series = 243.12 * ratio / (17.62 - ratio)
    for _ in range(_STEPS):
        value, slope = _log_saturation(guess)
        step = (value - target) / slope
        guess = guess - step
        if float(np.max(np.abs(step))) < 1e-9:
            break
    return guess


def wet_bulb_c(dry_bulb_c: Series, moisture: Series, pressure_pa: Series) -> Series:
    """Thermodynamic wet-bulb temperature, C. Source: eq. 33 with a wet wick, eq. 35 with a frozen one.

    The two equations overlap near 0 C: for the same air a wet wick may settle above 0 C and a frozen one below. The wick is
    taken as wet wherever a wet one can be; solvers that bisect across the jump may answer up to 0.4 K lower there.
    """
    over_water = _newton_wet_bulb(dry_bulb_c, moisture, pressure_pa, frozen=False)
    if float(np.min(over_water)) >= 0:
        return over_water
    over_ice = _newton_wet_bulb(dry_bulb_c, moisture, pressure_pa, frozen=True)
    return np.where(over_water >= 0, over_water, np.minimum(over_ice, 0.0))


def _newton_wet_bulb(dry_bulb_c: Series, moisture: Series, pressure_pa: Series, *, frozen: bool) -> Series:
    """From the dry bulb downwards: moisture rises with the wet bulb ever more steeply, so no step goes too far."""
    latent, falling, vapour = (2830.0, 0.24, 2.1) if frozen else (2501.0, 2.326, 4.186)
    guess = np.array(dry_bulb_c, dtype=np.float64)
    for _ in range(_STEPS):
        log_value, log_slope = _log_saturation(guess)
        saturated_pa = np.exp(log_value)
        at_wick = moisture_of(saturated_pa, pressure_pa)
        wick_slope = at_wick * log_slope * pressure_pa / (pressure_pa - saturated_pa)
        over = (latent - falling * guess) * at_wick - 1.006 * (dry_bulb_c - guess)
        under = latent + 1.86 * dry_bulb_c - vapour * guess
        slope = (latent - falling * guess) * wick_slope - falling * at_wick + 1.006 + vapour * moisture
        step = (over - moisture * under) / slope
        guess = guess - step
        if float(np.max(np.abs(step))) < 1e-8:
            break
    return guess


def air_density_kg_per_m3(temperature_c: Series, moisture: Series, pressure_pa: Series) -> Series:
    """Kilograms of dry air per cubic metre of moist air. Source: eq. 26."""
    kelvin = np.asarray(temperature_c, dtype=np.float64) + 273.15
    return pressure_pa / (R_AIR_J_PER_KG_K * kelvin * (1 + 1.607858 * moisture))


def latent_heat_j_per_kg(water_c: Series | float) -> Series:
    """Heat that evaporates a kilogram of water at this temperature, J/kg. Source: eq. 30; liquid water at 4186 J/(kg K)."""
    return np.asarray(2.501e6 - 2326.0 * np.asarray(water_c, dtype=np.float64))
