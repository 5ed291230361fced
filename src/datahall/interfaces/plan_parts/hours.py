"""The year by the hour: effectiveness, power, weather, water; and what holds once cooling is lost."""

from collections.abc import Iterator

import numpy as np

from datahall.foundation.hourly import Series
from datahall.foundation.units import seconds_text
from datahall.infrastructure.cooling import RideThroughResult
from datahall.interfaces.pictures.heat_strip import heat_strip
from datahall.interfaces.pictures.hourly import Named, daily_bands, duration_curve
from datahall.interfaces.pictures.warming import Warming, warming_curves
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Block, Lines, Picture, Section
from datahall.planner.facility import FacilityYear
from datahall.planner.plan import Plan


def hours_section(plan: Plan, anchors: Anchors) -> Section:
    """Pictures of the hourly year; without cooling or weather, of power alone."""
    year = plan.year
    blocks: list[Block] = [*_effectiveness(year), _power(year), *_outside(year)]
    if year.weather:
        source = year.weather.source
        name = source.partition(":")[0]
        notes = (note for note in year.weather.notes if name.removeprefix("built-in year ") not in note)
        blocks.append(Lines((f"Weather: {source}".replace("`", "“", 1).replace("`", "”", 1), *notes)))
    lead = (
        f"{year.hours:,} hours, in local standard time. Bands reach from each day's least to its most, lines are daily means."
    )
    return Section(anchors.section("hours"), "Hour by hour", tuple(blocks), lead)


def ride_through_section(plan: Plan, anchors: Anchors) -> Section | None:
    """Temperature curves, at full load; None where nothing was computed."""
    found = plan.ride_through
    if found is None:
        return None
    drawn = warming_curves(list(_cases(found)), limit_c=found.limit_c, title="Air at the inlets after the loss of cooling")
    lines = list(_ride_through_lines(found))
    lead = "At full load, heat rejection lost. One well-mixed lump of air and racks: with contained aisles, inlets warm faster."
    return Section(anchors.section("ride-through"), "When cooling is lost", (Picture(drawn), Lines(tuple(lines))), lead)


def _ride_through_lines(found: RideThroughResult) -> Iterator[str]:
    for case in _cases(found):
        if found.loop_decides and case.reached_s is None:
            continue
        yield f"{case.name}: {_holds(case.reached_s, found.limit_c)}"
    if found.liquid_s is not None:
        loop = f"the liquid loop has warmed by its limit after {seconds_text(found.liquid_s)}"
        then = "; from then on rear doors leave their heat in the air" if found.loop_decides else ""
        yield f"fans and pumps on UPS: {loop}{then}"


def hourly_pue(year: FacilityYear) -> Series | None:
    """Facility over IT in each hour, NaN where IT draws nothing; None where the plan has no PUE."""
    if year.pue is None:
        return None
    found = np.full(year.hours, np.nan)
    np.divide(year.flow.facility_w, year.it_w, out=found, where=year.it_w > 0)
    return found


def _effectiveness(year: FacilityYear) -> Iterator[Block]:
    pue = hourly_pue(year)
    if pue is None or year.pue is None:
        return
    note = f"Over the year {year.pue:.3f}: the sum of facility energy over the sum of IT energy, not the mean of these hours."
    yield Picture(heat_strip(pue, title="PUE of every hour: days across, hours of the day down"), "PUE, hour by hour", note)
    drawn = duration_curve([Named("PUE", "c1", pue)], title="PUE of every hour, sorted", y_name="PUE")
    yield Picture(drawn, "PUE, sorted", "For how many hours of the year PUE is at least so high.")


def _power(year: FacilityYear) -> Picture:
    facility_w = np.broadcast_to(year.flow.facility_w, (year.hours,))
    unit_w, unit = next((u for u in ((1e9, "GW"), (1e6, "MW"), (1e3, "kW")) if facility_w.max(initial=0.0) >= u[0]), (1.0, "W"))
    series = [
        Named("facility", "c1", facility_w / unit_w),
        Named("IT", "c2", np.broadcast_to(year.it_w, (year.hours,)) / unit_w),
    ]
    return Picture(daily_bands(series, title="Power of facility and IT by day", y_name=unit), "Power")


def _outside(year: FacilityYear) -> Iterator[Picture]:
    weather, cooling = year.weather, year.cooling
    if weather is not None:
        series = [Named("dry bulb", "c2", weather.dry_bulb_c), Named("wet bulb", "c3", weather.wet_bulb_c)]
        yield Picture(daily_bands(series, title="Outside temperature by day", y_name="°C", from_zero=False), "Outside air")
    if cooling is not None and cooling.water_l.max(initial=0.0) > 0:
        series = [Named("water", "c1", cooling.water_l / 1e3)]
        yield Picture(daily_bands(series, title="Water by day", y_name="m³ an hour"), "Water")


def _cases(found: RideThroughResult) -> Iterator[Warming]:
    """The case with UPS is left out of the drawing where nothing makes it differ."""
    same = found.water_j_per_k == 0
    name = "air and racks alone" if same else "fans and pumps stop too"
    yield Warming(name, "c2", found.without_ups.time_s, found.without_ups.air_c, found.without_ups_s)
    if not same:
        reached_s = None if found.loop_decides else found.with_ups_s
        yield Warming("fans and pumps on UPS", "c1", found.with_ups.time_s, found.with_ups.air_c, reached_s)


def _holds(reached_s: float | None, limit_c: float) -> str:
    return (
        f"{limit_c:g} °C is not reached within a day"
        if reached_s is None
        else f"{limit_c:g} °C after {seconds_text(reached_s)}"
    )
