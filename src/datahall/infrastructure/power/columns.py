"""The graph as arrays: one row for each element, one for each edge."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.infrastructure.power.element import Element, Racks
from datahall.infrastructure.spec import PowerKind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """N elements, E edges from a child to its parent, F edges from a rack to what feeds it."""

    rating_w: Floats
    terms: Floats
    """(N, 3): no-load, linear and square ratio."""
    utility: Bools
    generator: Bools
    takes_first: Bools
    group: Ints
    """Place in `groups`: what losses are added up by."""
    groups: tuple[tuple[PowerKind, bool], ...]
    """Kind, and whether it stands indoors."""
    level: Ints
    """Edges on the longest way down from a source."""
    child: Ints
    """Edges are sorted by the level of the child, then by child, then by place in fed_by."""
    parent: Ints
    place: Ints
    rack: Ints
    feed: Ints
    rack_peak_w: Floats

    def edges_down(self) -> Iterator[slice]:
        """Edges of each level, sources first."""
        bounds = np.searchsorted(self.level[self.child], np.arange(1, self.level.max(initial=0) + 2))
        for start, end in itertools.pairwise(bounds):
            yield slice(int(start), int(end))

    def edges_up(self) -> Iterator[slice]:
        """Edges of each level, the far ends first."""
        yield from reversed(list(self.edges_down()))


def columns_of(elements: Sequence[Element], racks: Racks) -> Columns:
    """Elements must stand in topological order, sorted by level."""
    level = np.zeros(len(elements), dtype=np.int64)
    for i, element in enumerate(elements):
        if element.parents:
            level[i] = 1 + max(level[p] for p in element.parents)
    edges = [(i, p, place) for i, e in enumerate(elements) for place, p in enumerate(e.parents)]
    feeds = [(rack, feed) for rack, feeds in enumerate(racks.feeds) for feed in feeds]
    child, parent, place = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    rack, feed = np.array(feeds, dtype=np.int64).reshape(-1, 2).T
    groups = tuple(dict.fromkeys((e.kind, e.indoors) for e in elements))
    return Columns(
        rating_w=np.array([e.rating_w for e in elements], dtype=np.float64),
        terms=np.array([(e.no_load_ratio, e.linear_ratio, e.square_ratio) for e in elements], dtype=np.float64).reshape(-1, 3),
        utility=np.array([e.kind == "utility" for e in elements], dtype=np.bool_),
        generator=np.array([e.kind == "generator" for e in elements], dtype=np.bool_),
        takes_first=np.array([e.takes_first for e in elements], dtype=np.bool_),
        group=np.array([groups.index((e.kind, e.indoors)) for e in elements], dtype=np.int64),
        groups=groups,
        level=level,
        child=child,
        parent=parent,
        place=place,
        rack=rack,
        feed=feed,
        rack_peak_w=np.array(racks.peak_w, dtype=np.float64),
    )
