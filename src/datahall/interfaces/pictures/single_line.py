"""The single-line diagram: a box for each class of alike elements, sides A and B apart, with its load at peak."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from datahall.interfaces.pictures.drawing import path, rect, short, svg, words
from datahall.interfaces.pictures.layers import Layout, layered
from datahall.interfaces.pictures.symbols import symbol

BOX_W, BOX_H, GAP, FLOOR, MARGIN = 174.0, 66.0, 20.0, 58.0, 14.0
SIDES = {"A": 0, None: 1, "B": 2}
EASY, BUSY, FULL = 0.5, 0.8, 1.0
"""Load over rating at which the colour changes; each box says the figure too."""


@dataclass(frozen=True, slots=True)
class Box:
    """A class of alike elements or loads."""

    name: str
    kind: str
    rating: str
    """How many of which rating, in words."""
    side: str | None = None
    load_ratio: float | None = None
    """Largest output over rating among them; None for loads."""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """From a box to one that it feeds. standby: only when the other way is lost."""

    top: int
    bottom: int
    standby: bool = False


def single_line(boxes: Sequence[Box], wires: Sequence[Wire], *, title: str) -> Markup:
    """The diagram from the sources down. Raises ValueError where wires make a cycle."""
    edges = [(wire.top, wire.bottom) for wire in wires]
    layout = layered(len(boxes), edges, group=[SIDES.get(box.side, 1) for box in boxes], wide=BOX_W, gap=GAP)
    parts = [*_wires(wires, layout), *(part for i, box in enumerate(boxes) for part in _box(box, layout.x[i], layout.layer[i]))]
    width, height = layout.width + 2 * MARGIN, layout.layers * (BOX_H + FLOOR) - FLOOR + 2 * MARGIN
    return svg(max(width, BOX_W), max(height, BOX_H), parts, title=title, kind="diagram")


def load_kind(ratio: float | None) -> str:
    """Class of a load: `easy` below 50 %, `busy` to 80 %, `full` to 100 %, `over` above."""
    if ratio is None:
        return ""
    return "easy" if ratio < EASY else "busy" if ratio <= BUSY else "full" if ratio <= FULL + 1e-9 else "over"


def _top(layer: int) -> float:
    return MARGIN + layer * (BOX_H + FLOOR)


def _box(box: Box, x: float, layer: int) -> Iterator[Markup]:
    left, top = MARGIN + x - BOX_W / 2, _top(layer)
    side = {"A": " side-a", "B": " side-b"}.get(box.side or "", "")
    yield rect(left, top, BOX_W, BOX_H, f"box{side}", title=box.about, round_px=5)
    yield symbol(box.kind, left + 22, top + 26)
    yield words(box.name, left + 42, top + 18, kind="strong", most=17)
    yield words(box.rating, left + 42, top + 33, most=21)
    if box.load_ratio is not None:
        kind, wide = load_kind(box.load_ratio), BOX_W - 84
        yield rect(left + 42, top + 46, wide, 8, "gauge", round_px=2)
        yield rect(left + 42, top + 46, wide * min(box.load_ratio, 1.0), 8, f"gauge-{kind}", round_px=2)
        yield words(f"{box.load_ratio:.0%}", left + BOX_W - 8, top + 54, kind=f"load-{kind}", anchor="end")
    if box.side:
        yield words(box.side, left + 22, top + 57, kind="side", anchor="middle")


def _wires(wires: Sequence[Wire], layout: Layout) -> Iterator[Markup]:
    """Right-angled lines. Wires of one box turn at one height, those of others at another, so that none seem to join."""
    ways = [(layout.x[w.top], *layout.passes[i], layout.x[w.bottom]) for i, w in enumerate(wires)]
    lanes = _lanes(wires, layout)
    for i, wire in enumerate(wires):
        xs = [MARGIN + x for x in ways[i]]
        xs[-1] += _entry(i, wires, ways)
        layer = layout.layer[wire.top]
        way = f"M{short(xs[0])} {short(_top(layer) + BOX_H)}"
        for step, x in enumerate(xs[1:]):
            turn = _top(layer + step) + BOX_H + FLOOR * lanes[i]
            foot = _top(layer + step + 1) + (0 if step == len(xs) - 2 else BOX_H)
            way += f"V{short(turn)}H{short(x)}V{short(foot)}"
        yield path(way, "wire standby" if wire.standby else "wire")


def _lanes(wires: Sequence[Wire], layout: Layout) -> list[float]:
    """Where between two layers the wires of a box turn, 0..1."""
    tops = sorted({(layout.layer[w.top], layout.x[w.top], w.top) for w in wires})
    lane: dict[int, float] = {}
    for level in {level for level, *_ in tops}:
        row = [top for its, _, top in tops if its == level]
        lane.update({top: 0.2 + 0.6 * (n + 0.5) / len(row) for n, top in enumerate(row)})
    return [lane[wire.top] for wire in wires]


def _entry(index: int, wires: Sequence[Wire], ways: Sequence[tuple[float, ...]]) -> float:
    """How far beside the middle a wire enters its box, where several do."""
    same = sorted((i for i, wire in enumerate(wires) if wire.bottom == wires[index].bottom), key=lambda i: ways[i][-2])
    return (same.index(index) - (len(same) - 1) / 2) * min(18.0, BOX_W * 0.8 / len(same))
