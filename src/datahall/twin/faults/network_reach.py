"""What of its bandwidth each machine keeps once switches and links are lost."""

from collections import Counter
from collections.abc import Collection
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datahall.network.fabric.graph import FabricGraph
from datahall.twin.faults.elements import Element, Elements

Floats = NDArray[np.float64]


class FabricReach:
    """One fabric, whose losses are asked for again and again."""

    def __init__(self, elements: Elements, number: int) -> None:
        self.number, self.graph = number, elements.graphs[number]
        self.build = elements.loaded.fabrics[number]
        self.purpose = elements.loaded.hall.fabrics[number].purpose
        self.machine = elements.servers[number]

    def kept(self, lost: Collection[Element]) -> dict[int, float]:
        """Share of its intact bandwidth for each machine that loses some, out of what the fabric gave it.

        A port keeps what its leaf still has of ways up, as far as the leaf's ports ask for them: with ways up to spare, the
        first ones lost cost nothing. Leaves of one pod lose alike with a spine; detours that no routing of a Clos takes are
        not counted, and in a direct network only the next switches are.
        """
        switches = [element.key[1] for element in lost if element.what in {"switch", "leaf"}]
        ports = [element.key[1:] for element in lost if element.what == "link" and element.key[2] >= 0]
        edges = Counter(element.key[1] for element in lost if element.what == "link" and element.key[2] < 0)
        if not switches and not edges:
            return self._without_ports(ports)
        port_ratio = (self._leaf_ratio(switches, edges) / self._whole)[self.graph.leaf]
        for server, port in ports:
            port_ratio[server, port] = 0.0
        return self._by_machine(port_ratio.mean(axis=1), range(len(self.machine)))

    def _without_ports(self, ports: Collection[tuple[int, ...]]) -> dict[int, float]:
        """Only links to servers are lost: a few machines are looked at."""
        gone = Counter(server for server, _ in set(ports))
        machines = {int(self.machine[server]) for server in gone}
        servers = np.flatnonzero(np.isin(self.machine, list(machines))) if machines else np.zeros(0, np.int64)
        each = self.graph.leaf.shape[1]
        return self._by_machine(np.array([1 - gone[int(s)] / each for s in servers]), servers.tolist())

    def _by_machine(self, ratio: Floats, servers: Collection[int]) -> dict[int, float]:
        """The mean over a machine that the fabric sees as several servers; those that keep all are left out."""
        found: dict[int, list[float]] = {}
        for server, kept in zip(servers, ratio.tolist(), strict=True):
            found.setdefault(int(self.machine[server]), []).append(kept)
        means = {machine: sum(shares) / len(shares) for machine, shares in found.items()}
        return {machine: max(0.0, mean) for machine, mean in means.items() if mean < 1 - 1e-9}

    @cached_property
    def _whole(self) -> Floats:
        """What a leaf's ports get when nothing is lost, over the line rate."""
        return np.maximum(self._leaf_ratio([], Counter()), 1e-12)

    def _leaf_ratio(self, switches: Collection[int], edges: Counter[int]) -> Floats:
        """[nodes] share of the line rate that ports on each switch have on their way out of it; 0 where it is lost."""
        graph = self.graph
        alive = np.ones(graph.nodes)
        alive[list(switches)] = 0.0
        links = graph.links.astype(np.float64)
        for edge, count in edges.items():
            links[edge] = max(0.0, links[edge] - count)
        ways = self._ways_up(alive, links)
        asked = np.maximum(graph.endpoints, 1)
        joined = np.bincount(graph.low, graph.links, graph.nodes) + np.bincount(graph.high, graph.links, graph.nodes) > 0
        return alive * np.where(joined, np.minimum(1.0, ways / asked), 1.0)

    def _ways_up(self, alive: Floats, links: Floats) -> Floats:
        """[nodes] links that still lead on, each weighted by what is left above it, the top first."""
        graph = self.graph
        if not _is_tiered(graph):
            open_links = links * alive[graph.low] * alive[graph.high]
            both = np.bincount(graph.low, open_links, graph.nodes) + np.bincount(graph.high, open_links, graph.nodes)
            return both.astype(np.float64)
        intact = np.bincount(graph.low, graph.links, graph.nodes)
        share, ways, end = alive.copy(), np.zeros(graph.nodes, dtype=np.float64), graph.nodes
        for _, count in reversed(graph.tiers):
            here = (graph.low >= end - count) & (graph.low < end)
            up = np.bincount(graph.low[here], links[here] * share[graph.high[here]], graph.nodes)
            inside = slice(end - count, end)
            ways[inside] = up[inside]
            has_up = intact[inside] > 0
            share[inside] *= np.where(has_up, up[inside] / np.maximum(intact[inside], 1), 1.0)
            end -= count
        return ways


def _is_tiered(graph: FabricGraph) -> bool:
    """Whether every link leads from one tier to a higher one."""
    bounds = np.cumsum([count for _, count in graph.tiers])
    low, high = np.searchsorted(bounds, graph.low, side="right"), np.searchsorted(bounds, graph.high, side="right")
    return bool((low < high).all())


def switch_racks(elements: Elements) -> dict[tuple[int, int], str]:
    """Rack of each switch that stands in one: fabrics take those of their part in the order of the file, rack by rack."""
    free: dict[str, list[tuple[str, int]]] = {}
    for block in elements.loaded.estate.blocks:
        for content in block.contents:
            free.setdefault(content.device.name, []).extend((rack, content.count) for rack in block.names)
    places = {part: [rack for rack, count in racks for _ in range(count)] for part, racks in free.items()}
    found: dict[tuple[int, int], str] = {}
    for number, build in enumerate(elements.loaded.fabrics):
        own, integrated = places.get(build.switch.name, []), [tier.integrated for tier in build.tiers]
        bought = [s for s, (tier, _) in enumerate(elements.switch_names(number)) if not integrated[tier]]
        found |= {(number, switch): rack for switch, rack in zip(bought, own, strict=False)}
        del own[: len(bought)]
    return found
