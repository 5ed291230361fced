"""Rules about names, places and zones of racks."""

from collections import Counter
from collections.abc import Iterable, Iterator

from datahall.foundation.errors import Problem
from datahall.foundation.paths import Path
from datahall.foundation.ranges import names_of
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.floor import floor_of, rooms_of, rows_of


def repeated_racks(context: Context) -> Iterator[Problem]:
    """INF-110: no two racks have the same name, also where ranges overlap."""
    entries = [(("racks", i, "name"), group.name) for i, group in enumerate(context.hall.racks)]
    for path, again in _repeated(entries):
        yield Problem("INF-110", context.where(path), f"a rack {again}", "rename one of them")


def repeated_rooms(context: Context) -> Iterator[Problem]:
    """INF-111: no two rooms have the same name."""
    entries = [(("rooms", i, "name"), room.name) for i, room in enumerate(context.hall.rooms)]
    for path, again in _repeated(entries):
        yield Problem("INF-111", context.where(path), f"a room {again}", "rename one of them")


def repeated_rows(context: Context) -> Iterator[Problem]:
    """INF-112: no two rows of a room have the same name."""
    for i, room in enumerate(context.hall.rooms):
        entries = [(("rooms", i, "rows", j, "name"), row.name) for j, row in enumerate(room.rows)]
        for path, again in _repeated(entries):
            yield Problem("INF-112", context.where(path), f"a row {again}", "rename one of them")


def undeclared_place(context: Context) -> Iterator[Problem]:
    """INF-113: the room and the rows where racks stand are declared."""
    positions, rooms = floor_of(context.hall).positions, [room.name for room in context.hall.rooms]
    for i, group in enumerate(context.hall.racks):
        if group.room is not None and group.room not in rooms:
            yield Problem(
                "INF-113", context.where(("racks", i, "room")), f"there is no room `{group.room}`", _declare(group.room, rooms)
            )
        elif group.row is not None and not rows_of(group, positions):
            yield _undeclared_row(context, i, group.row, group.room)


def _undeclared_row(context: Context, index: int, pattern: str, room: str | None) -> Problem:
    positions = floor_of(context.hall).positions
    known = sorted({row.row for row in positions if room in (None, row.room)})
    where = context.where(("racks", index, "row"))
    missing = next((name for name in names_of(pattern) if name not in known), None)
    if missing is not None:
        place = f"room `{room}` has" if room else "there is"
        return Problem("INF-113", where, f"{place} no row `{missing}`", _declare(missing, known))
    shared = next(name for name in names_of(pattern) if len(list(rooms_of(name, positions))) > 1)
    return Problem("INF-113", where, f"the row `{shared}` stands in more than one room", "add `room:` to the racks")


def racks_over_the_row(context: Context) -> Iterator[Problem]:
    """INF-114: racks find a free position in their rows."""
    for i, left in floor_of(context.hall).without_place.items():
        group = context.hall.racks[i]
        racks, place = len(names_of(group.name)), f"row `{group.row}`" if group.row else f"room `{group.room}`"
        what = f"{racks} racks `{group.name}` go into {place}, where {racks - left} positions are free"
        fix = f"make room for {left} more, name another row as well, or declare fewer racks"
        yield Problem("INF-114", context.where(("racks", i, "row" if group.row else "room")), what, fix)


def unknown_rack_in_zone(context: Context) -> Iterator[Problem]:
    """INF-115: the racks of a zone are declared."""
    known = {name for group in context.hall.racks for name in names_of(group.name)}
    for i, zone in enumerate(context.hall.zones):
        for j, pattern in enumerate(zone.racks):
            if missing := [name for name in names_of(pattern) if name not in known]:
                others = f", nor {len(missing) - 1} more of `{pattern}`" if len(missing) > 1 else ""
                what = f"there is no rack `{missing[0]}`{others}"
                yield Problem(
                    "INF-115", context.where(("zones", i, "racks", j)), what, _declare(missing[0], _patterns(context))
                )


def rack_in_two_zones(context: Context) -> Iterator[Problem]:
    """INF-116: a rack is in one zone at most."""
    entries = [
        (("zones", i, "racks", j), pattern) for i, zone in enumerate(context.hall.zones) for j, pattern in enumerate(zone.racks)
    ]
    for path, again in _repeated(entries):
        yield Problem("INF-116", context.where(path), f"a rack {again}", "keep it in one zone")


def unknown_tenant_of_zone(context: Context) -> Iterator[Problem]:
    """INF-117: the tenants of a zone are tenants of the platform."""
    known = context.hall.platform.tenants
    for i, zone in enumerate(context.hall.zones):
        for j, tenant in enumerate(zone.tenants):
            if tenant not in known:
                fix = f"add it to platform.tenants, or choose of {', '.join(known) or 'none'}"
                yield Problem("INF-117", context.where(("zones", i, "tenants", j)), f"there is no tenant `{tenant}`", fix)


def repeated_zones(context: Context) -> Iterator[Problem]:
    """INF-118: no two zones have the same name."""
    entries = [(("zones", i, "name"), zone.name) for i, zone in enumerate(context.hall.zones)]
    for path, again in _repeated(entries):
        yield Problem("INF-118", context.where(path), f"a zone {again}", "rename one of them")


def node_named_like_a_server(context: Context) -> Iterator[Problem]:
    """INF-119: no node that is here has the name that a server in a rack goes by, such as `r01-n4`."""
    servers = {
        name: sum(c.count for c in group.contents if c.part in context.catalogue.servers)
        for group in context.hall.racks
        for name in names_of(group.name)
    }
    for i, node in enumerate(context.hall.nodes):
        rack, _, number = node.name.rpartition("-n")
        if number.isdecimal() and 1 <= int(number) <= servers.get(rack, 0):
            what = f"server {int(number)} of rack `{rack}` goes by the name `{node.name}` already"
            yield Problem("INF-119", context.where(("nodes", i, "name")), what, "rename the node")


CHECKS: tuple[Check, ...] = (
    repeated_racks,
    repeated_rooms,
    repeated_rows,
    undeclared_place,
    racks_over_the_row,
    unknown_rack_in_zone,
    rack_in_two_zones,
    unknown_tenant_of_zone,
    repeated_zones,
    node_named_like_a_server,
)


def _repeated(entries: Iterable[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    """Each entry that names anything named above, with what to say of it; an entry may be a range."""
    seen = set[str]()
    for path, pattern in entries:
        names = names_of(pattern)
        if again := [name for name in names if name in seen] or _twice(names):
            others = f", and {len(again) - 1} more of `{pattern}`" if len(again) > 1 else ""
            yield path, f"`{again[0]}` stands above already{others}"
        seen.update(names)


def _twice(names: tuple[str, ...]) -> list[str]:
    """Names that a pattern such as `r[1,1]` gives twice."""
    return [name for name, count in Counter(names).items() if count > 1] if len(set(names)) < len(names) else []


def _declare(name: str, known: Iterable[str]) -> str:
    """The way out for a name that is not declared."""
    return near(name, known, otherwise="declare it")


def _patterns(context: Context) -> list[str]:
    return [name for group in context.hall.racks for name in {names_of(group.name)[0], names_of(group.name)[-1]}]
