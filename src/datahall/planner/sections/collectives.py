"""What an all-reduce over the hall runs on, and how long it takes: links, ports, and the constants behind them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from datahall.foundation.readable import with_unit
from datahall.foundation.units import bytes_text
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.catalog.rows import accelerator_rows
from datahall.network import constants
from datahall.network.collectives.group import Group
from datahall.network.collectives.hall import hall_group, speeds
from datahall.network.collectives.scale_up import link_row_of
from datahall.network.constants.read import Constant
from datahall.network.fabric import FabricBuild
from datahall.network.fabric.demand import parts_on, ports_of
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger

FITTED = ("hop_cycles", "pipeline_ratio")
PUBLISHED = ("start_s", "network_ratio", "within_many_domains_ratio", "tree_ratio")
STEPS = {"ring": ("network_ring_step_s",), "tree": ("network_tree_step_s",), "nvls": ("network_simple_step_s", "in_network_s")}
LAW = "start + L + 2 √(r L x) + x; L: {}; x: size × share of it on the slower of links and network; r: pipeline ratio"
LATENCY = {
    "ring": "2 (ranks − 1) steps, 2 (domains − 1) of them between domains",
    "tree": "2 (ranks of a domain − 1) steps within and 2 log₂ domains between",
    "nvls": "the switch's own and 2 log₂ domains steps between",
}


@dataclass(frozen=True, slots=True)
class OnFabric:
    """The group, and the part of the hall that it was made from."""

    group: Group
    part: ServerPart
    fabric: FabricBuild
    ports: int
    """Of one server."""


def group_of(ledger: Ledger, builds: tuple[FabricBuild, ...]) -> OnFabric | None:
    """All accelerators of the most numerous kind on the first compute fabric; None where their links are not known."""
    fabric = next((found for found in builds if found.fabric.purpose == "compute"), None)
    if fabric is None:
        return None
    servers = [
        (count, part)
        for part, count in parts_on(fabric.fabric, ledger.loaded.estate).values()
        if part.accelerators and part.accelerator
    ]
    if not servers:
        return None
    count, part = max(servers, key=lambda found: found[0] * found[1].accelerators)
    row = next((row for row in accelerator_rows() if row.name == part.accelerator), None)
    ports = fabric.fabric.endpoints_per_server or ports_of(part, fabric.fabric)
    per_domain = part.scale_up_domain or part.accelerators
    if row is None or (not ports and count * part.accelerators > per_domain):
        return None
    group = hall_group(
        row.name,
        accelerators=count * part.accelerators,
        per_domain=per_domain,
        # A domain has the ports of its accelerators, be it several servers or a part of one.
        ports_per_domain=ports * per_domain / part.accelerators,
        port_bits_per_s=fabric.link_bits_per_s,
        oversubscription=prod(max(1.0, ratio) for ratio in fabric.oversubscription.values()),
        hops=fabric.diameter,
        protocol=fabric.fabric.protocol,
    )
    return None if group is None else OnFabric(group, part, fabric, ports)


def add_all_reduce(ledger: Ledger, found: OnFabric) -> list[str]:
    """All-reduces in the scale-up domain and over the whole fabric, as figures and in words."""
    texts: dict[str, list[str]] = {}
    common = list(_common(ledger, found))
    for speed in speeds(found.group):
        across = list(_between(ledger, found)) if speed.scope == "whole fabric" else []
        name = f"all_reduce_{speed.scope.replace(' ', '_').replace('-', '_')}_{int(speed.size_bytes)}"
        algorithm = speed.estimate.algorithm
        inputs = [
            ledger.given(f"{name}_bytes", speed.size_bytes, "B", source="a size of Datahall's screen"),
            ledger.given(f"{name}_ranks", speed.estimate.ranks, "1", source=f"accelerators of the {speed.scope}"),
            *common,
            *_constants(ledger, STEPS.get(algorithm, ())),
            *across,
        ]
        ledger.computed(
            f"{name}_s",
            speed.estimate.seconds,
            "s",
            formula=LAW.format(LATENCY.get(algorithm, "the algorithm's steps")),
            inputs=inputs,
            source=f"{algorithm}, network/collectives; limit: {speed.estimate.limit}",
            about=f"all-reduce of {bytes_text(speed.size_bytes)} in the {speed.scope}",
        )
        busbw = with_unit(speed.estimate.busbw_bytes_per_s, "bytes/s")
        texts.setdefault(speed.scope, []).append(
            f"{bytes_text(speed.size_bytes)} {with_unit(speed.estimate.seconds, 's')} (bus {busbw})"
        )
    return [f"all-reduce in the {scope}: {', '.join(parts)}" for scope, parts in texts.items()]


def _common(ledger: Ledger, found: OnFabric) -> Iterator[Figure]:
    """The links of one accelerator, and the constants of any collective."""
    group, links = found.group, found.group.scale_up
    yield ledger.given("ranks_of_a_domain", group.within, "1", source=f"catalogue row {found.part.name}: one scale-up domain")
    if links is not None:
        row = link_row_of(found.part.accelerator or "")
        kind = next((kind for kind in constants.links().links if kind.name == links.name), None)
        if row is not None:
            yield ledger.constant("scale_up_bytes_per_s", links.bytes_per_s, "bytes/s", row)
            yield ledger.constant("scale_up_clock_hz", row.clock_hz, "Hz", row)
        if kind is not None:
            yield ledger.constant("scale_up_ring_ratio", links.ring_ratio, "1", kind)
            yield ledger.constant("scale_up_step_ratio", kind.step_ratio, "1", kind)
            if links.in_network_ratio is not None:
                yield ledger.constant("scale_up_in_network_ratio", links.in_network_ratio, "1", kind)
    yield from _constants(ledger, (*PUBLISHED, *FITTED))


def _between(ledger: Ledger, found: OnFabric) -> Iterator[Figure]:
    """The network between domains."""
    group, name = found.group, f"fabric.{found.fabric.name}"
    yield ledger.given("domains", group.domains, "1", source="ranks / ranks of a domain, rounded up")
    source = f"{found.ports} ports of one {found.part.name} × accelerators of a domain / its own"
    yield ledger.given("ports_of_a_domain", group.nics_per_domain, "1", source=source)
    yield ledger.figures[f"{name}.link_bits_per_s"]
    oversubscription = "product over the tiers of the fabric as built"
    yield ledger.given("oversubscription_of_all_tiers", group.oversubscription, "1", source=oversubscription)
    yield ledger.given("switches_between_domains", group.hops, "1", source="longest shortest path of the fabric")
    wire = constants.transport()
    yield ledger.constant("switch_s", wire.switch_s.value, "s", wire.switch_s)
    overhead = wire.protocols[group.protocol].overhead_s
    yield ledger.constant(f"{group.protocol}_overhead_s", overhead.value, "s", overhead)


def _constants(ledger: Ledger, names: tuple[str, ...]) -> list[Figure]:
    return [ledger.constant(f"collectives_{n}", (row := _constant(n)).value, _unit(row), row) for n in names]


def _constant(name: str) -> Constant:
    found: Constant = getattr(constants.fitted() if name in FITTED else constants.collectives(), name)
    return found


def _unit(row: Constant) -> str:
    return "1" if row.unit == "ratio" else row.unit
