"""From a declaration to sizes: which shape a fabric takes, and which leaf each port of each server is on."""

from dataclasses import dataclass
from math import ceil

from datahall.foundation.errors import Problem
from datahall.infrastructure.spec import Dragonfly, Fabric, FatTree, LeafSpine, RailOnly, RailOptimised, Torus
from datahall.network.fabric.clos import Clos, downlinks, one_switch, three_tiers, two_tiers
from datahall.network.fabric.direct import DragonflySize, TorusSize, dragonfly_for

Shape = Clos | DragonflySize | TorusSize


class DoesNotFitError(Exception):
    """A declaration that no number of switches satisfies. `field`: the field of the fabric that is at fault."""

    def __init__(self, problem: Problem, field: str) -> None:
        super().__init__(str(problem))
        self.problem, self.field = problem, field


@dataclass(frozen=True, slots=True)
class Demand:
    """What hangs on a fabric."""

    servers: int
    endpoints_per_server: int
    managers: int = 0
    """Links of fabric managers."""

    @property
    def endpoints(self) -> int:
        return self.servers * self.endpoints_per_server

    @property
    def slots(self) -> int:
        """Servers, and what the managers take of a server's place."""
        return self.servers + ceil(self.managers / self.endpoints_per_server)


@dataclass(frozen=True, slots=True)
class Wiring:
    """A shape, and how servers are dealt out over its leaves."""

    shape: Shape
    rails: int = 1
    """Port r of a server goes to rail r modulo this; 1: ports are not told apart."""
    rails_per_leaf: int = 1
    servers_per_unit: int | None = None
    """Servers of a scalable unit; each starts on a leaf of its own."""


def wiring_of(fabric: Fabric, demand: Demand, *, radix: int) -> Wiring:
    """The shape of a fabric. radix: ports of a switch at the fabric's line rate.

    Raises DoesNotFitError, with the problem and the field that is at fault.
    """
    match fabric:
        case LeafSpine():
            return _leaf_spine(fabric, demand, radix)
        case FatTree():
            return _fat_tree(fabric, demand, radix)
        case RailOptimised():
            return _rail_optimised(fabric, demand, radix)
        case RailOnly():
            return _rail_only(fabric, demand, radix)
        case Dragonfly():
            return Wiring(_dragonfly(fabric, demand, radix))
        case Torus():
            return Wiring(_torus(fabric, demand))


def _leaf_spine(fabric: LeafSpine, demand: Demand, radix: int) -> Wiring:
    unit = fabric.servers_per_unit
    if unit is None and _fits_one(demand, radix):
        return Wiring(one_switch(radix))
    down = downlinks(radix, fabric.oversubscription)
    leaves = _leaves(demand, down, unit)
    shape = two_tiers(leaves, radix=radix, down=down)
    if shape is None:
        raise _too_large(fabric, leaves, radix)
    return Wiring(shape, servers_per_unit=unit)


def _fat_tree(fabric: FatTree, demand: Demand, radix: int) -> Wiring:
    unit = fabric.servers_per_unit
    if fabric.tiers is None and unit is None and _fits_one(demand, radix):
        return Wiring(one_switch(radix))
    down = downlinks(radix, fabric.oversubscription)
    leaves = _leaves(demand, down, unit)
    shape = None if fabric.tiers == 3 else two_tiers(leaves, radix=radix, down=down)
    if shape is None and fabric.tiers != 2:
        shape = three_tiers(leaves, radix=radix, down=down)
    if shape is None:
        raise _too_large(fabric, leaves, radix)
    return Wiring(shape, servers_per_unit=unit)


def _rail_optimised(fabric: RailOptimised, demand: Demand, radix: int) -> Wiring:
    ports = _ports_per_rail(fabric, demand)
    unit, rails = fabric.servers_per_unit, fabric.rails
    if unit is None and fabric.join in ("auto", "spine") and _fits_one(demand, radix):
        return Wiring(one_switch(radix), rails, rails)
    down = downlinks(radix, fabric.oversubscription)
    leaves = _leaves_of_rail(fabric, demand, ports, down)
    shared = _rails_per_leaf(rails, demand.slots * ports, down) if leaves == 1 and unit is None else 1
    for join in ("spine", "planes", "core") if fabric.join == "auto" else (fabric.join,):
        on_leaf = shared if join == "spine" else 1
        if shape := _joined(join, rails // on_leaf, leaves, demand.slots * ports, radix=radix, down=down):
            return Wiring(shape, rails, on_leaf, unit if shape.spines else None)
    if fabric.join in ("auto", "planes") and (shape := three_tiers(leaves, radix=radix, down=down, planes=rails)):
        return Wiring(shape, rails, 1, unit)
    raise _too_large(fabric, leaves * rails, radix)


def _joined(join: str, rails: int, leaves: int, endpoints: int, *, radix: int, down: int) -> Clos | None:
    """One Clos over all rails, a Clos for each, or pods of single rails under cores. endpoints, leaves: of one rail."""
    if join == "spine":
        return two_tiers(rails * leaves, radix=radix, down=down)
    if join == "core":
        return three_tiers(leaves, radix=radix, down=down, groups=rails)
    if endpoints <= radix:
        return one_switch(radix, planes=rails)
    return two_tiers(leaves, radix=radix, down=down, planes=rails)


def _rail_only(fabric: RailOnly, demand: Demand, radix: int) -> Wiring:
    ports = _ports_per_rail(fabric, demand)
    if demand.slots * ports <= radix:
        return Wiring(one_switch(radix, planes=fabric.rails), fabric.rails)
    down = downlinks(radix, 1.0)
    leaves = _leaves_of_rail(fabric, demand, ports, down)
    shape = two_tiers(leaves, radix=radix, down=down, planes=fabric.rails)
    shape = shape or three_tiers(leaves, radix=radix, down=down, planes=fabric.rails)
    if shape is None:
        raise _too_large(fabric, leaves * fabric.rails, radix)
    return Wiring(shape, fabric.rails)


def _dragonfly(fabric: Dragonfly, demand: Demand, radix: int) -> DragonflySize:
    p, a, h = fabric.endpoints_per_router, fabric.routers_per_group, fabric.global_links_per_router
    size = dragonfly_for(demand.endpoints + demand.managers, p=p, a=a, h=h, plus=fabric.topology == "dragonfly_plus")
    if size.ports_needed > radix:
        what = f"a router needs {size.ports_needed} ports (p={p}, a={a}, h={h}), but the switch has {radix} at this rate"
        fix = "lower endpoints_per_router, routers_per_group or global_links_per_router, or choose a larger switch"
        raise DoesNotFitError(Problem("NET-016", fabric.name, what, fix), "endpoints_per_router")
    if size.groups > size.largest_groups:
        most = size.largest_groups * a * p
        what = f"{demand.endpoints} endpoints need {size.groups} groups, but {a * h} global links of a group reach "
        what += f"{size.largest_groups} groups, {most} endpoints"
        fix = "raise global_links_per_router, routers_per_group or endpoints_per_router"
        raise DoesNotFitError(Problem("NET-015", fabric.name, what, fix), "global_links_per_router")
    return size


def _torus(fabric: Torus, demand: Demand) -> TorusSize:
    size = TorusSize(fabric.dimensions)
    if min(fabric.dimensions) < 1 or size.endpoint_count < demand.endpoints:
        shape = " x ".join(map(str, fabric.dimensions))
        what = f"the grid {shape} has {size.endpoint_count} places, but {demand.endpoints} endpoints hang on it"
        fix = f"choose dimensions whose product is at least {demand.endpoints}"
        raise DoesNotFitError(Problem("NET-014", fabric.name, what, fix), "dimensions")
    return size


def _fits_one(demand: Demand, radix: int) -> bool:
    return demand.endpoints + demand.managers <= radix


def _leaves(demand: Demand, down: int, unit: int | None) -> int:
    """Leaves where ports of a server are not told apart."""
    ports = demand.endpoints_per_server
    if unit is None:
        return max(1, ceil((demand.endpoints + demand.managers) / down))
    return max(1, ceil(demand.slots / unit)) * ceil(unit * ports / down)


def _leaves_of_rail(fabric: RailOptimised | RailOnly, demand: Demand, ports: int, down: int) -> int:
    """Leaves of one rail; a server has all its ports of a rail on one leaf."""
    servers = down // ports
    if servers == 0:
        what = f"a server has {ports} ports on each rail, but a leaf has {down} ports for endpoints"
        raise DoesNotFitError(Problem("NET-005", fabric.name, what, "declare more rails, or choose a larger switch"), "rails")
    unit = fabric.servers_per_unit if isinstance(fabric, RailOptimised) else None
    if unit is None:
        return max(1, ceil(demand.slots / servers))
    return max(1, ceil(demand.slots / unit)) * ceil(unit / servers)


def _ports_per_rail(fabric: RailOptimised | RailOnly, demand: Demand) -> int:
    ports, rails = demand.endpoints_per_server, fabric.rails
    if ports % rails:
        what = f"{rails} rails are declared, but a server has {ports} ports on this fabric, so rails would mix"
        fix = f"set `rails: {ports}`, or another number that divides {ports}"
        raise DoesNotFitError(Problem("NET-006", fabric.name, what, fix), "rails")
    return ports // rails


def _rails_per_leaf(rails: int, endpoints_of_rail: int, down: int) -> int:
    """Most rails that share a leaf whole, such that all leaves hold the same number."""
    return max(n for n in range(1, rails + 1) if rails % n == 0 and (n == 1 or n * endpoints_of_rail <= down))


def _too_large(fabric: Fabric, leaves: int, radix: int) -> DoesNotFitError:
    what = f"{leaves} leaves are needed, but switches of {radix} ports at this rate cannot join so many this way"
    fix = "choose a switch with more ports, a higher oversubscription, another tier (`fat_tree`), or `join: planes`"
    return DoesNotFitError(Problem("NET-005", fabric.name, what, fix), "switch")
