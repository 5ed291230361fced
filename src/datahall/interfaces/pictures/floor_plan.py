"""A room from above: rows of racks, coloured by what a rack draws; to scale where the room's size is declared."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from datahall.interfaces.pictures.drawing import LEVELS, level_of, line, path, rect, short, svg, words

WIDTH, MARGIN, TOP, LABEL = 860.0, 12.0, 30.0, 92.0
TALLEST = 620.0
PITCH_M = 3.0
"""Between rows of a room whose depth is not declared; the picture says that it is not to scale."""


@dataclass(frozen=True, slots=True)
class Run:
    """Racks of one kind, side by side. first: position in the row, from 1. width_m, depth_m: of one rack."""

    first: int
    count: int
    rack_w: float
    """Peak of one rack, W."""
    width_m: float
    depth_m: float
    about: str


@dataclass(frozen=True, slots=True)
class RowDrawn:
    name: str
    positions: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class RoomDrawn:
    name: str
    width_m: float | None
    depth_m: float | None
    rows: tuple[RowDrawn, ...]

    @property
    def to_scale(self) -> bool:
        return self.width_m is not None and self.depth_m is not None


def floor_plan(room: RoomDrawn, *, most_w: float, title: str) -> Markup:
    """most_w: the largest draw of a rack on any floor, which takes the strongest colour.

    Racks and positions are to scale where the room's size is known. Rows are spread evenly over the depth: where they stand
    is not declared.
    """
    pitch_m = max((run.width_m for row in room.rows for run in row.runs), default=0.6)
    longest_m = max((row.positions for row in room.rows), default=1) * pitch_m
    width_m = max(room.width_m or 0.0, longest_m + (1.2 if room.width_m is None else 0.0))
    depth_m = room.depth_m if room.to_scale and room.depth_m else PITCH_M * max(len(room.rows), 1)
    scale = min((WIDTH - 2 * MARGIN - LABEL) / width_m, TALLEST / depth_m)
    height = max(depth_m * scale, 26.0 * len(room.rows))
    parts = [rect(MARGIN + LABEL, TOP, width_m * scale, height, "room"), *_measures(room, width_m, depth_m, scale)]
    for index, row in enumerate(room.rows):
        middle = TOP + (index + 0.5) * height / len(room.rows)
        parts += _row(row, middle, left=MARGIN + LABEL + (width_m - row.positions * pitch_m) * scale / 2, scale=scale,
                      pitch_m=pitch_m, most_w=most_w, high=height / len(room.rows))  # fmt: skip
    parts += _key(most_w, TOP + height + 14)
    return svg(WIDTH, TOP + height + 42, parts, title=title, kind="floor")


def _row(
    row: RowDrawn, middle: float, *, left: float, scale: float, pitch_m: float, most_w: float, high: float
) -> Iterator[Markup]:
    deepest = max((run.depth_m for run in row.runs), default=1.2) * scale
    depth = min(deepest, high - 6)
    free = f"{row.name}: {row.positions} positions, {sum(run.count for run in row.runs)} taken"
    yield words(row.name, MARGIN + LABEL - 8, middle + 4, anchor="end", most=15)
    yield rect(left, middle - depth / 2, row.positions * pitch_m * scale, depth, "positions", title=free)
    for run in row.runs:
        x = left + (run.first - 1) * pitch_m * scale
        way = _around(run.count, x, middle - depth / 2, wide=run.width_m * scale, depth=depth, pitch=pitch_m * scale)
        yield path(way, f"rack q{level_of(run.rack_w, 0, most_w)}", title=run.about)


def _around(count: int, x: float, y: float, *, wide: float, depth: float, pitch: float) -> str:
    """One way around all racks of a run, so that thousands of racks stay a small picture; a gap parts them."""
    seen = max(wide - min(1.5, 0.15 * wide), 0.5)
    each = f"h{short(seen, 2)}v{short(depth)}h-{short(seen, 2)}z"
    return "".join(f"M{short(x + n * pitch, 2)} {short(y)}{each}" for n in range(count))


def _measures(room: RoomDrawn, width_m: float, depth_m: float, scale: float) -> Iterator[Markup]:
    right = MARGIN + LABEL + width_m * scale
    size = f"{width_m:g} m × {depth_m:g} m, racks to scale" if room.to_scale else "schematic: the room's size is not declared"
    yield words(f"{room.name} · {size}", MARGIN + LABEL, TOP - 10, kind="name")
    if room.to_scale:
        metres = next(m for m in (1, 2, 5, 10, 20, 50, 100, 1000) if m * scale >= 36)
        yield line(right - metres * scale, TOP - 12, right, TOP - 12, "measure")
        yield words(f"{metres} m", right - metres * scale - 6, TOP - 8, anchor="end")


def _key(most_w: float, y: float) -> Iterator[Markup]:
    x = MARGIN + LABEL
    yield words("kW a rack at full load", x, y + 10)
    x += 136
    for level in range(LEVELS):
        yield rect(x + level * 42, y, 42, 11, f"q{level}")
        yield words(f"{most_w * level / LEVELS / 1e3:.3g}", x + level * 42, y + 24, kind="small", anchor="middle")
    yield words(f"{most_w / 1e3:.3g}", x + LEVELS * 42, y + 24, kind="small", anchor="middle")
