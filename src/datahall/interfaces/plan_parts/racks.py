"""Racks from the front, rooms from above."""

from collections.abc import Iterator, Mapping
from itertools import groupby

from datahall.foundation.ranges import names_of
from datahall.foundation.readable import significant, with_unit
from datahall.infrastructure.catalog.part_specs import RackPart, ServerPart
from datahall.infrastructure.estate import Content, Estate, RackBlock
from datahall.infrastructure.floor import Place, floor_of
from datahall.infrastructure.spec import Room
from datahall.interfaces.pictures.elevation import Standing, elevation
from datahall.interfaces.pictures.floor_plan import RoomDrawn, RowDrawn, Run, floor_plan
from datahall.interfaces.plan_parts.anchors import Anchors
from datahall.interfaces.plan_parts.blocks import Gallery, Picture, Section, counted
from datahall.network.catalog import SwitchPart
from datahall.planner.plan import Plan

FOOTPRINT_M = (0.6, 1.2)
"""Of a rack whose part is not declared: the commonest one. A drawing needs a size; no figure rests on it."""
ROW = 24
"""Racks in a row of those that stand in no declared place."""


def racks_section(plan: Plan, anchors: Anchors) -> Section | None:
    """One elevation for each group of racks; None in a hall without racks."""
    blocks, parts = plan.loaded.estate.blocks, plan.loaded.catalogue.racks
    if not blocks:
        return None
    pictures = tuple(_elevation(block, parts.get(block.group.part or "")) for block in blocks)
    lead = "One rack of each group, from the front, filled from below in the order of the hall file."
    return Section(anchors.section("racks"), "Racks", (Gallery(pictures),), lead)


def floor_section(plan: Plan, anchors: Anchors) -> Section | None:
    """Every room, and racks that stand in none."""
    estate = plan.loaded.estate
    if not estate.blocks:
        return None
    most_w = max(block.peak_w for block in estate.blocks)
    pictures = tuple(
        Picture(floor_plan(room, most_w=most_w, title=f"Floor plan of {room.name}"), note=_density(room))
        for room in rooms_of(plan)
    )
    lead = "Rows are filled one after the other, and drawn evenly over the depth: a hall file does not say where they stand."
    return Section(anchors.section("floor"), "Floor plan", pictures, lead)


def _elevation(block: RackBlock, part: RackPart | None) -> Picture:
    used = block.units_used
    units = block.group.units or (part.units if part else None)
    devices = [_standing(content) for content in block.contents]
    title = f"{block.group.name}: {counted(len(block.names), 'rack', 'racks')}"
    drawn = elevation(devices, units=units or max(used, 1), title=f"{title}, from the front")
    notes = [
        _of(block.peak_w, block.group.power_limit_w or (part.power_limit_w if part else None), "W"),
        _least(block)
        + _of(_weight_kg(block, part), block.group.weight_limit_kg or (part.weight_limit_kg if part else None), "kg"),
        f"{used} of {units} U" if units else f"{used} U, the rack's height is not declared",
    ]
    beside = [
        f"{content.count} × {content.device.name} beside the units" for content in block.contents if not content.device.units
    ]
    return Picture(drawn, title, " · ".join([*notes, *beside]))


def _standing(content: Content) -> Standing:
    device = content.device
    weight = f", {significant(device.weight_kg)} kg" if device.weight_kg else ""
    return Standing(device.name, _kind(content), content.count, device.units, with_unit(content.peak_w, "W") + weight)


def _kind(content: Content) -> str:
    if isinstance(content.device, SwitchPart):
        return "switch"
    return "accelerated" if isinstance(content.device, ServerPart) and content.device.accelerators else "plain"


def _least(block: RackBlock) -> str:
    """`≥ ` where some device's weight is not known."""
    return "≥ " if any(content.device.weight_kg is None for content in block.contents) else ""


def _weight_kg(block: RackBlock, part: RackPart | None) -> float:
    return block.contents_kg + (part.empty_weight_kg if part else 0.0)


def _of(value: float, limit: float | None, unit: str) -> str:
    return f"{with_unit(value, unit)} of {with_unit(limit, unit)}" if limit else with_unit(value, unit)


def rooms_of(plan: Plan) -> Iterator[RoomDrawn]:
    """Every declared room with its racks, then a schematic one for racks that stand in none."""
    hall, estate, parts = plan.loaded.hall, plan.loaded.estate, plan.loaded.catalogue.racks
    places = floor_of(hall).places
    for room in hall.rooms:
        yield RoomDrawn(room.name, room.width_m, room.depth_m, tuple(_rows(room, estate, places, parts)))
    loose = [(block, name) for block in estate.blocks for name in block.names if name not in places]
    if loose:
        rows = [loose[start : start + ROW] for start in range(0, len(loose), ROW)]
        named = [RowDrawn(f"{start * ROW + 1}–", ROW, tuple(_runs(_placed(row), parts))) for start, row in enumerate(rows)]
        yield RoomDrawn("racks in no declared place", None, None, tuple(named))


def _placed(row: list[tuple[RackBlock, str]]) -> list[tuple[int, RackBlock, str]]:
    """Positions from 1 for racks in a row."""
    return [(position, block, name) for position, (block, name) in enumerate(row, 1)]


def _rows(room: Room, estate: Estate, places: Mapping[str, Place], parts: Mapping[str, RackPart]) -> Iterator[RowDrawn]:
    standing: dict[str, list[tuple[int, RackBlock, str]]] = {}
    for block in estate.blocks:
        for name in block.names:
            if (place := places.get(name)) and place.room == room.name:
                standing.setdefault(place.row, []).append((place.position, block, name))
    for row in room.rows:
        for name in names_of(row.name):
            yield RowDrawn(name, row.positions, tuple(_runs(sorted(standing.get(name, []), key=lambda s: s[0]), parts)))


def _runs(standing: list[tuple[int, RackBlock, str]], parts: Mapping[str, RackPart]) -> Iterator[Run]:
    for _, group in groupby(enumerate(standing), key=lambda found: (found[1][1].index, found[1][0] - found[0])):
        racks = [found for _, found in group]
        first, block, name = racks[0]
        part = parts.get(block.group.part or "")
        width_m, depth_m = (part.width_m, part.depth_m) if part else FOOTPRINT_M
        names = name if len(racks) == 1 else f"{name} … {racks[-1][2]}"
        about = f"{names}: {len(racks)} × {with_unit(block.peak_w, 'W')}"
        yield Run(first, len(racks), block.peak_w, width_m, depth_m, about)


def _density(room: RoomDrawn) -> str:
    runs = [run for row in room.rows for run in row.runs]
    total_w, count = sum(run.count * run.rack_w for run in runs), sum(run.count for run in runs)
    text = f"{counted(count, 'rack', 'racks')}, {with_unit(total_w, 'W')} at full load"
    if room.width_m and room.depth_m:
        text += f", {total_w / (room.width_m * room.depth_m) / 1e3:.2f} kW/m²"
    return text
