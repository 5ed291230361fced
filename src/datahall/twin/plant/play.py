"""Play the plant: what jobs hold, turned into power, heat, energy and money through time.

Loads are exact means of each hour, however often they change within it; losses and cooling follow those means, which is what
halls' thermal mass and hourly tariffs see. The hall's highest moment of each hour is worked out beside them.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from datahall.infrastructure.cooling import CoolingYear
from datahall.infrastructure.power import RackFlow, RackLoads, rack_loads
from datahall.infrastructure.power.columns import Floats, Ints
from datahall.infrastructure.works import agreed
from datahall.twin.plant.bill import billed
from datahall.twin.plant.caps import CapLine, PowerCap, cap_line
from datahall.twin.plant.holds import Holds, check
from datahall.twin.plant.overloads import over_continuous, over_rating
from datahall.twin.plant.plant import Plant
from datahall.twin.plant.played import Played
from datahall.twin.plant.slices import Changes, Slices, at_moments, changes_of, highest, means, slices_of


def play(
    plant: Plant,
    holds: Holds,
    *,
    end_ms: int,
    start_hour: int = 0,
    caps: Sequence[PowerCap] = (),
    evenly: bool = False,
) -> Played:
    """The run from 0 to end_ms. start_hour: hour of the weather year at 0 ms. caps: what the run is held against, not held to.

    evenly: share the draw of all places over them by their full draw, as the planner's year does, whoever works; `place_w` is
    then that share. Raises Refused for rows that cannot be, each kind of fault once.
    """
    check(holds, plant.places, end_ms)
    line = cap_line(plant, caps, end_ms)
    slices = slices_of(end_ms, start_hour=start_hour, more_ms=line.edges_ms.tolist())
    changes = changes_of(len(plant.places.names), holds.place, holds.from_ms, holds.to_ms, holds.busy)
    place_w = _draw_w(plant, means(slices, changes), evenly=evenly)
    loads = loads_of(plant, place_w)
    flow, cooling = settled(plant, loads, place_w, slices.hour_of_year(plant.year_h))
    rest_w, critical_w = mechanical_of(cooling, slices.count)
    continuous = over_continuous(loads, rest_w, critical_w, slices)
    peak_ms, top = _at_peaks(plant, slices, changes, evenly=evenly)
    rating, peak_w = over_rating(top, rest_w, critical_w, slices), top.solve(rest_w, critical_w).facility_w
    per_slice, demand = billed(plant, slices, flow, cooling)
    return Played(
        slices=slices,
        place_w=place_w,
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


def loads_of(plant: Plant, place_w: Floats, lost: frozenset[int] = frozenset()) -> RackLoads:
    """What hangs on the power graph while places draw place_w, (P, S)."""
    racks = plant.places.racks
    outside_w = place_w[racks:].sum(axis=0)
    return rack_loads(plant.works.graph, place_w[:racks], outside_w=outside_w, shared_w=plant.more_it_w, lost=lost)


def settled(plant: Plant, loads: RackLoads, place_w: Floats, hour: Ints) -> tuple[RackFlow, CoolingYear | None]:
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


def _draw_w(plant: Plant, busy: Floats, *, evenly: bool) -> Floats:
    """What places draw with so many of their units busy, (P, S); `busy` is written over."""
    busy *= plant.places.unit_w[:, None]
    busy += plant.places.base_w[:, None]
    peak_w = plant.places.peak_w
    return np.outer(peak_w / peak_w.sum(), busy.sum(axis=0)) if evenly and peak_w.any() else busy


def _at_peaks(plant: Plant, slices: Slices, changes: Changes, *, evenly: bool) -> tuple[Ints, RackLoads]:
    """The hall's highest moment of each slice, and what hangs on the power graph then."""
    _, moments = highest(slices, changes.at_ms, changes.by * plant.places.unit_w[changes.place])
    return moments, loads_of(plant, _draw_w(plant, at_moments(slices, changes, moments), evenly=evenly))


def _over_cap_w(line: CapLine, slices: Slices, it_w: Floats, meter_w: Floats) -> Floats:
    it_limit_w, meter_limit_w = line.at(slices.edges_ms[:-1])
    return np.maximum(0.0, np.maximum(it_w - it_limit_w, meter_w - meter_limit_w))
