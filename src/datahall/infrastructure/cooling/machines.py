"""The laws of the machines of a cooling plant: fans, pumps, compressors, towers, pads. Arrays of hours in, arrays out."""

import numpy as np

from datahall.infrastructure.spec import Units
from datahall.infrastructure.weather.psychrometrics import Series, latent_heat_j_per_kg

MIN_LIFT_K = 6.0
"""Below this, compressors cannot hold their oil and their seal of gas: the least lift that a chiller works at. notes: a common
limit of centrifugal machines, not checked at a maker's."""
PART_LOAD = (0.03303, 0.6852, 0.2818)
"""Power over full-load power at a load ratio x: a + b x + c x^2. Source: EnergyPlus ElectricChiller EIR-PLR curve as used by
HewlettPackard/dc-rl utils/make_envs_pyenv.py @a92b475."""
MIN_LOAD_RATIO = 0.25
"""Machines are staged so that those which run are loaded at least so far."""
EVAPORATOR_APPROACH_K = 2.0
CONDENSER_APPROACH_K = 3.0
HEAT_EXCHANGER_APPROACH_K = 1.5
DRY_CONDENSING_ABOVE_AIR_K = 15.0
MIN_DRY_CONDENSING_C = 30.0
WATER_J_PER_KG_K = 4186.0
TOWER_FAN_EXPONENT = 2.7
MIN_TOWER_FAN_RATIO = 0.2


def sized_w(units: Units | None, design_w: float, heat_w: Series) -> float:
    """Heat that machines are made for, W: as declared, else that of the design; never less than their largest hour."""
    declared_w = units.count * units.capacity_w if units else 0.0
    return max(declared_w or design_w, float(np.max(heat_w, initial=0.0)))


def affinity_w(rated_w: float, ratio: Series, *, exponent: float, min_ratio: float) -> Series:
    """Power of fans or pumps at a flow ratio, W: rated x ratio^exponent, never slower than min_ratio.

    Source: affinity laws; the ideal exponent is 3, static pressure makes it 2.5 to 2.8.
    """
    return np.asarray(rated_w * np.maximum(ratio, min_ratio) ** exponent)


def cop(evaporating_c: Series | float, condensing_c: Series, *, carnot_ratio: float, load_ratio: Series) -> Series:
    """Heat moved per unit of compressor work: a share of the Carnot limit, at part load.

    Lifts below MIN_LIFT_K count as MIN_LIFT_K. load_ratio: of the machines that run, 0..1. Never above the Carnot limit.
    """
    lift = np.maximum(condensing_c - evaporating_c, MIN_LIFT_K)
    ideal = (np.asarray(evaporating_c) + 273.15) / lift
    return np.asarray(ideal * np.minimum(carnot_ratio * part_load_factor(load_ratio), 1.0))


def part_load_factor(load_ratio: Series) -> Series:
    """COP at this load over COP at full load; 1 at full load, up to 1.13 near a third."""
    x = np.clip(load_ratio, MIN_LOAD_RATIO, 1.0)
    a, b, c = PART_LOAD
    return np.asarray(x * (a + b + c) / (a + x * (b + c * x)))


def air_condensing_c(dry_bulb_c: Series) -> Series:
    """Condensing temperature of an air-cooled condenser, C."""
    return np.maximum(dry_bulb_c + DRY_CONDENSING_ABOVE_AIR_K, MIN_DRY_CONDENSING_C)


def free_ratio(source_c: Series, *, supply_c: float, rise_k: float) -> Series:
    """Share of the heat of water that comes back at supply + rise which a source of source_c takes, before a chiller, 0..1.

    The source cools the return water first, and chillers the rest ("integrated", as ASHRAE 90.1 section 6.5.1.3 asks).
    """
    return np.clip((supply_c + rise_k - source_c) / rise_k, 0.0, 1.0)


def tower_water_l(heat_w: Series, water_c: Series, *, cycles: float, drift_ratio: float, range_k: float) -> Series:
    """Make-up of cooling towers in an hour, L: evaporation of all the heat, and what keeps salts at `cycles` concentrations.

    Blow-down is evaporation / (cycles - 1), of which drift is a part; drift is drift_ratio of the water that circulates.
    All heat counts as evaporated: in cold air up to a third of it leaves as warmth instead, so winters are overstated.
    Source: ASHRAE Handbook - HVAC Systems and Equipment, cooling towers: mass balance of water and salts.
    """
    evaporated = heat_w / latent_heat_j_per_kg(water_c)
    drift = drift_ratio * heat_w / (WATER_J_PER_KG_K * range_k)
    return np.asarray((evaporated + np.maximum(evaporated / (cycles - 1), drift)) * 3600)


def tower_fan_w(heat_w: Series, *, design_w: float, rated_w_per_w: float) -> Series:
    """Fans of towers or coolers that are made for design_w, W; off where there is no heat.

    They hold their approach in any weather, so air goes as heat.
    """
    if design_w <= 0:
        return np.zeros_like(heat_w)
    ratio = heat_w / design_w
    fans = affinity_w(rated_w_per_w * design_w, ratio, exponent=TOWER_FAN_EXPONENT, min_ratio=MIN_TOWER_FAN_RATIO)
    return np.where(heat_w > 0, fans, 0.0)
