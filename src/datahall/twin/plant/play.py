"""Play the plant: what jobs hold, turned into power, heat, energy and money through time.

Loads are exact means of each hour, however often they change within it; losses and cooling follow those means, which is what
halls' thermal mass and hourly tariffs see. The hall's highest moment of each hour is worked out beside them.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from datahall.infrastructure.cooling import CoolingYear
from datahall.infrastructure.power import RackFlow
from datahall.infrastructure.power.columns import Bools, Floats, Ints
from datahall.infrastructure.works import agreed
from datahall.twin.plant.bill import billed
from datahall.twin.plant.caps import CapLine, PowerCap, cap_line
from datahall.twin.plant.holds import Holds, check
from datahall.twin.plant.overloads import over_continuous, over_rating
from datahall.twin.plant.plant import Plant
from datahall.twin.plant.played import Played
from datahall.twin.plant.slices import Changes, Slices, at_moments, changes_of, highest, means, slices_of
from datahall.twin.plant.ways import Lost, Ways, dark_of, parts_of, ways_of


def play(
    plant: Plant,
    holds: Holds,
    *,
    end_ms: int,
    start_hour: int = 0,
    caps: Sequence[PowerCap] = (),
    lost: Sequence[Lost] = (),
    evenly: bool = False,
) -> Played:
    """The run from 0 to end_ms. start_hour: hour of the weather year at 0 ms. caps: what the run is held against, not held to.

    lost: power elements that are out for some time: what is left carries the load, and racks that nothing feeds draw nothing.
    Cooling counts as going on meanwhile; what its own loss does is told by `lose_utility` and `lose_cooling`.
    evenly: share the draw of all places over them by their full draw, as the planner's year does, whoever works; `place_w` is
    then that share. Not with `lost`. Raises Refused for rows that cannot be, each kind of fault once, and Missing for elements
    that the hall does not have.
    """
    if evenly and lost:
        raise ValueError("play: evenly shares the draw over all places, so none may be dark: leave out `lost`")
    check(holds, plant.places, end_ms)
    line = cap_line(plant, caps, end_ms)
    slices = slices_of(end_ms, start_hour=start_hour, more_ms=_cuts_ms(line, lost))
    parts = parts_of(plant, lost, slices)
    dark = dark_of(plant, parts, slices)
    changes = changes_of(len(plant.places.names), holds.place, holds.from_ms, holds.to_ms, holds.busy)
    place_w = _draw_w(plant, means(slices, changes), dark, evenly=evenly)
    loads = ways_of(plant, place_w, parts)
    flow, cooling = settled(plant, loads, place_w, slices.hour_of_year(plant.year_h))
    rest_w, critical_w = mechanical_of(cooling, slices.count)
    continuous = over_continuous(loads, rest_w, critical_w, slices)
    peak_ms, peak_place_w = _at_peaks(plant, slices, changes, dark, evenly=evenly)
    top = ways_of(plant, peak_place_w, parts)
    rating, peak_w = over_rating(top, rest_w, critical_w, slices), top.solve(rest_w, critical_w).facility_w
    per_slice, demand = billed(plant, slices, flow, cooling)
    return Played(
        slices=slices,
        place_w=place_w,
        dark=dark,
        flow=flow,
        cooling=cooling,
        it_peak_w=top.it_w,
        peak_ms=peak_ms,
        facility_peak_w=peak_w,
        per_slice=per_slice,
        demand_money=demand,
        overloads=(*rating, *continuous),
        over_cap_w=_over_cap_w(line, slices, top.it_w, peak_w),
        missing=(*plant.rates.missing, *(() if plant.is_cooled else ("cooling and site.weather",))),
    )


def settled(plant: Plant, loads: Ways, place_w: Floats, hour: Ints) -> tuple[RackFlow, CoolingYear | None]:
    """Power and cooling once they agree, in these hours of the year, (S,)."""
    if not plant.is_cooled:
        return loads.solve(np.zeros(len(hour)), np.zeros(len(hour))), None
    air_w, liquid_w = heat_w(plant, loads.it_w, place_w)
    return agreed(loads.solve, partial(plant.cooling, hour, air_w, liquid_w), loads.it_w)


def heat_w(plant: Plant, it_w: Floats, place_w: Floats) -> tuple[Floats, Floats]:
    """Heat of all IT to the air and to the liquid, W."""
    liquid_w = plant.places.liquid_ratio @ place_w + plant.works.liquid_ratio * plant.more_it_w
    return np.maximum(it_w - liquid_w, 0.0), np.minimum(liquid_w, it_w)


def mechanical_of(cooling: CoolingYear | None, count: int) -> tuple[Floats, Floats]:
    """What cooling draws: that which may stop, and that which must not, W."""
    if cooling is None:
        return np.zeros(count), np.zeros(count)
    return cooling.electricity_w - cooling.critical_w, cooling.critical_w


def _cuts_ms(line: CapLine, lost: Sequence[Lost]) -> list[int]:
    return [*line.edges_ms.tolist(), *(at for one in lost for at in (one.from_ms, one.to_ms))]


def _draw_w(plant: Plant, busy: Floats, dark: Bools | None, *, evenly: bool) -> Floats:
    """What places draw with so many of their units busy, (P, S); `busy` is written over."""
    busy *= plant.places.unit_w[:, None]
    busy += plant.places.base_w[:, None]
    if dark is not None:
        busy[dark] = 0.0
    peak_w = plant.places.peak_w
    return np.outer(peak_w / peak_w.sum(), busy.sum(axis=0)) if evenly and peak_w.any() else busy


def _at_peaks(plant: Plant, slices: Slices, changes: Changes, dark: Bools | None, *, evenly: bool) -> tuple[Ints, Floats]:
    """The hall's highest moment of each slice, and what places draw then. Which moment that is, dark racks decide too."""
    _, moments = highest(slices, changes.at_ms, changes.by * plant.places.unit_w[changes.place])
    return moments, _draw_w(plant, at_moments(slices, changes, moments), dark, evenly=evenly)


def _over_cap_w(line: CapLine, slices: Slices, it_w: Floats, meter_w: Floats) -> Floats:
    it_limit_w, meter_limit_w = line.at(slices.edges_ms[:-1])
    return np.maximum(0.0, np.maximum(it_w - it_limit_w, meter_w - meter_limit_w))
