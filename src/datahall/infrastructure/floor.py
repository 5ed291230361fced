"""Which rack stands where: rows are filled one after the other, in the order of the hall file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from datahall.foundation.ranges import names_of
from datahall.infrastructure.spec import Hall, RackGroup


@dataclass(frozen=True, slots=True)
class RowOfRoom:
    """A row by its full name."""

    room: str
    row: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where one rack stands."""

    room: str
    row: str
    position: int
    """From 1, in its row."""


@dataclass(frozen=True)
class Floor:
    """Places by rack, and what found none."""

    places: Mapping[str, Place]
    """Racks whose group says a room or a row; the others stand anywhere."""
    without_place: Mapping[int, int]
    """Index of a rack group -> how many of its racks found no free position."""
    positions: Mapping[RowOfRoom, int]


def floor_of(hall: Hall) -> Floor:
    """Fill the rows. Groups whose room or row is not declared are left out: a check names them."""
    positions = {
        RowOfRoom(room.name, name): row.positions for room in hall.rooms for row in room.rows for name in names_of(row.name)
    }
    used = dict.fromkeys(positions, 0)
    places: dict[str, Place] = {}
    without: dict[int, int] = {}
    for index, group in enumerate(hall.racks):
        if not (rows := rows_of(group, positions)):
            continue
        names = iter(names_of(group.name))
        for row in rows:
            while used[row] < positions[row] and (name := next(names, None)) is not None:
                used[row] += 1
                places.setdefault(name, Place(row.room, row.row, used[row]))
        if left := sum(1 for _ in names):
            without[index] = left
    return Floor(places, without, positions)


def rows_of(group: RackGroup, positions: Mapping[RowOfRoom, int]) -> tuple[RowOfRoom, ...]:
    """Rows that a group fills, in order: those that it names, or all of its room; empty when one of them is not declared."""
    if group.row is None:
        return tuple(row for row in positions if row.room == group.room)
    found = tuple(_row(group.room, name, positions) for name in names_of(group.row))
    return tuple(row for row in found if row is not None) if None not in found else ()


def rooms_of(name: str, positions: Mapping[RowOfRoom, int]) -> Iterator[str]:
    """Rooms that have a row of this name."""
    return (row.room for row in positions if row.row == name)


def _row(room: str | None, name: str, positions: Mapping[RowOfRoom, int]) -> RowOfRoom | None:
    if room is not None:
        row = RowOfRoom(room, name)
        return row if row in positions else None
    rooms = list(rooms_of(name, positions))
    return RowOfRoom(rooms[0], name) if len(rooms) == 1 else None
