"""What a fabric loses with any one link or switch, and whether rails stay apart."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from datahall.foundation.extras import needs
from datahall.network.fabric.build import FabricBuild
from datahall.network.fabric.clos import Clos
from datahall.network.fabric.graph import FabricGraph, as_networkx, graph_of
from datahall.network.fabric.placement import leaves_of


@dataclass(frozen=True, slots=True)
class Survival:
    """After the loss of any one part. Links to servers are left out: a port lost there is a port lost."""

    any_link: bool
    """All leaves of a plane still reach each other without any one link between switches."""
    any_upper_switch: bool
    """… and without any one switch that no endpoint is on."""
    link_cut: int
    """Fewest links whose loss parts two leaves."""
    switch_cut: int
    """Fewest upper switches whose loss parts two leaves; where leaves join directly, other leaves too."""
    ports_lost: int
    """Endpoints that the fullest leaf takes with it."""
    servers_lost: int
    """Servers that have no port left once that leaf is lost."""
    server_ports_lost: int
    """Most ports that one server loses with a leaf."""
    witness: str
    """The part whose loss does the most harm."""

    @property
    def any_leaf(self) -> bool:
        """No server is cut off with any one leaf."""
        return self.servers_lost == 0


def survival_of(build: FabricBuild) -> Survival:
    """Closed form for a folded Clos; else the graph is searched for single points of failure."""
    shape = build.wiring.shape
    if isinstance(shape, Clos):
        return _survival(build, link_cut=_clos_link_cut(shape), switch_cut=_clos_switch_cut(shape))
    graph = graph_of(build)
    switches, links = single_points(graph)
    degree = np.bincount(graph.low, graph.links, graph.nodes) + np.bincount(graph.high, graph.links, graph.nodes)
    least = int(degree.min()) if graph.nodes > 1 else 0
    # Both are bounded by the least degree, and the search tells whether one is enough.
    return _survival(build, link_cut=1 if links else least, switch_cut=1 if switches else min(2, least))


def single_points(graph: FabricGraph) -> tuple[list[int], list[tuple[int, int]]]:
    """Nodes, and links without a parallel one, whose loss parts nodes that were joined.

    Source: Hopcroft and Tarjan, Commun. ACM 16(6), 1973, doi:10.1145/362248.362272 (networkx).
    """
    with needs("plan"):  # heavy, and closed forms do without
        import networkx as nx  # noqa: PLC0415

    found = as_networkx(graph)
    alone = {(int(a), int(b)) for a, b, n in zip(graph.low, graph.high, graph.links, strict=True) if n == 1}
    bridges = [edge for a, b in nx.bridges(found) if (edge := (min(a, b), max(a, b))) in alone or edge[::-1] in alone]
    return sorted(nx.articulation_points(found)), sorted(bridges)


def mixed_leaves(build: FabricBuild) -> int:
    """Leaves that see ports of more rails than are meant to share a leaf.

    Where rails are not told apart, a leaf that sees more than one port of a server counts as mixed.
    """
    leaf = leaves_of(build)
    rail = np.arange(build.endpoints_per_server) % (build.rails if build.rails > 1 else build.endpoints_per_server)
    pairs = np.unique(np.stack([leaf.ravel(), np.broadcast_to(rail, leaf.shape).ravel()]), axis=1)
    return int((np.bincount(pairs[0]) > build.wiring.rails_per_leaf).sum())


def _clos_link_cut(shape: Clos) -> int:
    """A leaf's uplinks: no cut higher up is narrower, as a pod's uplinks are as many as its leaves'."""
    if not shape.cores:
        return shape.leaf_up
    return min(shape.leaf_up, shape.spines * shape.spine_up)


def _clos_switch_cut(shape: Clos) -> int:
    """The spines of a pod: all paths between two leaves cross one of them, and other paths another."""
    return shape.spines


def _survival(build: FabricBuild, *, link_cut: int, switch_cut: int) -> Survival:
    leaf = leaves_of(build)
    ports = np.bincount(leaf.ravel())
    fullest = int(ports.argmax())
    lost = (leaf == fullest).sum(axis=1)
    single = build.tiers[0].switches == 1 or not _has_pairs(build)
    links, switches = single or link_cut > 1, single or switch_cut > 1
    gone = int((lost == build.endpoints_per_server).sum())
    witness = f"{build.tiers[0].name} {fullest}: {int(ports.max())} endpoints, {gone} servers cut off"
    if not switches:
        witness = f"a {build.tiers[-1].name}: leaves no longer reach each other"
    most = int(_most_on_one_leaf(build))
    return Survival(links, switches, link_cut, switch_cut, int(ports.max()), gone, most, witness)


def _has_pairs(build: FabricBuild) -> bool:
    """Whether two leaves are in the same plane."""
    shape = build.wiring.shape
    return not isinstance(shape, Clos) or shape.pods * shape.leaves > 1


def _most_on_one_leaf(build: FabricBuild) -> int:
    """Most ports that one server has on one leaf: the longest run of the same leaf in its sorted ports."""
    leaf = np.sort(leaves_of(build), axis=1)
    longest = run = np.ones(leaf.shape[0], np.int64)
    for before, after in pairwise(range(leaf.shape[1])):
        run = np.where(leaf[:, before] == leaf[:, after], run + 1, 1)
        longest = np.maximum(longest, run)
    return int(longest.max())
