"""Switches and links of a shape, tier by tier."""

from dataclasses import dataclass

from datahall.network.fabric.clos import Clos
from datahall.network.fabric.direct import DragonflySize, TorusSize
from datahall.network.fabric.wiring import Demand, Shape


@dataclass(frozen=True, slots=True)
class Tier:
    """Switches that do the same."""

    name: str
    """`leaf`, `spine`, `core`; `router` in a dragonfly; `endpoint` in a torus, where each routes for itself."""
    switches: int
    ports: int
    """Of one switch, at line rate."""
    down: int
    """Ports of one switch that may face servers or the tier below."""
    up: int
    """Ports of one switch towards the tier above; in a dragonfly towards other groups."""
    across: int = 0
    """Ports of one switch towards others of its group."""
    integrated: bool = False
    """Inside the endpoints, so nothing is bought."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Links between two tiers, at line rate."""

    name: str
    """`server-leaf`, `leaf-spine`, `spine-core`, `manager-leaf`; `local`, `global` in a dragonfly; `grid` in a torus."""
    lower: str
    upper: str
    links: int
    switch_ends: int
    """Ends of one link that are in switches that are bought."""
    pairs: int = 0
    """Pairs of switches that it joins; links are the same number for each; 0: links to servers."""

    @property
    def to_servers(self) -> bool:
        return self.switch_ends < 2


def tiers_of(shape: Shape, demand: Demand, *, radix: int) -> tuple[Tier, ...]:
    """From the servers up."""
    match shape:
        case Clos():
            found = [
                Tier("leaf", shape.leaf_count, radix, shape.down, shape.leaf_up),
                Tier("spine", shape.spine_count, radix, shape.spine_down, shape.spine_up),
                Tier("core", shape.core_count, radix, shape.core_down, 0),
            ]
            return tuple(tier for tier in found if tier.switches)
        case DragonflySize():
            return _dragonfly_tiers(shape, radix)
        case TorusSize():
            return (Tier("endpoint", demand.endpoints, shape.ports_needed, 0, 0, shape.ports_needed, integrated=True),)


def bundles_of(shape: Shape, demand: Demand) -> tuple[Bundle, ...]:
    """Links from the servers up. Counted as if each server were there; ports for those to come stay free."""
    match shape:
        case Clos():
            found = [
                Bundle("server-leaf", "server", "leaf", demand.endpoints, 1),
                Bundle("manager-leaf", "manager", "leaf", demand.managers, 1),
                Bundle("leaf-spine", "leaf", "spine", shape.leaf_spine_links, 2, shape.leaf_count * shape.spines),
                Bundle("spine-core", "spine", "core", shape.spine_core_links, 2, shape.spine_count * shape.cores),
            ]
        case DragonflySize():
            found = _dragonfly_bundles(shape, demand)
        case TorusSize():
            found = [Bundle("grid", "endpoint", "endpoint", shape.links, 0)]
    return tuple(bundle for bundle in found if bundle.links)


def _dragonfly_tiers(shape: DragonflySize, radix: int) -> tuple[Tier, ...]:
    p, a, count = shape.endpoints_per_router, shape.routers_per_group, shape.groups * shape.routers_per_group
    outward = -(-shape.links_of_pair * (shape.groups - 1) // a)
    if shape.plus:
        return (Tier("leaf", count, radix, p, a), Tier("spine", count, radix, a, outward))
    return (Tier("router", count, radix, p, outward, a - 1),)


def _dragonfly_bundles(shape: DragonflySize, demand: Demand) -> list[Bundle]:
    g, pairs = shape.groups, shape.groups * (shape.groups - 1) // 2
    lower, upper = ("leaf", "spine") if shape.plus else ("router", "router")
    found = [
        Bundle(f"server-{lower}", "server", lower, demand.endpoints, 1),
        Bundle(f"manager-{lower}", "manager", lower, demand.managers, 1),
        Bundle("local", lower, upper, shape.local_links, 2, shape.local_links),
    ]
    return [*found, Bundle("global", upper, upper, shape.global_links, 2, pairs if g > 1 else 0)]
