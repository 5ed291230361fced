"""Rules about cooling: whether the heat of the equipment finds its way out."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from datahall.foundation.errors import Problem
from datahall.foundation.paths import Path
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.cooling.heat import Heat, heat_of, rear_door_w
from datahall.infrastructure.cooling.liquid import flow_capacity_w
from datahall.infrastructure.estate import Estate, estate_of
from datahall.infrastructure.spec import Cooling, Units

ROOM_LIMIT_W = 10_000.0
"""Heat that a room without a plant of its own may take: a rack in an office with its comfort cooling. Our choice."""
A1_ALLOWABLE_C = (15.0, 32.0)
"""ASHRAE TC 9.9, Thermal Guidelines for Data Processing Environments, 2021, class A1, allowable (quoted from memory)."""
GB_50174_C = (18.0, 27.0)
"""GB 50174-2017 Appendix A, inlet of the cold aisle."""


def air_capacity(context: Context) -> Iterator[Problem]:
    """INF-310: air units, with the spare ones out, carry the equipment's heat to air."""
    cooling = context.hall.cooling
    if cooling is None or cooling.air is None or cooling.air.kind == "none" or cooling.air.units is None:
        return
    if short := _shortage(cooling.air.units, _heat(context, cooling).air_w):
        what = f"{short.asked} go to air, but {short.carried}"
        yield Problem("INF-310", context.where(("cooling", "air", "units", "count")), what, short.fix)


def liquid_capacity(context: Context) -> Iterator[Problem]:
    """INF-311: coolant distribution units, with the spare ones out, carry the equipment's heat to liquid."""
    cooling = context.hall.cooling
    if cooling is None or cooling.liquid is None or cooling.liquid.units is None:
        return
    if short := _shortage(cooling.liquid.units, _heat(context, cooling).liquid_w):
        what = f"{short.asked} go to liquid, but {short.carried}"
        yield Problem("INF-311", context.where(("cooling", "liquid", "units", "count")), what, short.fix)


def liquid_flow(context: Context) -> Iterator[Problem]:
    """INF-312: the loop's greatest flow carries the heat to liquid at the declared rise."""
    cooling = context.hall.cooling
    if cooling is None or cooling.liquid is None or cooling.liquid.max_flow_l_per_s is None:
        return
    side, heat_w = cooling.liquid, _heat(context, cooling).liquid_w
    carried_w = flow_capacity_w(side)
    if heat_w > carried_w:
        needed = side.max_flow_l_per_s * heat_w / carried_w if side.max_flow_l_per_s else 0.0
        what = (
            f"{heat_w / 1e3:.0f} kW to liquid need {needed:.1f} L/s at a rise of {side.rise_k:g} K, "
            f"but the loop carries {side.max_flow_l_per_s:g} L/s"
        )
        fix = f"raise max_flow_l_per_s, or rise_k to {side.rise_k * heat_w / carried_w:.1f} K or more"
        yield Problem("INF-312", context.where(("cooling", "liquid", "max_flow_l_per_s")), what, fix)


def liquid_side_missing(context: Context) -> Iterator[Problem]:
    """INF-313: where equipment is liquid-cooled, there is a liquid side."""
    cooling = context.hall.cooling
    if cooling is None or cooling.liquid is not None:
        return
    estate = _estate(context)
    plates_w = sum(len(b.names) * b.peak_w * b.liquid_ratio for b in estate.blocks)
    if plates_w > 0:
        racks = sum(len(b.names) for b in estate.blocks if b.liquid_ratio > 0)
        what = f"{racks} racks give {plates_w / 1e3:.0f} kW to liquid, but there is no liquid side"
        yield Problem("INF-313", context.where(("cooling", "liquid")), what, "add `liquid: {supply_c: …, rejection: …}`")


def air_side_missing(context: Context) -> Iterator[Problem]:
    """INF-314: where equipment gives heat to air, there is an air side; a room without a plant takes 10 kW at most."""
    cooling = context.hall.cooling
    if cooling is None or (cooling.air is not None and cooling.air.kind != "none"):
        return
    heat_w = _heat(context, cooling).air_w
    if cooling.air is None and heat_w > 1:
        what = f"{heat_w / 1e3:.1f} kW go to air, but there is no air side"
        yield Problem("INF-314", context.where(("cooling", "air")), what, "add `air: {kind: …}`")
    elif cooling.air is not None and heat_w > ROOM_LIMIT_W:
        what = (
            f"{heat_w / 1e3:.1f} kW go to air, but a room without a plant of its own takes {ROOM_LIMIT_W / 1e3:.0f} kW at most"
        )
        yield Problem("INF-314", context.where(("cooling", "air", "kind")), what, "choose dx, chilled_water or air_economiser")


def rear_doors_without_water(context: Context) -> Iterator[Problem]:
    """INF-315: where racks have rear-door heat exchangers, there is a liquid side."""
    cooling = context.hall.cooling
    if cooling is None or cooling.liquid is not None:
        return
    blocks = [b for b in _estate(context).blocks if b.liquid_ratio > 0 or rear_door_w(b, cooling) > 0]
    if not blocks or any(b.liquid_ratio > 0 for b in blocks):  # the latter is INF-313's to tell
        return
    racks = sum(len(b.names) for b in blocks)
    what = f"{racks} racks have rear-door heat exchangers, but there is no liquid side for their water"
    fix = "add `liquid: {supply_c: …, rejection: …}`, or take rear_door out"
    yield Problem("INF-315", context.where(("racks", blocks[0].index, "rear_door")), what, fix)


def supply_air_in_a1(context: Context) -> Iterator[Problem]:
    """INF-316: supply air is within 15 to 32 C, the allowable range of ASHRAE class A1."""
    if (supply_c := _supply_c(context)) is not None and not _within(supply_c, A1_ALLOWABLE_C):
        what = f"supply air of {supply_c:g} C is outside 15 to 32 C, what ASHRAE class A1 allows"
        yield Problem("INF-316", context.where(("cooling", "air", "supply_c")), what, "choose 18 to 27 C, which is recommended")


def supply_air_in_gb50174(context: Context) -> Iterator[Problem]:
    """INF-317: a hall that is to meet GB 50174 supplies air of 18 to 27 C."""
    site, supply_c = context.hall.site, _supply_c(context)
    if site is None or site.class_gb50174 is None or supply_c is None or not _within(supply_c, A1_ALLOWABLE_C):
        return
    if not _within(supply_c, GB_50174_C):
        what = f"supply air of {supply_c:g} C is outside 18 to 27 C, what GB 50174 asks at the inlets"
        fix = "choose 18 to 27 C, or leave class_gb50174 out"
        yield Problem("INF-317", context.where(("cooling", "air", "supply_c")), what, fix)


def chilled_water_cold_enough(context: Context) -> Iterator[Problem]:
    """INF-318: chilled water is colder than what it cools."""
    cooling, supply_c = context.hall.cooling, _supply_c(context)
    if cooling is None:
        return
    cooled: dict[str, float] = {}
    air, liquid = cooling.air, cooling.liquid
    if air and supply_c is not None and _within(supply_c, A1_ALLOWABLE_C) and _takes_chilled_water(air.kind, air.trim):
        cooled["supply air"] = supply_c
    if liquid and "chilled_water" in (liquid.rejection, liquid.trim):
        cooled["the liquid side's water"] = liquid.supply_c
    warm = {name: c for name, c in cooled.items() if cooling.plant.chilled_water_c >= c}
    if warm:
        name = min(warm, key=lambda n: warm[n])
        what = f"chilled water of {cooling.plant.chilled_water_c:g} C is to cool {name} of {warm[name]:g} C"
        fix = f"make chilled_water_c lower than {warm[name]:g}, by 4 K or more"
        yield Problem("INF-318", context.where(("cooling", "plant", "chilled_water_c")), what, fix)


def chiller_capacity(context: Context) -> Iterator[Problem]:
    """INF-320: chillers, with the spare ones out, carry the heat of the sides that have nothing else."""
    cooling = context.hall.cooling
    if cooling is None or cooling.plant.chillers is None:
        return
    heat, heat_w = _heat(context, cooling), 0.0
    if cooling.air and cooling.air.kind == "chilled_water":
        heat_w += heat.air_w
    if cooling.liquid and cooling.liquid.rejection == "chilled_water":
        heat_w += heat.liquid_w
    if short := _shortage(cooling.plant.chillers, heat_w):
        what = f"{short.asked} go to chilled water, but {short.carried}"
        yield Problem("INF-320", context.where(("cooling", "plant", "chillers", "count")), what, short.fix)


def known_cooling_parts(context: Context) -> Iterator[Problem]:
    """INF-321: parts of the cooling plant are in the catalogue."""
    for path, units in _units(context):
        if units.part is not None and units.part not in context.catalogue.cooling:
            what = f"the cooling catalogue has no `{units.part}`"
            yield Problem("INF-321", context.where((*path, "part")), what, near(units.part, context.catalogue.cooling))


def spare_units(context: Context) -> Iterator[Problem]:
    """INF-322: spare units are fewer than all."""
    for path, units in _units(context):
        if units.spare >= units.count:
            what = f"{units.spare} of {units.count} units are spare, so none is left to cool"
            yield Problem("INF-322", context.where((*path, "spare")), what, "count all units: N+1 of 4 is count: 5, spare: 1")


CHECKS: tuple[Check, ...] = (
    air_capacity,
    liquid_capacity,
    liquid_flow,
    liquid_side_missing,
    air_side_missing,
    rear_doors_without_water,
    supply_air_in_a1,
    supply_air_in_gb50174,
    chilled_water_cold_enough,
    chiller_capacity,
    known_cooling_parts,
    spare_units,
)


@dataclass(frozen=True, slots=True)
class _Shortage:
    """In words: the heat that is asked, what is carried, and the way out."""

    asked: str
    carried: str
    fix: str


def _shortage(units: Units, heat_w: float) -> _Shortage | None:
    """When `units` less the spare ones carry less than heat_w; losses and fans, which come on top, are not counted.

    Units that are all spare are INF-322's to tell.
    """
    working = units.count - units.spare
    carried_w = working * units.capacity_w
    if working <= 0 or heat_w <= carried_w * (1 + 1e-9):
        return None
    spare = f" with {units.spare} spare ones out" if units.spare else ""
    return _Shortage(
        asked=f"{heat_w / 1e3:.0f} kW of equipment",
        carried=f"{working} units of {units.capacity_w / 1e3:g} kW carry {carried_w / 1e3:.0f} kW{spare}",
        fix=f"raise count to {math.ceil(heat_w / units.capacity_w) + units.spare} or more, or capacity_w",
    )


def _units(context: Context) -> Iterator[tuple[Path, Units]]:
    """All declared machines, with the place of each."""
    cooling = context.hall.cooling
    if cooling is None:
        return
    declared: tuple[tuple[Path, Units | None], ...] = (
        (("cooling", "air", "units"), cooling.air.units if cooling.air else None),
        (("cooling", "liquid", "units"), cooling.liquid.units if cooling.liquid else None),
        (("cooling", "plant", "chillers"), cooling.plant.chillers),
    )
    yield from ((path, units) for path, units in declared if units is not None)


def _supply_c(context: Context) -> float | None:
    """Supply air of a hall with an air plant."""
    cooling = context.hall.cooling
    return None if cooling is None or cooling.air is None or cooling.air.kind == "none" else cooling.air.supply_c


def _takes_chilled_water(kind: str, trim: str) -> bool:
    return kind == "chilled_water" or (kind == "air_economiser" and trim == "chilled_water")


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _estate(context: Context) -> Estate:
    return estate_of(context.hall, context.catalogue)


def _heat(context: Context, cooling: Cooling) -> Heat:
    return heat_of(_estate(context), cooling)
