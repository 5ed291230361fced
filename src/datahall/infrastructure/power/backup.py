"""What carries the load once the grid is gone: batteries for minutes, generators for hours."""

import math
from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.power.columns import Floats
from datahall.infrastructure.power.element import Element
from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.power.losses import loss_w


@dataclass(frozen=True, slots=True)
class Batteries:
    """The UPSs that were declared together."""

    spec_index: int
    count: int
    load_w: float
    """Of the one with the most load, when the grid goes, W."""
    holds_s: float
    """How long its battery carries that; infinite without load."""
    needs_s: float | None
    """Until the slowest generator upstream is up and the load is changed over, s; None: no generator with a known start."""


@dataclass(frozen=True, slots=True)
class Generators:
    """The generators that were declared together, with the grid gone."""

    spec_index: int
    count: int
    load_ratio: float
    """Of the one with the most load, over its rating."""
    fuel_h: float | None
    """Hours from the tank at that load, in proportion: engines burn more for each kWh at part load, so this is the most."""


@dataclass(frozen=True, slots=True)
class Backup:
    batteries: tuple[Batteries, ...]
    generators: tuple[Generators, ...]
    racks_without_ups: tuple[str, ...]
    """Wired racks on no side of which a UPS with a battery stands."""
    racks_without_generator: tuple[str, ...]
    """Wired racks that are dark for as long as the grid is gone."""


def battery_s(usable_wh: float, output_w: float, *, rating_w: float, lost_w: float, peukert: float = 1.0) -> float:
    """How long a UPS carries its load, s: usable energy over load and loss.

    lost_w: the UPS's own loss at this load. peukert: exponent by which a battery gives more when it is drained more slowly
    than at the UPS's rating; 1 is an ideal one, lead-acid cells have 1.1 to 1.25 (note from memory, check the data sheet).
    Raises ValueError for an exponent below 1. Source: energy balance; Peukert's law in the form t = t_r (P_r / P)^k.
    """
    if peukert < 1:
        raise ValueError(f"battery_s: peukert={peukert:g}, but slower draining never gives less")
    if output_w <= 0:
        return math.inf
    slower: float = (rating_w / output_w) ** (peukert - 1)
    return usable_wh * 3600 / (output_w + lost_w) * slower


def fuel_h(hours_at_rating: float, load_ratio: float) -> float:
    """Hours that a tank lasts at a load, in proportion to it; infinite without load."""
    return hours_at_rating / load_ratio if load_ratio > 0 else math.inf


def backup_of(
    graph: PowerGraph,
    *,
    it_ratio: float = 1.0,
    mechanical_w: float = 0.0,
    critical_mechanical_w: float = 0.0,
    peukert: float = 1.0,
) -> Backup:
    """What stands behind the grid at one moment's load: all utilities gone at once."""
    before = graph.solve(it_ratio, mechanical_w=mechanical_w, critical_mechanical_w=critical_mechanical_w)
    dark = graph.solve(it_ratio, mechanical_w=mechanical_w, critical_mechanical_w=critical_mechanical_w, lost=graph.utilities)
    needs_s = generators_start_s(graph)
    batteries: dict[int, Batteries] = {}
    generators: dict[int, Generators] = {}
    for i, element in enumerate(graph.elements):
        if element.kind == "ups" and element.battery_wh is not None:
            found = _battery(element, float(before.element_peak_w[i]), float(needs_s[i]), peukert)
            batteries[element.spec_index] = _weaker(batteries.get(element.spec_index), found)
        elif element.kind == "generator":
            generator = _generator(element, float(dark.peak_load_ratio[i]))
            generators[element.spec_index] = _busier(generators.get(element.spec_index), generator)
    return Backup(
        batteries=tuple(batteries.values()),
        generators=tuple(generators.values()),
        racks_without_ups=_racks_below_none(graph, [e.battery_wh is not None and e.kind == "ups" for e in graph.elements]),
        racks_without_generator=dark.unserved_racks,
    )


def _battery(element: Element, load_w: float, needs_s: float, peukert: float) -> Batteries:
    holds_s = element_holds_s(element, load_w, peukert)
    return Batteries(element.spec_index, 1, load_w, holds_s, needs_s if math.isfinite(needs_s) else None)


def element_holds_s(element: Element, load_w: float, peukert: float = 1.0) -> float:
    """How long the battery of this UPS carries the load, s; 0 without a battery."""
    if element.battery_wh is None:
        return 0.0
    lost_w = loss_w(
        load_w,
        rating_w=element.rating_w,
        no_load_ratio=element.no_load_ratio,
        linear_ratio=element.linear_ratio,
        square_ratio=element.square_ratio,
    )
    return battery_s(element.battery_wh, load_w, rating_w=element.rating_w, lost_w=lost_w, peukert=peukert)


def _weaker(one: Batteries | None, other: Batteries) -> Batteries:
    """The one whose battery is nearer to being too short, counting both."""
    if one is None:
        return other
    worst = min(one, other, key=lambda b: (b.holds_s - (b.needs_s or 0.0), b.holds_s))
    return Batteries(worst.spec_index, one.count + other.count, worst.load_w, worst.holds_s, worst.needs_s)


def _generator(element: Element, load_ratio: float) -> Generators:
    hours = None if element.fuel_h is None else fuel_h(element.fuel_h, load_ratio)
    return Generators(element.spec_index, 1, load_ratio, hours)


def _busier(one: Generators | None, other: Generators) -> Generators:
    if one is None:
        return other
    worst = max(one, other, key=lambda g: g.load_ratio)
    return Generators(worst.spec_index, one.count + other.count, worst.load_ratio, worst.fuel_h)


def generators_start_s(graph: PowerGraph) -> Floats:
    """(N,) time until the slowest generator upstream is up, and the slowest change-over on the way done; -inf: none."""
    columns = graph.columns
    start = np.array([-math.inf if e.start_s is None or e.kind != "generator" else e.start_s for e in graph.elements])
    transfer = np.array([e.transfer_s or 0.0 for e in graph.elements])
    for edges in columns.edges_down():
        np.maximum.at(start, columns.child[edges], start[columns.parent[edges]])
        np.maximum.at(transfer, columns.child[edges], transfer[columns.parent[edges]])
    total: Floats = start + transfer
    return total


def _racks_below_none(graph: PowerGraph, marked: list[bool]) -> tuple[str, ...]:
    """Wired racks with no marked element on any way to them."""
    columns = graph.columns
    below = np.array(marked, dtype=np.bool_)
    for edges in columns.edges_down():
        np.logical_or.at(below, columns.child[edges], below[columns.parent[edges]])
    racks = graph.racks
    return tuple(racks.names[r] for r, feeds in enumerate(racks.feeds) if feeds and not below[list(feeds)].any())
