"""How long the hall stays cool enough once cooling is lost."""

from dataclasses import dataclass, replace

import numpy as np

from datahall.infrastructure.weather.psychrometrics import CP_AIR_J_PER_KG_K, Series

AIR_KG_PER_M3 = 1.2
"""Air of a room near 20 C at sea level."""
WATER_J_PER_KG_K = 4186.0
POINTS = 121
LONGEST_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Curve:
    """Temperature after the loss, at equal steps."""

    time_s: Series
    air_c: Series


@dataclass(frozen=True, slots=True)
class RideThroughResult:
    """Seconds from the loss of cooling to the limit; None: it is not reached within a day."""

    without_ups_s: float | None
    """Fans and pumps stop with the rest: air and racks alone warm up."""
    with_ups_s: float | None
    """Fans and pumps go on, and the water in loop and tanks takes heat; behind rear doors, no longer than the loop."""
    liquid_s: float | None
    """Liquid-cooled equipment with pumps on UPS, until the loop is at its limit; 0 without water, None without such heat."""
    limit_c: float
    loop_decides: bool
    """Whether with_ups_s is when the loop of rear doors is warm, while the air is still below the limit."""
    without_ups: Curve
    with_ups: Curve
    air_j_per_k: float
    """Heat capacity of the air and of what of the racks follows it."""
    water_j_per_k: float


def ride_through(
    *,
    air_heat_w: float,
    limit_c: float,
    supply_c: float,
    air_m3: float,
    rack_kg: float,
    rack_kj_per_kg_k: float,
    rack_coupling_ratio: float,
    water_kg: float = 0.0,
    water_c: float | None = None,
    wall_w_per_k: float = 0.0,
    outdoor_c: float = 20.0,
    liquid_heat_w: float = 0.0,
    door_heat_w: float = 0.0,
    loop_water_kg: float = 0.0,
    loop_rise_limit_k: float = 10.0,
) -> RideThroughResult:
    """Time from the loss of heat rejection to the temperature limit, s, with and without fans and pumps on UPS.

    air_heat_w: heat of equipment and losses to the air. supply_c, limit_c: inlet air at the start, and where equipment stops.
    air_m3: of the rooms. rack_kg: racks and what is in them; rack_coupling_ratio of it follows the air within minutes.
    water_kg, water_c: chilled water in loops and tanks that the air side reaches while fans and pumps turn, and how cold it is;
    None: no chilled water. wall_w_per_k: heat through the walls to outdoor_c.
    liquid_heat_w, loop_water_kg: heat to liquid, and the water that takes it; loop_rise_limit_k: what it may warm by.
    door_heat_w: the part of liquid_heat_w that rear doors take out of the air. Once pumps stop it stays there; once the loop is
    warm to its limit doors take no more, so with them the air holds no longer than the loop.
    Raises ValueError when there is neither air nor rack to warm.

    One well-mixed lump C dT/dt = P - G (T - T_water) - U (T - T_outdoor), and the water's C_w dT_w/dt = G (T - T_water); G is
    what carried all heat at the start. Cold and hot aisles mix here at once: with containment, inlets warm faster.
    Source: lumped capacitance, Incropera, Fundamentals of Heat and Mass Transfer, section 5.1; solved in closed form.
    """
    air_j_per_k = AIR_KG_PER_M3 * CP_AIR_J_PER_KG_K * air_m3 + rack_kg * rack_coupling_ratio * rack_kj_per_kg_k * 1e3
    if air_j_per_k <= 0:
        raise ValueError("ride_through: air_m3 and rack_kg are both 0, but something has to take the heat")
    # Less than a kilogram counts as none: it would warm through at once, at a rate that no float holds.
    water_j_per_k = WATER_J_PER_KG_K * water_kg if water_c is not None and water_kg >= 1 else 0.0
    alone = _Lumps(air_heat_w + door_heat_w, air_j_per_k, wall_w_per_k, supply_c, outdoor_c, 0.0, 0.0, supply_c)
    held = replace(alone, heat_w=air_heat_w)
    if water_c is not None and water_j_per_k > 0 and water_c < supply_c:
        coil_w_per_k = max(air_heat_w - wall_w_per_k * (supply_c - outdoor_c), 0.0) / (supply_c - water_c)
        held = _Lumps(air_heat_w, air_j_per_k, wall_w_per_k, supply_c, outdoor_c, water_j_per_k, coil_w_per_k, water_c)
    loop_s = loop_water_kg * WATER_J_PER_KG_K * loop_rise_limit_k / liquid_heat_w if liquid_heat_w > 0 else None
    without_s, with_s = alone.reaches_s(limit_c), held.reaches_s(limit_c)
    loop_decides = door_heat_w > 0 and loop_s is not None and (with_s is None or loop_s < with_s)
    if loop_decides:
        with_s = loop_s
    return RideThroughResult(
        without_ups_s=without_s,
        with_ups_s=with_s,
        liquid_s=loop_s,
        limit_c=limit_c,
        loop_decides=loop_decides,
        without_ups=alone.curve(without_s),
        with_ups=held.curve(with_s),
        air_j_per_k=air_j_per_k,
        water_j_per_k=water_j_per_k,
    )


@dataclass(frozen=True, slots=True)
class _Lumps:
    """Air, and water that it reaches through a coil of coil_w_per_k; without a coil, air alone."""

    heat_w: float
    air_j_per_k: float
    wall_w_per_k: float
    start_c: float
    outdoor_c: float
    water_j_per_k: float
    coil_w_per_k: float
    water_c: float

    def air_c(self, time_s: Series | float) -> Series:
        """Closed form at these times, C.

        The air's slope solves a linear equation without a constant, so it is a e^(fast t) + b e^(slow t); its integral from 0
        stays exact where there are no walls (slow = 0) and where there is hardly any water (fast without end).
        """
        wall, coil = self.wall_w_per_k / self.air_j_per_k, self.coil_w_per_k / self.air_j_per_k
        water = self.coil_w_per_k / self.water_j_per_k if self.water_j_per_k > 0 else 0.0
        trace, product = wall + coil + water, wall * water
        fast = -(trace + np.sqrt(max(trace**2 - 4 * product, 0.0))) / 2
        slow = product / fast if fast < 0 else 0.0
        below_k = self.start_c - self.water_c
        slope = self.heat_w / self.air_j_per_k - wall * (self.start_c - self.outdoor_c) - coil * below_k
        bend = -(wall + coil) * slope + coil * water * below_k
        a = (bend - slow * slope) / (fast - slow) if fast < slow else slope
        return np.asarray(self.start_c + a * _integral(fast, time_s) + (slope - a) * _integral(slow, time_s))

    def reaches_s(self, limit_c: float) -> float | None:
        """When the air is at the limit, s, by bisection; it only warms. None: not within a day."""
        if self.start_c >= limit_c:
            return 0.0
        low, high = 0.0, LONGEST_S
        if self.air_c(high) < limit_c:
            return None
        while high - low > 1e-6 * max(high, 1.0):
            middle = (low + high) / 2
            low, high = (middle, high) if self.air_c(middle) < limit_c else (low, middle)
        return high

    def curve(self, reached_s: float | None) -> Curve:
        """From the loss to a fifth past the limit; one hour where there is no limit to reach."""
        time_s = np.linspace(0.0, max(1.2 * reached_s, 10.0) if reached_s is not None else 3600.0, POINTS)
        return Curve(time_s, self.air_c(time_s))


def _integral(rate: float, time_s: Series | float) -> Series:
    """Integral of e^(rate t) from 0 to time_s; the time itself where the rate is 0."""
    time = np.asarray(time_s, dtype=np.float64)
    return time if rate == 0 else np.expm1(rate * time) / rate
