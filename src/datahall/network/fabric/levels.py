"""Who reaches whom: circles of endpoints around one, each with its distance and its share of the line rate."""

from dataclasses import dataclass

from datahall.network.fabric.clos import Clos
from datahall.network.fabric.direct import DragonflySize, TorusSize
from datahall.network.fabric.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Level:
    """A circle of endpoints that reach each other."""

    name: str
    """`leaf`, `pod`, `plane`; `router`, `group`, `fabric` in a dragonfly; `grid` in a torus."""
    endpoints: int
    """Places in the circle, those of the circles inside included."""
    switches: int
    """On a shortest path to the farthest of them; in a torus the links of that path."""
    rate_ratio: float
    """Share of the line rate that each has when all send out of the circle just inside: 1 where nothing narrows."""
    paths: int
    """Shortest paths to an endpoint outside the circle just inside, told apart by the switches on them."""


def levels_of(wiring: Wiring) -> tuple[Level, ...]:
    """From the nearest to the farthest. Endpoints of other planes are in none: they are met inside servers."""
    match wiring.shape:
        case Clos():
            return _clos(wiring.shape)
        case DragonflySize():
            return _dragonfly(wiring.shape)
        case TorusSize():
            return _torus(wiring.shape)


def _clos(shape: Clos) -> tuple[Level, ...]:
    leaf = Level("leaf", shape.down, 1, 1.0, 1)
    if not shape.spines:
        return (leaf,)
    in_pod = shape.leaves * shape.down
    out_of_leaf = min(1.0, shape.leaf_up / shape.down)
    pod = Level("pod" if shape.cores else "plane", in_pod, 3, out_of_leaf, shape.spines)
    if not shape.cores:
        return (leaf, pod)
    out_of_pod = min(out_of_leaf, shape.spines * shape.spine_up / in_pod)
    # up by any spine and any core above it, down by any spine of that core's positions
    paths = shape.spines * shape.cores * shape.positions
    return (leaf, pod, Level("plane", shape.pods * in_pod, 5, out_of_pod, paths))


def _dragonfly(shape: DragonflySize) -> tuple[Level, ...]:
    p, a = shape.endpoints_per_router, shape.routers_per_group
    local = a if shape.plus else a - 1
    in_group = a * p
    router = Level("leaf" if shape.plus else "router", p, 1, 1.0, 1)
    found = [router]
    if a > 1:
        out_of_router = min(1.0, local / p)
        found.append(Level("group", in_group, 3 if shape.plus else 2, out_of_router, a if shape.plus else 1))
    if shape.groups > 1:
        out_of_group = min(1.0, shape.links_of_pair * (shape.groups - 1) / in_group)
        # a minimal route: to the router with the link, over it, and on to the destination
        found.append(Level("fabric", shape.groups * in_group, 4, out_of_group, shape.links_of_pair))
    return tuple(found)


def _torus(shape: TorusSize) -> tuple[Level, ...]:
    """All of the grid at once: the share is that of a cut across its longest axis."""
    longest, total = max(shape.dimensions), shape.endpoint_count
    across = total // longest * (2 if longest > 2 else 1)
    return (Level("grid", total, shape.diameter, min(1.0, across / (total / 2)) if total > 1 else 1.0, 1),)
