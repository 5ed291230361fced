"""Rules about what a fabric names: its switch, its cables, the servers on it."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem
from datahall.foundation.ranges import names_of
from datahall.infrastructure.catalog.catalogue import near
from datahall.network.checks.context import Check, NetworkContext
from datahall.network.fabric.build import slow_port
from datahall.network.fabric.demand import parts_on, ports_of


def unknown_switch(context: NetworkContext) -> Iterator[Problem]:
    """NET-001: the switch of a fabric is in the catalogue."""
    known = context.catalogue.switches
    for at in context.declared:
        if at.switch is None:
            name = at.fabric.switch
            yield Problem("NET-001", context.place(at.index, "switch"), f"there is no switch `{name}`", near(name, known))


def unknown_cable(context: NetworkContext) -> Iterator[Problem]:
    """NET-002: the cables of a fabric are in the catalogue."""
    known = context.catalogue.cables
    for at in context.declared:
        for field, name in (("cable", at.fabric.cable), ("uplink_cable", at.fabric.uplink_cable)):
            if name is not None and name not in known:
                yield Problem("NET-002", context.place(at.index, field), f"there is no cable `{name}`", near(name, known))


def slow_ports(context: NetworkContext) -> Iterator[Problem]:
    """NET-003: links are no faster than the ports of the switch."""
    for at in context.declared:
        if at.switch and at.radix == 0:
            problem = slow_port(at.fabric, at.switch)
            yield Problem("NET-003", context.place(at.index, "link_bits_per_s"), problem.what, problem.fix)


def protocol_not_spoken(context: NetworkContext) -> Iterator[Problem]:
    """NET-004: the switch speaks the protocol of the fabric."""
    for at in context.declared:
        if at.switch and at.fabric.protocol not in at.switch.protocols:
            what = f"{at.switch.name} speaks {' and '.join(at.switch.protocols)}, not {at.fabric.protocol}"
            fix = f"choose a switch that speaks {at.fabric.protocol}, or another protocol"
            yield Problem("NET-004", context.place(at.index, "protocol"), what, fix)


def too_few_ports_of_servers(context: NetworkContext) -> Iterator[Problem]:
    """NET-007: a server has as many ports for the fabric as it is to use."""
    for at in context.declared:
        wanted = at.fabric.endpoints_per_server
        for name, (part, _) in parts_on(at.fabric, context.estate).items():
            if wanted is not None and wanted > (ports := ports_of(part, at.fabric)):
                what = f"{wanted} ports of each server are to be used, but {name} has {ports} for {at.fabric.purpose}"
                fix = f"lower it to {ports}, or name the servers that have more in `server_parts`"
                yield Problem("NET-007", context.place(at.index, "endpoints_per_server"), what, fix)
                break


def unknown_racks(context: NetworkContext) -> Iterator[Problem]:
    """NET-013: racks that hold switches are racks of the hall."""
    for at in context.declared:
        for j, pattern in enumerate(at.fabric.racks):
            if missing := [name for name in names_of(pattern) if name not in context.rack_names]:
                what = f"there is no rack `{missing[0]}`" + (f", nor {len(missing) - 1} more" if missing[1:] else "")
                fix = near(missing[0], context.rack_names).replace("a catalogue file of your own", "`racks`")
                yield Problem("NET-013", context.place(at.index, "racks", j), what, fix)


def repeated_fabrics(context: NetworkContext) -> Iterator[Problem]:
    """NET-017: fabrics have names of their own."""
    seen: set[str] = set()
    for at in context.declared:
        if at.fabric.name in seen:
            what = f"a fabric `{at.fabric.name}` stands above already"
            yield Problem("NET-017", context.place(at.index, "name"), what, "rename one of them")
        seen.add(at.fabric.name)


def parts_that_are_not_here(context: NetworkContext) -> Iterator[Problem]:
    """NET-018: servers that a fabric names stand in the hall."""
    here = context.estate.servers
    for at in context.declared:
        if not here and not context.below.hall.nodes:
            return  # there is no machine at all, which is told already
        for j, name in enumerate(at.fabric.server_parts):
            if name not in here and name not in context.estate.unknown_parts:
                what = f"no rack holds a server `{name}`"
                fix = near(name, here).replace("a row to a catalogue file of your own", "it to a rack")
                yield Problem("NET-018", context.place(at.index, "server_parts", j), what, fix)


def no_ports(context: NetworkContext) -> Iterator[Problem]:
    """NET-019: a server hangs on each fabric."""
    for at in context.declared:
        named_ones_missing = any(name not in context.estate.servers for name in at.fabric.server_parts)
        if context.below.unread(("racks",)):
            return  # a server that could not be read may have a port
        if at.demand.servers or not context.estate.servers or context.estate.unknown_parts or named_ones_missing:
            continue
        what = f"no server of the hall has a port for {at.fabric.purpose}"
        fix = "set `endpoints_per_server`, name servers in `server_parts`, or remove the fabric"
        yield Problem("NET-019", context.place(at.index), what, fix)


CHECKS: tuple[Check, ...] = (
    unknown_switch,
    unknown_cable,
    slow_ports,
    protocol_not_spoken,
    too_few_ports_of_servers,
    unknown_racks,
    repeated_fabrics,
    parts_that_are_not_here,
    no_ports,
)
