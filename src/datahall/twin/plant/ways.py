"""The ways that power takes in each slice of a run, whatever elements are out then."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.power import PowerGraph, RackFlow, RackLoads, Worst, rack_loads
from datahall.infrastructure.power.columns import Bools, Floats, Ints
from datahall.twin.plant.plant import Plant
from datahall.twin.plant.slices import Slices


@dataclass(frozen=True, slots=True)
class Lost:
    """Power elements that are out for some time."""

    elements: tuple[str, ...]
    from_ms: int
    to_ms: int


@dataclass(frozen=True)
class Part:
    """Slices in which the same elements are out."""

    slices: Ints
    lost: frozenset[int]


def parts_of(plant: Plant, lost: Iterable[Lost], slices: Slices) -> tuple[Part, ...]:
    """Slices by what is out in them; each is cut at all begins and ends, so that nothing changes within one.

    Raises Missing for an element that the hall does not have, Refused for one that is back before it is out.
    """
    out: list[set[int]] = [set() for _ in range(slices.count)]
    for one in lost:
        elements = [_index(plant.works.graph, name) for name in one.elements]
        if one.to_ms <= one.from_ms:
            what = f"it is out from {one.from_ms} ms to {one.to_ms} ms"
            raise Refused(Problem("TWIN-052", ", ".join(one.elements), what, "give from_ms < to_ms"))
        first, last = np.searchsorted(slices.edges_ms, (one.from_ms, one.to_ms)).tolist()
        for place in range(first, min(last, slices.count)):
            out[place].update(elements)
    found: dict[frozenset[int], list[int]] = {}
    for place, elements_out in enumerate(out):
        found.setdefault(frozenset(elements_out), []).append(place)
    return tuple(Part(np.array(places, dtype=np.int64), these) for these, places in found.items())


def _index(graph: PowerGraph, name: str) -> int:
    if name not in graph.index:
        fix = near(name, graph.index, otherwise="add it to power.elements")
        raise Missing(Problem("TWIN-055", name, "the hall has no power element of this name", fix))
    return graph.index[name]


def dark_of(plant: Plant, parts: tuple[Part, ...], slices: Slices) -> Bools | None:
    """(P, S) where nothing feeds a rack; None where nothing ever does not."""
    graph = plant.works.graph
    wired = np.array([bool(feeds) for feeds in graph.racks.feeds], dtype=np.bool_)
    dark = np.zeros((len(plant.places.names), slices.count), dtype=np.bool_)
    for part in parts:
        if part.lost:
            gone = np.flatnonzero(wired & (graph.state(part.lost).live_sides == 0))
            dark[np.ix_(gone, part.slices)] = True
    return dark if dark.any() else None


@dataclass(frozen=True)
class Ways:
    """What hangs on the power graph in S slices, part by part."""

    graph: PowerGraph
    parts: tuple[tuple[Part, RackLoads], ...]
    it_w: Floats

    def solve(self, mechanical_w: Floats, critical_w: Floats) -> RackFlow:
        """As RackLoads.solve."""
        flows = [(part, loads.solve(mechanical_w[part.slices], critical_w[part.slices])) for part, loads in self.parts]

        def joined(name: str) -> Floats:
            whole = np.zeros(len(self.it_w))
            for part, flow in flows:
                whole[part.slices] = getattr(flow, name)
            return whole

        names = ("it_w", "facility_w", "utility_w", "generator_w", "indoor_loss_w", "outdoor_loss_w")
        return RackFlow(*(joined(name) for name in names))

    def worst(self, mechanical_w: Floats, critical_w: Floats, *, limit_w: Floats, seconds: Floats) -> Worst:
        """As RackLoads.worst."""
        found: Worst | None = None
        for part, loads in self.parts:
            here = part.slices
            one = loads.worst(mechanical_w[here], critical_w[here], limit_w=limit_w, seconds=seconds[here])
            one = Worst(one.load_w, here[one.at], one.over_s, here[one.over_at])
            found = one if found is None else _worse(found, one)
        if found is None:
            raise ValueError("Ways.worst: a run has at least one slice")
        return found


def _worse(one: Worst, other: Worst) -> Worst:
    higher = other.load_w > one.load_w
    later = np.iinfo(np.int64).max
    first = np.minimum(np.where(one.over_s > 0, one.over_at, later), np.where(other.over_s > 0, other.over_at, later))
    over_s = one.over_s + other.over_s
    return Worst(
        np.where(higher, other.load_w, one.load_w),
        np.where(higher, other.at, one.at),
        over_s,
        np.where(over_s > 0, first, 0),
    )


def ways_of(plant: Plant, place_w: Floats, parts: tuple[Part, ...]) -> Ways:
    """What hangs on the power graph while places draw place_w, (P, S)."""
    it_w, found = np.zeros(place_w.shape[1]), list[tuple[Part, RackLoads]]()
    for part in parts:
        whole = len(part.slices) == place_w.shape[1]
        loads = loads_of(plant, place_w if whole else place_w[:, part.slices], part.lost)
        it_w[part.slices] = loads.it_w
        found.append((part, loads))
    return Ways(plant.works.graph, tuple(found), it_w)


def loads_of(plant: Plant, place_w: Floats, lost: frozenset[int] = frozenset()) -> RackLoads:
    """What hangs on the power graph while places draw place_w, (P, S), and these elements are out."""
    racks = plant.places.racks
    outside_w = place_w[racks:].sum(axis=0)
    return rack_loads(plant.works.graph, place_w[:racks], outside_w=outside_w, shared_w=plant.more_it_w, lost=lost)
