"""What of a hall hangs on a fabric: its servers, and their ports for its purpose."""

from dataclasses import dataclass
from math import gcd

from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.estate import Estate
from datahall.infrastructure.spec import Fabric


@dataclass(frozen=True, slots=True)
class HallDemand:
    """Servers of a fabric. Where their ports differ, `endpoints_per_server` is what divides them all, and `servers` so many
    more: right for counts, and told by `is_mixed`.
    """

    servers: int
    endpoints_per_server: int
    parts: tuple[str, ...]
    is_mixed: bool = False


def ports_of(part: ServerPart, fabric: Fabric) -> int:
    """Ports that the row of a server has for the fabric's purpose."""
    match fabric.purpose:
        case "compute":
            return part.compute_ports
        case "storage":
            return part.storage_ports
        case "management":
            return part.management_ports


def parts_on(fabric: Fabric, estate: Estate) -> dict[str, tuple[ServerPart, int]]:
    """Servers of the hall that the fabric is for, with how many there are: those named, else those its purpose takes."""
    if fabric.server_parts:
        return {name: estate.servers[name] for name in fabric.server_parts if name in estate.servers}
    takes_all = fabric.purpose != "compute"
    return {name: found for name, found in estate.servers.items() if takes_all or found[0].accelerators}


def demand_of(fabric: Fabric, estate: Estate) -> HallDemand:
    """Servers and ports of each; `servers` is 0 where none has a port for it."""
    found = parts_on(fabric, estate)
    ports = {name: fabric.endpoints_per_server or ports_of(part, fabric) for name, (part, _) in found.items()}
    joined = tuple(name for name, count in ports.items() if count)
    if not joined:
        return HallDemand(0, fabric.endpoints_per_server or 0, ())
    each = gcd(*(ports[name] for name in joined))
    servers = sum(found[name][1] * ports[name] for name in joined) // each
    return HallDemand(servers, each, joined, is_mixed=len({ports[name] for name in joined}) > 1)
