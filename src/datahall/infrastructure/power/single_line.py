"""The single-line diagram as data: boxes by declared entry, lines between them; whoever draws it decides how."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from datahall.infrastructure.estate import Estate
from datahall.infrastructure.power.flow import PowerFlow
from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.spec import Power, PowerKind

BoxKind = PowerKind | Literal["racks", "mechanical", "critical_mechanical"]


@dataclass(frozen=True, slots=True)
class Box:
    """One symbol: all elements of one entry, or a group of racks, or the mechanical load."""

    key: str
    name: str
    """As the hall file writes it, such as `ups-a[1-4]`."""
    kind: BoxKind
    count: int
    part: str | None
    side: str | None
    level: int
    """Row of the diagram: 0 for sources; loads stand one below the lowest that feeds them."""
    rating_w: float | None
    """Of one; racks: full draw of one."""
    peak_load_ratio: float | None
    """Of the one with the most load, over its rating, where a flow was given."""
    loss_kwh: float | None
    """All together, where a flow was given."""


@dataclass(frozen=True, slots=True)
class Line:
    """Power goes from `start` to `end`."""

    start: str
    end: str
    count: int
    """How many connections it stands for."""
    standby: bool
    """No element of it carries load with everything in service: the second way of a transfer switch, or a generator's."""


@dataclass(frozen=True, slots=True)
class SingleLine:
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def single_line(graph: PowerGraph, power: Power, estate: Estate, flow: PowerFlow | None = None) -> SingleLine:
    """Boxes from the sources down, and the lines between them. flow: fills in load and losses, such as a year's."""
    boxes = [*_elements(graph, power, flow), *_racks(graph, estate), *_plant(graph)]
    return SingleLine(tuple(sorted(boxes, key=lambda box: box.level)), _lines(graph))


def _elements(graph: PowerGraph, power: Power, flow: PowerFlow | None) -> list[Box]:
    members: dict[int, list[int]] = {}
    for i, element in enumerate(graph.elements):
        members.setdefault(element.spec_index, []).append(i)
    level = graph.columns.level
    return [
        Box(
            key=f"element-{number}",
            name=power.elements[number].name,
            kind=graph.elements[own[0]].kind,
            count=len(own),
            part=graph.elements[own[0]].part,
            side=graph.elements[own[0]].side,
            level=int(level[own].max()),
            rating_w=graph.elements[own[0]].rating_w,
            peak_load_ratio=None if flow is None else float(flow.peak_load_ratio[own].max()),
            loss_kwh=None if flow is None else float(flow.element_loss_kwh[own].sum()),
        )
        for number, own in members.items()
    ]


def _racks(graph: PowerGraph, estate: Estate) -> list[Box]:
    return [
        _load_box(graph, f"racks-{place}", block.group.name, "racks", feeds, count=len(block.names), rating_w=block.peak_w)
        for place, block in enumerate(estate.blocks)
        if (feeds := _feeds_of(graph, place))
    ]


def _feeds_of(graph: PowerGraph, block: int) -> tuple[int, ...]:
    racks = graph.racks
    return tuple(sorted({i for own, feeds in zip(racks.block, racks.feeds, strict=True) if own == block for i in feeds}))


def _plant(graph: PowerGraph) -> list[Box]:
    boxes = []
    if graph.mechanical:
        boxes.append(_load_box(graph, "mechanical", "cooling and house", "mechanical", graph.mechanical))
    if graph.critical and graph.critical != graph.mechanical:
        boxes.append(_load_box(graph, "critical", "fans and pumps", "critical_mechanical", graph.critical))
    return boxes


def _load_box(
    graph: PowerGraph,
    key: str,
    name: str,
    kind: BoxKind,
    feeds: tuple[int, ...],
    *,
    count: int = 1,
    rating_w: float | None = None,
) -> Box:
    level = int(graph.columns.level[list(feeds)].max()) + 1
    return Box(key, name, kind, count, None, None, level, rating_w, None, None)


def _lines(graph: PowerGraph) -> tuple[Line, ...]:
    columns, entry = graph.columns, [f"element-{element.spec_index}" for element in graph.elements]
    loaded = graph.state().taken & graph.state().energised[columns.parent]
    count: Counter[tuple[str, str]] = Counter()
    live: Counter[tuple[str, str]] = Counter()
    for child, parent, carries in zip(columns.child.tolist(), columns.parent.tolist(), loaded.tolist(), strict=True):
        count[entry[parent], entry[child]] += 1
        live[entry[parent], entry[child]] += carries
    ends = [(feed, f"racks-{graph.racks.block[r]}") for r, feeds in enumerate(graph.racks.feeds) for feed in feeds]
    ends += [(feed, "mechanical") for feed in graph.mechanical]
    ends += [(feed, "critical") for feed in graph.critical if graph.critical != graph.mechanical]
    for feed, key in ends:
        count[entry[feed], key] += 1
        live[entry[feed], key] += int(np.bool_(graph.state().energised[feed]))
    return tuple(Line(start, end, number, live[start, end] == 0) for (start, end), number in count.items())
