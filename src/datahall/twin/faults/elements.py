"""What of a hall may fail, by kind and by name: the words that fault files use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal, get_args

from datahall.infrastructure.power import PowerGraph, power_graph
from datahall.network.fabric.graph import FabricGraph, graph_of
from datahall.network.load import Loaded
from datahall.twin.faults.machines import Ints, Machine, machines_of, servers_on

What = Literal[
    "node",
    "accelerator",
    "link",
    "switch",
    "leaf",
    "pdu",
    "feed",
    "ups",
    "power",
    "chiller",
    "pump",
    "storage",
    "control_plane",
    "site",
]
KINDS: tuple[What, ...] = get_args(What)
POWER_KINDS: Mapping[str, frozenset[str]] = {
    "pdu": frozenset({"pdu", "busway"}),
    "feed": frozenset({"utility"}),
    "ups": frozenset({"ups", "rectifier"}),
}
"""Kinds of power elements behind each word; `power` is any of them, transformers and transfer switches too."""
POWER = frozenset({*POWER_KINDS, "power"})


@dataclass(frozen=True, slots=True)
class Element:
    """One thing that may fail."""

    what: What
    name: str
    key: tuple[int, ...] = ()
    """Where it stands: machine (and accelerator); fabric and switch; fabric, server and port, or fabric, edge and -1."""


class Elements:
    """All of one hall, each kind listed when it is first asked for."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self._known: dict[What, dict[str, Element]] = {}

    @cached_property
    def machines(self) -> tuple[Machine, ...]:
        return machines_of(self.loaded.estate)

    @cached_property
    def graphs(self) -> tuple[FabricGraph, ...]:
        return tuple(map(graph_of, self.loaded.fabrics))

    @cached_property
    def servers(self) -> tuple[Ints, ...]:
        """For each fabric: the machine of each of its servers."""
        loaded = self.loaded
        builds = zip(loaded.fabrics, loaded.hall.fabrics, strict=True)
        return tuple(servers_on(build, fabric, self.machines, loaded.estate) for build, fabric in builds)

    @cached_property
    def graph(self) -> PowerGraph:
        """How power reaches the racks. Raises Refused where its wiring does not hold."""
        return power_graph(self.loaded.hall.power, self.loaded.estate, self.loaded.catalogue)

    @cached_property
    def machines_in(self) -> Mapping[str, tuple[int, ...]]:
        """Machines of each rack, by number."""
        found: dict[str, list[int]] = {}
        for i, machine in enumerate(self.machines):
            if machine.rack is not None:
                found.setdefault(machine.rack, []).append(i)
        return {rack: tuple(members) for rack, members in found.items()}

    def of(self, what: What) -> Mapping[str, Element]:
        """All elements of a kind by name, in the hall's own order."""
        if what not in self._known:
            self._known[what] = {element.name: element for element in self._listed(what)}
        return self._known[what]

    def _listed(self, what: What) -> Iterator[Element]:
        match what:
            case "node":
                return (Element("node", machine.name, (i,)) for i, machine in enumerate(self.machines))
            case "accelerator":
                return self._accelerators()
            case "switch" | "leaf":
                return self._switches(what)
            case "link":
                return chain(self._ports(), self._uplinks())
            case "pdu" | "feed" | "ups" | "power":
                return self._power(what)
            case "chiller" | "pump":
                return self._cooling_units(what)
            case "storage":
                return (Element("storage", tier.name, (i,)) for i, tier in enumerate(self.loaded.hall.storage))
            case "control_plane":
                return iter([Element("control_plane", "control_plane")])
            case "site":
                return iter([Element("site", self.loaded.hall.name)])

    def _accelerators(self) -> Iterator[Element]:
        for i, machine in enumerate(self.machines):
            yield from (Element("accelerator", f"{machine.name}-a{k}", (i, k)) for k in range(machine.accelerators))

    def _switches(self, what: What) -> Iterator[Element]:
        for number, build in enumerate(self.loaded.fabrics):
            for switch, (tier, name) in enumerate(self.switch_names(number)):
                if what == "switch" or tier == 0:
                    yield Element(what, f"{build.name}-{name}", (number, switch))

    def switch_names(self, fabric: int) -> list[tuple[int, str]]:
        """Tier and name, such as `leaf-3`, of each switch of a fabric; empty for a torus, whose endpoints switch."""
        tiers = self.graphs[fabric].tiers
        if tiers[0][0] == "endpoint":
            return []
        return [(level, f"{tier}-{i}") for level, (tier, count) in enumerate(tiers) for i in range(count)]

    def _ports(self) -> Iterator[Element]:
        """Links to servers: `r01-n2-compute-p0`, counted on over the ports of a machine that a fabric sees as several."""
        for number, build in enumerate(self.loaded.fabrics):
            ports = build.endpoints_per_server
            before = dict[int, int]()
            for server, machine in enumerate(self.servers[number].tolist()):
                first = before.get(machine, 0)
                before[machine] = first + ports
                name = f"{self.machines[machine].name}-{build.name}-p"
                yield from (Element("link", f"{name}{first + port}", (number, server, port)) for port in range(ports))

    def _uplinks(self) -> Iterator[Element]:
        """One link of each pair of switches that are joined: `compute-leaf-3-spine-0`; parallel ones are alike."""
        for number, (build, graph) in enumerate(zip(self.loaded.fabrics, self.graphs, strict=True)):
            names = [name for _, name in self.switch_names(number)]
            if not names:
                continue
            for edge, (low, high) in enumerate(zip(graph.low.tolist(), graph.high.tolist(), strict=True)):
                yield Element("link", f"{build.name}-{names[low]}-{names[high]}", (number, edge, -1))

    def _power(self, what: What) -> Iterator[Element]:
        for i, element in enumerate(self.graph.elements):
            if what == "power" or element.kind in POWER_KINDS[what]:
                yield Element(what, element.name, (i,))

    def _cooling_units(self, what: What) -> Iterator[Element]:
        """`chiller-2`; `pump-2`: that of a coolant distribution unit, else that of a chiller, which has its own."""
        cooling = self.loaded.hall.cooling
        chillers = cooling.plant.chillers if cooling else None
        units = cooling.liquid.units if cooling and cooling.liquid else None
        found = chillers if what == "chiller" else units or chillers
        for i in range(found.count if found else 0):
            yield Element(what, f"{what}-{i + 1}", (i,))
