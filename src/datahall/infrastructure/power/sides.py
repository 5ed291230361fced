"""Sides: what is lost together, and where sides that should be independent meet."""

from collections.abc import Iterator, Sequence

import numpy as np

from datahall.infrastructure.power.columns import Bools
from datahall.infrastructure.power.graph import PowerGraph

INTAKE_KINDS = frozenset({"transformer", "switchgear", "transfer_switch"})
"""What two sides may share when the hall says so, by giving the feeds a side and this one none."""


def sides(graph: PowerGraph, *, by_place: bool = True) -> Iterator[tuple[str, frozenset[int]]]:
    """What is lost with each side: elements that declare it; where none does, all that feed racks at the same place of `feeds`.

    A place whose elements also stand at another place is no side, and left out.
    """
    declared = sorted({element.side for element in graph.elements if element.side})
    if declared:
        for side in declared:
            yield f"side {side}", frozenset(i for i, element in enumerate(graph.elements) if element.side == side)
    if declared or not by_place:
        return
    feeds = [f for f in graph.racks.feeds if len(f) > 1]
    places = [frozenset(f[k] for f in feeds if k < len(f)) for k in range(max(map(len, feeds), default=0))]
    for k, place in enumerate(places):
        if not any(place & other for j, other in enumerate(places) if j != k):
            yield f"feed {k + 1} of the racks", place


def meeting_points(graph: PowerGraph) -> dict[int, int]:
    """Rack -> the element nearest to it that all power to it passes: its sides are not independent of it.

    Only racks with two sides or more; utilities do not count. Source: immediate dominators by nearest common ancestors,
    Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm", 2001; the graph has no cycles, so one pass does.
    """
    above: list[int] = []
    depth: list[int] = []
    for element in graph.elements:
        point = _meet(element.parents, above, depth)
        above.append(point)
        depth.append(depth[point] + 1 if point >= 0 else 1)
    found = {}
    for rack, feeds in enumerate(graph.racks.feeds):
        point = _meet(feeds, above, depth) if len(feeds) > 1 else -1
        if point >= 0 and not graph.elements[point].is_source:
            found[rack] = point
    return found


def _meet(points: Sequence[int], above: Sequence[int], depth: Sequence[int]) -> int:
    """The nearest element that dominates all of them; -1: none does."""
    if not points:
        return -1
    met = points[0]
    for other in points[1:]:
        here = other
        while met != here:
            if met < 0 or here < 0:
                return -1
            if depth[met] >= depth[here]:
                met = above[met]
            else:
                here = above[here]
    return met


def is_declared_intake(graph: PowerGraph, rack: int, point: int) -> bool:
    """Whether the hall says that both sides share it: it has no side, and what feeds the rack has."""
    element = graph.elements[point]
    sides_of_feeds = {graph.elements[i].side for i in graph.racks.feeds[rack]}
    return element.kind in INTAKE_KINDS and element.side is None and None not in sides_of_feeds and len(sides_of_feeds) > 1


def above(graph: PowerGraph, marked: Bools) -> Bools:
    """(N,) elements that feed a marked one, directly or through others; the marked ones only if they do."""
    columns = graph.columns
    found = np.zeros_like(marked)
    for edges in columns.edges_up():
        np.logical_or.at(found, columns.parent[edges], (marked | found)[columns.child[edges]])
    return found


def below(graph: PowerGraph, marked: Bools) -> Bools:
    """(N,) the marked elements and all that they feed, directly or through others."""
    columns = graph.columns
    found = marked.copy()
    for edges in columns.edges_down():
        np.logical_or.at(found, columns.child[edges], found[columns.parent[edges]])
    return found
