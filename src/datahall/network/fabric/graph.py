"""A fabric as a graph of its switches: compact integer arrays, parallel links as one edge with a count."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.extras import needs
from datahall.network.fabric.build import FabricBuild
from datahall.network.fabric.clos import Clos
from datahall.network.fabric.direct import DragonflySize, TorusSize
from datahall.network.fabric.placement import leaves_of

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FabricGraph:
    """Switches 0 … n-1, tier by tier from the servers up; in a torus the endpoints are the nodes."""

    tiers: tuple[tuple[str, int], ...]
    """Name and number of switches, in the order of their numbers."""
    low: Ints
    """[edges] one end."""
    high: Ints
    """[edges] the other end."""
    links: Ints
    """[edges] parallel links of the edge."""
    leaf: Ints
    """[servers, ports] node that each port of each server is on."""

    @property
    def nodes(self) -> int:
        return sum(count for _, count in self.tiers)

    @cached_property
    def endpoints(self) -> Ints:
        """[nodes] endpoints on each."""
        return np.bincount(self.leaf.ravel(), minlength=self.nodes).astype(np.int64)

    @cached_property
    def ports(self) -> Ints:
        """[nodes] ports in use: links and endpoints; in a torus the endpoint itself takes none."""
        used = np.bincount(self.low, self.links, self.nodes) + np.bincount(self.high, self.links, self.nodes)
        own = 0 if self.tiers[0][0] == "endpoint" else self.endpoints
        found: Ints = np.rint(used).astype(np.int64) + own
        return found

    @property
    def link_count(self) -> int:
        """Links between nodes; those to endpoints left out."""
        return int(self.links.sum())

    def name_of(self, node: int) -> str:
        """`leaf 3` of node 3, `spine 0` of the first after the leaves."""
        for tier, count in self.tiers:
            if node < count:
                return f"{tier} {node}"
            node -= count
        raise IndexError(f"name_of: the graph has no node {node} beyond its last")


def graph_of(build: FabricBuild) -> FabricGraph:
    """The switches of a build and what joins them."""
    shape = build.wiring.shape
    match shape:
        case Clos():
            low, high, links = _clos_edges(shape)
            counts = (("leaf", shape.leaf_count), ("spine", shape.spine_count), ("core", shape.core_count))
            tiers = tuple(tier for tier in counts if tier[1])
        case DragonflySize():
            low, high, links = _dragonfly_edges(shape)
            routers = shape.groups * shape.routers_per_group
            tiers = (("leaf", routers), ("spine", routers)) if shape.plus else (("router", routers),)
        case TorusSize():
            low, high, links = _torus_edges(shape)
            tiers = (("endpoint", shape.endpoint_count),)
    return FabricGraph(tiers, low, high, links, leaves_of(build))


def as_networkx(graph: FabricGraph) -> Any:
    """The same as a networkx Graph: `links` on each edge, `endpoints` and `tier` on each node."""
    with needs("plan"):  # takes 0.2 s, and only those who ask for it need it
        import networkx as nx  # noqa: PLC0415

    found = nx.Graph()
    node = 0
    for tier, count in graph.tiers:
        for _ in range(count):
            found.add_node(node, tier=tier, endpoints=int(graph.endpoints[node]))
            node += 1
    found.add_edges_from(
        (int(a), int(b), {"links": int(n)}) for a, b, n in zip(graph.low, graph.high, graph.links, strict=True)
    )
    return found


def _clos_edges(c: Clos) -> tuple[Ints, Ints, Ints]:
    """Leaf to each spine of its pod; spine to each core of its positions' set."""
    plane, pod, leaf, spine = (m.ravel() for m in np.mgrid[: c.planes, : c.pods, : c.leaves, : c.spines])
    first_spine, first_core = c.leaf_count, c.leaf_count + c.spine_count
    low = (plane * c.pods + pod) * c.leaves + leaf
    high = first_spine + (plane * c.pods + pod) * c.spines + spine
    links = np.full(low.size, c.leaf_spine)
    plane, pod, spine, core = (m.ravel() for m in np.mgrid[: c.planes, : c.pods, : c.spines, : c.cores])
    low = np.concatenate([low, first_spine + (plane * c.pods + pod) * c.spines + spine])
    high = np.concatenate([high, first_core + (plane * c.core_sets + spine // c.positions) * c.cores + core])
    links = np.concatenate([links, np.full(plane.size, c.spine_core)])
    return low.astype(np.int64), high.astype(np.int64), links.astype(np.int64)


def _dragonfly_edges(d: DragonflySize) -> tuple[Ints, Ints, Ints]:
    """Inside groups all to all (or leaf to spine); between two groups, links dealt out over the routers in turn."""
    a, routers = d.routers_per_group, d.groups * d.routers_per_group
    first = np.arange(d.groups)[:, None] * a
    i, j = np.mgrid[:a, :a].reshape(2, -1) if d.plus else np.array(np.triu_indices(a, 1))
    low, high = (first + i).ravel(), (first + j).ravel() + (routers if d.plus else 0)
    g, other = np.triu_indices(d.groups, 1)
    g, other = np.repeat(g, d.links_of_pair), np.repeat(other, d.links_of_pair)
    turn = np.tile(np.arange(d.links_of_pair), d.groups * (d.groups - 1) // 2)
    # The n-th port of a group goes to router n // h, so that a router fills up before the next takes over.
    mine = _router_of(d, (other - 1) * d.links_of_pair + turn)
    theirs = _router_of(d, g * d.links_of_pair + turn)
    offset = routers if d.plus else 0
    low, high = np.concatenate([low, offset + g * a + mine]), np.concatenate([high, offset + other * a + theirs])
    return _merged(low, high)


def _router_of(d: DragonflySize, port: Ints) -> Ints:
    """Router of a group that has this one of the group's global ports."""
    in_use = d.links_of_pair * (d.groups - 1)
    each = -(-in_use // d.routers_per_group) if in_use else 1
    return port // each


def _torus_edges(t: TorusSize) -> tuple[Ints, Ints, Ints]:
    place = np.arange(t.endpoint_count).reshape(t.dimensions)
    low, high = [], []
    for axis, length in enumerate(t.dimensions):
        if length == 1:
            continue
        here = place if length > 2 else np.take(place, [0], axis)
        low.append(here.ravel())
        high.append((np.roll(place, -1, axis) if length > 2 else np.take(place, [1], axis)).ravel())
    empty = np.zeros(0, np.int64)
    return _merged(np.concatenate([*low, empty]), np.concatenate([*high, empty]))


def _merged(low: Ints, high: Ints) -> tuple[Ints, Ints, Ints]:
    """Edges with the same ends as one, with their number."""
    ends = np.stack([np.minimum(low, high), np.maximum(low, high)], axis=1)
    unique, links = np.unique(ends, axis=0, return_counts=True)
    return unique[:, 0].astype(np.int64), unique[:, 1].astype(np.int64), links.astype(np.int64)
