"""InfraGraph, the vendor-neutral exchange format of AI fabrics, which ASTRA-sim and others read: write it, and read it.

Source: InfraGraph 3.1 (Keysight, MIT), https://pypi.org/project/infragraph/.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from datahall.foundation.document import parse
from datahall.foundation.errors import Problem, Refused
from datahall.foundation.extras import needs
from datahall.network.fabric.build import FabricBuild
from datahall.network.fabric.graph import FabricGraph, graph_of
from datahall.network.infragraph_size import refuse_giants

SERVER, SWITCH, NIC, PORT = "server", "switch", "nic", "port"
MAX_ENDPOINTS = 20_000
"""The library checks every link by itself; more take minutes."""
MAX_NODES = 1_000_000
"""Values of a document that is read: a fabric of 20,000 endpoints has about half of them."""


@dataclass(frozen=True, slots=True)
class ImportedFabric:
    """A fabric as an InfraGraph file describes it."""

    name: str
    servers: int
    endpoints_per_server: int
    """NICs of a server that are wired, of the server with the most."""
    switches: dict[int, int]
    """Switches by their distance from the servers: 1 for leaves, 2 for spines, 3 for cores."""
    links: dict[tuple[int, int], int]
    """Links by the distances of their ends, the nearer first; servers are at 0."""
    radix: int
    """Ports of the switch with the most."""
    link_bits_per_s: dict[str, float] = field(default_factory=dict)
    """By the name of the link, where the file says it."""

    @property
    def endpoints(self) -> int:
        return sum(links for (near, _), links in self.links.items() if near == 0)


def to_infragraph(build: FabricBuild, *, encoding: Literal["yaml", "json"] = "yaml") -> str:
    """The fabric as an InfraGraph document: servers with a NIC for each port, switches, and each link by its ports.

    Raises Unavailable without the package, Refused above 20,000 endpoints.
    """
    if build.endpoints > MAX_ENDPOINTS:
        what = f"{build.endpoints:,} endpoints, but at most {MAX_ENDPOINTS:,} are written"
        raise Refused(Problem("NET-020", f"fabrics.{build.name}", what, "export one plane or one pod of it"))
    library = _library()
    graph, rate = graph_of(build), build.link_bits_per_s / 1e9
    torus = graph.tiers[0][0] == "endpoint"
    link = {"name": "line", "description": "One link", "physical": {"bandwidth": {"gigabits_per_second": rate}}}
    document = {
        "name": build.name,
        "description": f"{build.fabric.topology} of {build.switch.name}, written by Datahall",
        "devices": [_server(build, graph, torus=torus), *([] if torus else [_switch(build)])],
        "links": [link],
        "instances": [
            {"name": SERVER, "device": SERVER, "count": build.servers},
            *({"name": tier, "device": SWITCH, "count": count} for tier, count in graph.tiers if not torus),
        ],
        "edges": list(_grid_edges(graph) if torus else _edges(build, graph)),
    }
    made = library.Infrastructure()
    made.deserialize(document)
    return str(made.serialize(encoding=made.JSON if encoding == "json" else made.YAML))


def from_infragraph(text: str, *, source: str = "infragraph") -> ImportedFabric:
    """What an InfraGraph document in YAML or JSON describes: servers, switches by tier, links.

    source: where the text stands, for problems.
    A device with NICs is a server, one with ports a switch. Raises Unavailable without the package, Refused where the text
    is no YAML, no InfraGraph, has no servers, or unfolds to too many machines.
    """
    library = _library()
    made = library.Infrastructure()
    data = parse(text, source=source, max_nodes=MAX_NODES).data
    try:
        made.deserialize(data)
        made.validate()
        refuse_giants(made, source)
        return _imported(made, source)
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - the library raises whatever its parsers do
        said = [*str(error).strip().splitlines(), type(error).__name__][0].rstrip(".")
        what = f"this is no InfraGraph: {said}"
        raise Refused(Problem("NET-021", source, what, "export it anew, in YAML or JSON of InfraGraph 3")) from None


def _library() -> Any:
    with needs("infragraph"):  # takes a second, and only export and import need it
        import infragraph  # noqa: PLC0415
    return infragraph


def _server(build: FabricBuild, graph: FabricGraph, *, torus: bool) -> dict[str, Any]:
    nics = int(graph.ports.max()) if torus else build.endpoints_per_server
    return _device(SERVER, "A server", [("xpu", 1, "xpu"), (NIC, max(1, nics), "nic")])


def _switch(build: FabricBuild) -> dict[str, Any]:
    return _device(SWITCH, build.switch.name, [("asic", 1, "cpu"), (PORT, build.radix, "port")])


def _device(name: str, description: str, parts: list[tuple[str, int, str]]) -> dict[str, Any]:
    """A device of two components, the first joined to all of the second."""
    components = [{"name": part, "description": part, "count": count, "choice": kind} for part, count, kind in parts]
    inside = {"scheme": "many2many", "link": "inside", "ep1": {"component": parts[0][0]}, "ep2": {"component": parts[1][0]}}
    links = [{"name": "inside", "description": "Inside the device"}]
    return {"name": name, "description": description, "components": components, "links": links, "edges": [inside]}


def _edges(build: FabricBuild, graph: FabricGraph) -> Iterator[dict[str, Any]]:
    """Ports are dealt out in order: those to servers first."""
    used = np.zeros(graph.nodes, np.int64)
    for server in range(build.servers):
        for nic in range(build.endpoints_per_server):
            node = int(graph.leaf[server, nic])
            yield _edge((SERVER, server), f"{NIC}[{nic}]", _instance(graph, node), f"{PORT}[{used[node]}]")
            used[node] += 1
    for low, high, links in zip(graph.low.tolist(), graph.high.tolist(), graph.links.tolist(), strict=True):
        ends = [f"{PORT}[{used[node]}:{used[node] + links}]" for node in (low, high)]
        yield _edge(_instance(graph, low), ends[0], _instance(graph, high), ends[1])
        used[[low, high]] += links


def _grid_edges(graph: FabricGraph) -> Iterator[dict[str, Any]]:
    used = np.zeros(graph.nodes, np.int64)
    for low, high in zip(graph.low.tolist(), graph.high.tolist(), strict=True):
        yield _edge((SERVER, low), f"{NIC}[{used[low]}]", (SERVER, high), f"{NIC}[{used[high]}]")
        used[[low, high]] += 1


def _edge(one: tuple[str, int], part: str, other: tuple[str, int], other_part: str) -> dict[str, Any]:
    return {
        "scheme": "one2one",
        "link": "line",
        "ep1": {"instance": f"{one[0]}[{one[1]}]", "component": part},
        "ep2": {"instance": f"{other[0]}[{other[1]}]", "component": other_part},
    }


def _instance(graph: FabricGraph, node: int) -> tuple[str, int]:
    for tier, count in graph.tiers:
        if node < count:
            return tier, node
        node -= count
    raise IndexError(f"_instance: the graph has no node {node} beyond its last")


def _imported(made: Any, source: str) -> ImportedFabric:
    with needs("infragraph"):
        from infragraph.infragraph_service import InfraGraphService  # noqa: PLC0415

    service = InfraGraphService()
    service.set_graph(made)
    kinds = {device.name: {part.choice: part.count for part in device.components} for device in made.devices}
    device_of = {instance.name: instance.device for instance in made.instances}
    servers = {name for name, device in device_of.items() if kinds[device].get("nic")}
    wired = Counter(_pairs(service.get_networkx_graph()))
    links = Counter[tuple[int, int]]()
    distance = _distances(wired, servers)
    for (one, other), count in wired.items():
        near, far = sorted((distance.get(one, 0), distance.get(other, 0)))
        links[near, far] += count
    count = sum(instance.count for instance in made.instances if instance.name in servers)
    if not count:
        raise Refused(Problem("NET-021", source, "no device has a NIC, so there is no server", "give a device NICs"))
    each = Counter(node for pair, n in wired.items() for node in pair if node[0] in servers for _ in range(n))
    return ImportedFabric(
        name=made.name,
        servers=count,
        endpoints_per_server=max(each.values(), default=0),
        switches=dict(sorted(Counter(d for node, d in distance.items() if node[0] not in servers).items())),
        links=dict(sorted(links.items())),
        radix=max((parts.get("port", 0) for parts in kinds.values()), default=0),
        link_bits_per_s=_rates(made),
    )


Machine = tuple[str, str]


def _pairs(graph: Any) -> Iterator[tuple[Machine, Machine]]:
    """Links between two machines; the library names a node `instance.number.component.number`."""
    for one, other in graph.edges():
        ends = sorted(tuple(str(end).split(".")[:2]) for end in (one, other))
        if ends[0] != ends[1]:
            yield (ends[0][0], ends[0][1]), (ends[1][0], ends[1][1])


def _distances(wired: Counter[tuple[Machine, Machine]], servers: set[str]) -> dict[Machine, int]:
    """Of each machine from the servers; those that nothing joins are left out."""
    beside: dict[Machine, set[Machine]] = {}
    for one, other in wired:
        beside.setdefault(one, set()).add(other)
        beside.setdefault(other, set()).add(one)
    distance = {node: 0 for node in beside if node[0] in servers}
    queue = deque(distance)
    while queue:
        node = queue.popleft()
        for other in beside[node] - distance.keys():
            distance[other] = distance[node] + 1
            queue.append(other)
    return distance


def _rates(made: Any) -> dict[str, float]:
    found = {}
    for link in made.links:
        bandwidth = link.physical.bandwidth
        if bandwidth.choice == "gigabits_per_second":
            found[link.name] = bandwidth.gigabits_per_second * 1e9
    return found
