"""Loads against limits: who gives more than it may, told once for each cause, as near to the racks as it shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from datahall.infrastructure.power.columns import Floats, Ints
from datahall.infrastructure.power.element import Element
from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.power.sides import above, below

Limit = Callable[[Element], float | None]
"""What an element may give, W; None: no limit of this kind."""
MARGIN = 1 + 1e-9
ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Overload:
    """Elements that are alike in what they are and what hangs on them, and give more than they may."""

    elements: tuple[int, ...]
    load_w: float
    """Of the one with the most load."""
    limit_w: float


@dataclass(frozen=True)
class Loaded:
    """A graph with its loads: one moment, and what each rack draws."""

    graph: PowerGraph
    it_ratio: float
    mechanical_w: float = 0.0
    critical_mechanical_w: float = 0.0

    def outputs_w(self, lost: frozenset[int]) -> Floats:
        flow = self.graph.solve(
            self.it_ratio, mechanical_w=self.mechanical_w, critical_mechanical_w=self.critical_mechanical_w, lost=lost
        )
        return flow.element_peak_w

    def with_racks(self, factor: Floats) -> "Loaded":
        """The same, each rack's draw multiplied by its factor."""
        racks = self.graph.racks
        peak_w = tuple((np.array(racks.peak_w) * factor).tolist())
        return replace(self, graph=replace(self.graph, racks=replace(racks, peak_w=peak_w)))

    def clipped(self, told: Overload) -> "Loaded":
        """As if the racks below the overload drew so much less that it were none: what remains has other causes."""
        factor = np.ones(len(self.graph.racks.names))
        strictest_w = min(_strictest_w(self.graph.elements[i]) for i in told.elements)
        factor[racks_below(self.graph, told.elements)] = 0.999 * min(told.limit_w, strictest_w) / told.load_w
        return self.with_racks(factor)


def _strictest_w(element: Element) -> float:
    return element.rating_w if element.continuous_w is None else min(element.rating_w, element.continuous_w)


def racks_below(graph: PowerGraph, elements: tuple[int, ...]) -> Ints:
    """Racks that hang on any of the elements."""
    marked = np.zeros(len(graph.elements), dtype=np.bool_)
    marked[list(elements)] = True
    racks: Ints = np.unique(graph.columns.rack[below(graph, marked)[graph.columns.feed]])
    return racks


def overloads(loaded: Loaded, limit: Limit, lost: frozenset[int] = frozenset()) -> tuple[list[Overload], Loaded]:
    """Every overload, and the loads without them. Elements upstream of one are told only when they stay overloaded."""
    found: list[Overload] = []
    for _ in range(ROUNDS):
        fresh = list(_nearest(loaded, limit, lost))
        if not fresh:
            break
        known = {i for told in found for i in told.elements}
        found += [told for told in fresh if not known & set(told.elements)]
        for told in fresh:
            loaded = loaded.clipped(told)
    return found, loaded


def _nearest(loaded: Loaded, limit: Limit, lost: frozenset[int]) -> Iterator[Overload]:
    """Overloads that have none below, those alike as one."""
    graph = loaded.graph
    limits = np.array([np.inf if (most := limit(element)) is None else most for element in graph.elements])
    load_w = loaded.outputs_w(lost)
    over = load_w > limits * MARGIN
    by_entry: dict[int, list[int]] = {}
    for i in np.flatnonzero(over & ~above(graph, over)).tolist():
        by_entry.setdefault(graph.elements[i].spec_index, []).append(i)
    alike: dict[object, list[int]] = {}
    for members in by_entry.values():
        element = graph.elements[members[0]]
        blocks = frozenset(graph.racks.block[r] for r in racks_below(graph, tuple(members)).tolist())
        alike.setdefault((element.kind, element.rating_w, float(limits[members[0]]), blocks), []).extend(members)
    for members in alike.values():
        worst = max(members, key=lambda i: load_w[i])
        yield Overload(tuple(members), float(load_w[worst]), float(limits[worst]))
