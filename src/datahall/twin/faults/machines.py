"""Machines of a hall by the names that jobs see, with their racks, their accelerators and their ports on each fabric."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.estate import Estate
from datahall.infrastructure.spec import Fabric
from datahall.network.fabric import FabricBuild
from datahall.network.fabric.demand import parts_on, ports_of

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Machine:
    """One node as `nodes_of` names it. rack: None for a machine that stands outside of racks."""

    name: str
    rack: str | None
    part: str | None
    """Row of the servers; None for a machine that is here."""
    accelerators: int


def machines_of(estate: Estate) -> tuple[Machine, ...]:
    """Machines that are here, then server k of rack r007 as `r007-n3`: the order and the names of `nodes_of`."""
    here = (Machine(node.name, None, None, len(node.accelerators)) for node in estate.nodes)
    return (*here, *_in_racks(estate))


def _in_racks(estate: Estate) -> Iterator[Machine]:
    for block in estate.blocks:
        servers = [
            content.device for content in block.contents if isinstance(content.device, ServerPart) for _ in range(content.count)
        ]
        for rack in block.names:
            for k, part in enumerate(servers, 1):
                yield Machine(f"{rack}-n{k}", rack, part.name, part.accelerators)


def servers_on(build: FabricBuild, fabric: Fabric, machines: tuple[Machine, ...], estate: Estate) -> Ints:
    """[servers] the machine, by its number, that each server of a fabric is; a machine with twice the ports is two of them.

    The fabric's own count decides where the hall has more machines than it, such as those that are here.
    """
    ports = {
        name: (fabric.endpoints_per_server or ports_of(part, fabric)) // build.endpoints_per_server
        for name, (part, _) in parts_on(fabric, estate).items()
    }
    found = [i for i, machine in enumerate(machines) if machine.part in ports for _ in range(ports[machine.part])]
    return np.array(found[: build.servers], dtype=np.int64)
