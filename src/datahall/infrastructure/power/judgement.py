"""A loaded graph judged: first in full service, then without the grid, then without each side; each cause told once."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from datahall.infrastructure.power.element import Element
from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.power.overload import Limit, Loaded, Overload, overloads, racks_below
from datahall.infrastructure.power.sides import sides

Side = str


@dataclass(frozen=True)
class Judgement:
    """What overloads there are. `loaded`: racks that draw more than they may should be taken at what they may."""

    loaded: Loaded
    declared: Loaded | None = None
    """The same with every rack at what it holds, where that is more."""
    sides_by_place: bool = True
    """Whether, where no element declares a side, the places of racks' feeds stand for sides; not where racks are left out."""

    @property
    def in_service(self) -> list[Overload]:
        """Elements over their rating with everything in service; sources aside."""
        return self._with_weak_ones(self._in_service[0], _below_sources)

    @cached_property
    def contracts(self) -> list[Overload]:
        """Utility feeds over what their contract allows."""
        return self._with_weak_ones(overloads(self._in_service[1], _contract)[0], _contract)

    @cached_property
    def generators(self) -> list[Overload]:
        """Generators over their rating once every utility is gone."""
        rest = self._in_service[1]
        lost = rest.graph.utilities
        return self._with_weak_ones(overloads(rest, _engine, lost)[0], _engine, lost) if rest.graph.generators else []

    @property
    def breakers(self) -> list[tuple[Side | None, Overload]]:
        """Breakers under more continuous load than they carry; None: with everything in service."""
        return [*((None, told) for told in self._breakers[0]), *self._sides[1]]

    @property
    def survival(self) -> list[tuple[Side, Overload]]:
        """Elements over their rating once a side is lost."""
        return self._sides[0]

    @cached_property
    def _in_service(self) -> tuple[list[Overload], Loaded]:
        return overloads(self.loaded, _below_sources)

    @cached_property
    def _breakers(self) -> tuple[list[Overload], Loaded]:
        return overloads(self._in_service[1], _continuous)

    @cached_property
    def _sides(self) -> tuple[list[tuple[Side, Overload]], list[tuple[Side, Overload]]]:
        before = [*self.in_service, *self._breakers[0]]
        rest = _spared(self._breakers[1], before)
        known = _entries(rest, [*before, *self.contracts])
        survival: list[tuple[Side, Overload]] = []
        breakers: list[tuple[Side, Overload]] = []
        for side, lost in sides(rest.graph, by_place=self.sides_by_place):
            for limit, kept in ((_rating, survival), (_continuous, breakers)):
                found, rest = overloads(rest, _but(known, limit), lost)
                kept += [(side, told) for told in self._with_weak_ones(found, _but(known, limit), lost)]
        return survival, breakers

    def _with_weak_ones(self, found: list[Overload], limit: Limit, lost: frozenset[int] = frozenset()) -> list[Overload]:
        """Those found once other causes were taken away, and elements that are too weak by themselves, whatever else is told:
        under the loads as declared, and with a smaller limit than their counterpart on another way to the same racks.
        """
        known = {i for told in found for i in told.elements}
        declared = self.declared or self.loaded
        more = [told for told in overloads(declared, limit, lost)[0] if not known & set(told.elements)]
        return [*found, *(told for told in more if _is_weaker(declared.graph, told, limit))]


def _is_weaker(graph: PowerGraph, told: Overload, limit: Limit) -> bool:
    """Whether elements of the same kind, over the same groups of racks, were declared with a larger limit."""
    kind = graph.elements[told.elements[0]].kind
    larger: dict[int, list[int]] = {}
    for i, element in enumerate(graph.elements):
        if element.kind == kind and (limit(element) or 0.0) > told.limit_w:
            larger.setdefault(element.spec_index, []).append(i)
    blocks = _blocks_below(graph, told.elements)
    return any(_blocks_below(graph, tuple(members)) == blocks for members in larger.values())


def _blocks_below(graph: PowerGraph, elements: tuple[int, ...]) -> frozenset[int]:
    return frozenset(graph.racks.block[r] for r in racks_below(graph, elements).tolist())


def _spared(loaded: Loaded, told: Iterable[Overload]) -> Loaded:
    """Racks below what was told draw so little that a lost side overloads nobody: their fault is known."""
    graph = loaded.graph
    factor = np.ones(len(graph.racks.names))
    count = np.maximum(np.array([len(feeds) for feeds in graph.racks.feeds]), 1)
    for overload in told:
        racks = racks_below(graph, overload.elements)
        factor[racks] = (count[racks] - 1) / count[racks]
    return loaded if (factor == 1).all() else loaded.with_racks(factor)


def _entries(loaded: Loaded, told: Iterable[Overload]) -> set[int]:
    return {loaded.graph.elements[i].spec_index for overload in told for i in overload.elements}


def _but(known: set[int], limit: Limit) -> Limit:
    """The limit of elements that nothing was said about yet."""
    return lambda element: None if element.spec_index in known else limit(element)


def _rating(element: Element) -> float | None:
    return element.rating_w


def _below_sources(element: Element) -> float | None:
    return None if element.is_source else element.rating_w


def _contract(element: Element) -> float | None:
    return element.rating_w if element.kind == "utility" else None


def _engine(element: Element) -> float | None:
    return element.rating_w if element.kind == "generator" else None


def _continuous(element: Element) -> float | None:
    return element.continuous_w
