"""Rules about what stands in a rack: parts that are known, and limits of power, heat, weight, units and floor."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem
from datahall.foundation.ranges import names_of
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.catalog.own import read_own
from datahall.infrastructure.catalog.part_specs import RackPart
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.estate import RackBlock, estate_of
from datahall.infrastructure.spec import RackGroup


def no_machines(context: Context) -> Iterator[Problem]:
    """INF-101: a hall has machines: nodes that are here, or servers in racks."""
    hall, catalogue = context.hall, context.catalogue
    if hall.nodes:
        return
    counted = [contents for group in hall.racks for contents in group.contents if contents.count]
    if any(contents.part in catalogue.servers or contents.part not in catalogue.devices for contents in counted):
        return  # a server, or a part that another rule says is not known
    where = context.where(("racks",) if hall.racks else ())
    what = "the racks hold no server" if hall.racks else "the hall has neither nodes nor racks"
    fix = "add `contents: [{part: dgx-h100, count: 4}]` to a rack, or nodes as `datahall init` writes them"
    yield Problem("INF-101", where, what, fix)


def unknown_device(context: Context) -> Iterator[Problem]:
    """INF-102: what stands in racks is in a catalogue."""
    known, switches = context.catalogue.devices, {fabric.switch for fabric in context.hall.fabrics}
    missing = [
        (i, j, contents.part)
        for i, group in enumerate(context.hall.racks)
        for j, contents in enumerate(group.contents)
        if contents.part not in known and contents.part not in switches  # a fabric's switch: the network's rules judge it
    ]
    own = read_own(context.hall, context.folder) if missing else None
    for i, j, part in missing:
        if own and not own.may_hold(part):
            yield Problem(
                "INF-102", context.where(("racks", i, "contents", j, "part")), f"no catalogue has `{part}`", near(part, known)
            )


def unknown_rack(context: Context) -> Iterator[Problem]:
    """INF-103: the type of a rack is in a catalogue."""
    known = context.catalogue.racks
    missing = [(i, group.part) for i, group in enumerate(context.hall.racks) if group.part and group.part not in known]
    own = read_own(context.hall, context.folder) if missing else None
    for i, part in missing:
        if own and not own.may_hold(part):
            yield Problem(
                "INF-103", context.where(("racks", i, "part")), f"no catalogue has a rack `{part}`", near(part, known)
            )


def rack_power(context: Context) -> Iterator[Problem]:
    """INF-104: full draw of what stands in a rack is within its power limit."""
    for block, part in _blocks(context):
        limit_w = _power_limit_w(block.group, part)
        if limit_w is not None and block.peak_w > limit_w:
            what = f"{_filling(block)} draw {_kw(block.peak_w)} at full load, but the rack may draw {_kw(limit_w)}"
            fix = "put fewer in a rack, set power_cap_w, or raise power_limit_w and what feeds it"
            yield Problem("INF-104", context.where(("racks", block.index)), what, fix)


def rack_heat(context: Context) -> Iterator[Problem]:
    """INF-105: heat of what stands in a rack is within what its cooling carries away."""
    for block, part in _blocks(context):
        limit_w, power_limit_w = block.group.heat_limit_w, _power_limit_w(block.group, part)
        if power_limit_w is not None and block.peak_w > power_limit_w:
            continue  # the same watts break the power limit already
        if limit_w is not None and block.peak_w > limit_w:
            what = f"{_filling(block)} give {_kw(block.peak_w)} of heat, but {_kw(limit_w)} are carried away"
            fix = "put fewer in a rack, set power_cap_w, or cool better: a rear door or liquid, and raise heat_limit_w"
            yield Problem("INF-105", context.where(("racks", block.index)), what, fix)


def rack_weight(context: Context) -> Iterator[Problem]:
    """INF-106: what stands in a rack weighs no more than it carries; parts of unknown weight are not counted."""
    for block, part in _blocks(context):
        limit_kg = block.group.weight_limit_kg or (part.weight_limit_kg if part else None)
        if limit_kg is not None and block.contents_kg > limit_kg:
            what = f"{_filling(block)} weigh {block.contents_kg:.0f} kg, but the rack carries {limit_kg:.0f} kg"
            yield Problem(
                "INF-106", context.where(("racks", block.index)), what, "put fewer in a rack, or choose a stronger one"
            )


def rack_units(context: Context) -> Iterator[Problem]:
    """INF-107: what stands in a rack fits its units."""
    for block, part in _blocks(context):
        units = block.group.units or (part.units if part else None)
        if units is not None and block.units_used > units:
            what = f"{_filling(block)} take {block.units_used} units, but the rack has {units}"
            yield Problem("INF-107", context.where(("racks", block.index)), what, "put fewer in a rack, or choose a taller one")


def floor_load(context: Context) -> Iterator[Problem]:
    """INF-108: a rack with what stands in it, over its footprint, is within the room's floor load."""
    rooms = {room.name: room for room in context.hall.rooms}
    for block, part in _blocks(context):
        room = rooms.get(block.group.room or "")
        if room is None or room.floor_load_kg_per_m2 is None or part is None:
            continue
        load = (block.contents_kg + part.empty_weight_kg) / (part.width_m * part.depth_m)
        if load > room.floor_load_kg_per_m2:
            what = (
                f"a rack presses on the floor with {load:.0f} kg/m2, but `{room.name}` carries {room.floor_load_kg_per_m2:.0f}"
            )
            fix = "put fewer in a rack, choose a wider one, or raise the floor and floor_load_kg_per_m2"
            yield Problem("INF-108", context.where(("racks", block.index)), what, fix)


def cords_beyond_the_part(context: Context) -> Iterator[Problem]:
    """INF-109: no more cords are plugged in than the device has."""
    known = context.catalogue.devices
    for i, group in enumerate(context.hall.racks):
        for j, contents in enumerate(group.contents):
            device = known.get(contents.part)
            if device and contents.cords is not None and contents.cords > device.cords:
                what = f"{contents.cords} cords are plugged into each `{device.name}`, but it has {device.cords}"
                fix = (
                    f"lower cords to {device.cords} or leave it out"
                    if device.cords
                    else "leave cords out: its rack's busbar feeds it"
                )
                yield Problem("INF-109", context.where(("racks", i, "contents", j, "cords")), what, fix)


CHECKS: tuple[Check, ...] = (
    no_machines,
    unknown_device,
    unknown_rack,
    rack_power,
    rack_heat,
    rack_weight,
    rack_units,
    floor_load,
    cords_beyond_the_part,
)


def _blocks(context: Context) -> Iterator[tuple[RackBlock, RackPart | None]]:
    """Rack groups with their rack's row; without one where the hall names none, or one that is not known."""
    for block in estate_of(context.hall, context.catalogue).blocks:
        yield block, context.catalogue.racks.get(block.group.part or "")


def _power_limit_w(group: RackGroup, part: RackPart | None) -> float | None:
    return group.power_limit_w or (part.power_limit_w if part else None)


def _filling(block: RackBlock) -> str:
    """`4 x dgx-h100 and 1 x sn2201 in r001 and 127 alike`."""
    things = " and ".join(f"{c.count} x {c.device.name}" for c in block.contents)
    others = len(block.names) - 1
    return f"{things} in {names_of(block.group.name)[0]}" + (f" and {others} alike" if others else "")


def _kw(power_w: float) -> str:
    return f"{power_w / 1e3:.1f} kW"
