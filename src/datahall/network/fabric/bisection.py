"""What one half of the servers can send to the other: by max-flow on the graph, and in closed form for a folded Clos."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.extras import needs
from datahall.network.fabric.build import FabricBuild
from datahall.network.fabric.clos import Clos
from datahall.network.fabric.direct import DragonflySize
from datahall.network.fabric.graph import FabricGraph, graph_of
from datahall.network.fabric.placement import leaves_of

MAX_FLOW_EDGES = 60_000
"""Above it a max-flow takes seconds; a fabric without a closed form is then bounded by the links that the cut crosses."""


@dataclass(frozen=True, slots=True)
class Bisection:
    """Between the first and the second half of the servers."""

    links: int
    """Links' worth of traffic that fits, one direction."""
    full: int
    """What it would be if nothing narrowed: the endpoints of the smaller half."""
    bits_per_s: float
    """One direction."""
    method: str
    """`closed form`, `max-flow`, or `cut`: an upper bound."""

    @property
    def ratio(self) -> float:
        """1: full bisection."""
        return self.links / self.full if self.full else 1.0


def bisection_of(build: FabricBuild, graph: FabricGraph | None = None) -> Bisection:
    """Bisection of a build between the first and the second half of its servers.

    A folded Clos has a closed form (it spreads evenly, so it carries what a tree of the same capacities does); dragonflies
    and tori take a max-flow, large ones the cut. One server alone is halved by its ports.
    """
    shape = build.wiring.shape
    if isinstance(shape, Clos):
        return _result(build, clos_bisection(build), "closed form")
    graph = graph or graph_of(build)
    if graph.low.size <= MAX_FLOW_EDGES:
        return _result(build, max_flow(graph, side_of(build)), "max-flow")
    return _result(build, _cut(build, graph), "cut")


def side_of(build: FabricBuild) -> NDArray[np.bool_]:
    """[servers, ports] True for the second half."""
    servers, ports = build.servers, build.endpoints_per_server
    if servers == 1:
        return np.arange(ports)[None, :] >= ports // 2
    return np.repeat((np.arange(servers) >= servers // 2)[:, None], ports, axis=1)


def halves(leaf: NDArray[np.int64], side: NDArray[np.bool_], nodes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[nodes] endpoints of the first and of the second half on each."""
    first = np.bincount(leaf[~side], minlength=nodes)
    return first.astype(np.int64), np.bincount(leaf[side], minlength=nodes).astype(np.int64)


def clos_bisection(build: FabricBuild) -> int:
    """Links' worth of traffic from one half to the other, counted from the leaves up.

    What meets inside a leaf needs no uplink; the rest is bounded by the uplinks of the leaf, then by those of the pod.
    """
    shape = build.wiring.shape
    if not isinstance(shape, Clos):
        raise TypeError(f"clos_bisection: {build.name} is no folded Clos")
    first, second = halves(leaves_of(build), side_of(build), shape.leaf_count)
    met, first, second = _meet(first, second)
    total = met
    for width, uplinks in ((shape.leaves, shape.leaf_up), (shape.pods, shape.spines * shape.spine_up)):
        first, second = np.minimum(first, uplinks), np.minimum(second, uplinks)
        first, second = (side.reshape(-1, width).sum(axis=1) for side in (first, second))
        met, first, second = _meet(first, second)
        total += met
    return total


def max_flow(graph: FabricGraph, side: NDArray[np.bool_]) -> int:
    """Links' worth of traffic from one half of the endpoints to the other, by max-flow (Dinic, scipy)."""
    with needs("plan"):  # heavy, and closed forms do without
        from scipy.sparse import coo_array  # noqa: PLC0415
        from scipy.sparse.csgraph import maximum_flow  # noqa: PLC0415

    first, second = halves(graph.leaf, side, graph.nodes)
    source, sink, node = graph.nodes, graph.nodes + 1, np.arange(graph.nodes)
    rows = np.concatenate([graph.low, graph.high, np.full(node.size, source), node])
    columns = np.concatenate([graph.high, graph.low, node, np.full(node.size, sink)])
    capacity = np.concatenate([graph.links, graph.links, first, second]).astype(np.int32)
    size = graph.nodes + 2
    matrix = coo_array((capacity, (rows, columns)), shape=(size, size)).tocsr()
    matrix.eliminate_zeros()
    return int(maximum_flow(matrix, source, sink).flow_value)


def _meet(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """What the two halves exchange here, and what is left of each."""
    met = np.minimum(first, second)
    return int(met.sum()), first - met, second - met


def _cut(build: FabricBuild, graph: FabricGraph) -> int:
    """Links that cross from nodes of the first half to the others, or the endpoints of a half where they are fewer."""
    first, second = halves(graph.leaf, side_of(build), graph.nodes)
    in_second = second > first
    if isinstance(build.wiring.shape, DragonflySize) and build.wiring.shape.plus:
        leaves = graph.nodes // 2
        in_second[leaves:] = in_second[:leaves]
    crossing = int(graph.links[in_second[graph.low] != in_second[graph.high]].sum())
    return min(crossing, int(first.sum()), int(second.sum()))


def _result(build: FabricBuild, links: int, method: str) -> Bisection:
    side = side_of(build)
    full = int(min(side.sum(), (~side).sum()))
    return Bisection(links, full, links * build.link_bits_per_s, method)
