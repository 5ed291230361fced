"""The fabrics as built: switches, links, power, price, and how fast collectives would be on them."""

from dataclasses import dataclass

from datahall.foundation.readable import with_unit
from datahall.foundation.units import bytes_text
from datahall.infrastructure.catalog.rows import accelerator_rows
from datahall.infrastructure.cost import Purchase
from datahall.network.collectives.group import Group
from datahall.network.collectives.hall import hall_group, speeds
from datahall.network.fabric import FabricBuild, build
from datahall.network.fabric.bisection import bisection_of
from datahall.network.fabric.demand import demand_of
from datahall.network.fabric.survival import survival_of
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger


@dataclass(frozen=True)
class Network:
    """Every fabric of a hall."""

    builds: tuple[FabricBuild, ...]
    group: Group | None
    """All accelerators of the most numerous kind on the first compute fabric; None where their links are not known."""
    not_placed_w: float
    """Draw of switches and optics that stand in no rack of the file, W."""
    purchases: tuple[Purchase, ...]
    lines: tuple[str, ...]


def add_network(ledger: Ledger) -> Network:
    """Figures of all fabrics."""
    estate, fabrics = ledger.loaded.estate, ledger.loaded.hall.fabrics
    builds = []
    for index, fabric in enumerate(fabrics):
        asked = demand_of(fabric, estate)
        where = ledger.loaded.document.where(("fabrics", index))
        builds.append(
            build(
                fabric,
                servers=asked.servers,
                endpoints_per_server=asked.endpoints_per_server,
                catalogue=ledger.loaded.network,
                where=where,
            )
        )
    found = tuple(builds)
    standing = {name: count for name, (_, count) in estate.devices.items()}
    unplaced = [_add_fabric(ledger, fabric, standing) for fabric in found]
    not_placed_w = sum(figure.value for figure in unplaced)
    if not_placed_w:
        ledger.computed(
            "network_power_not_placed_w",
            not_placed_w,
            "W",
            formula="Σ switches and optics in no rack of the file",
            inputs=unplaced,
            about="shared over all racks by their peak",
        )
        ledger.assume(
            "racks[].contents", "switches that stand in no rack draw from the racks' feeds, in proportion to their peak"
        )
    _say_what_is_unverified(ledger, found)
    group = _group(ledger, found)
    lines = tuple(line for fabric in found for line in _lines(fabric))
    return Network(found, group, not_placed_w, tuple(_purchases(found)), (*lines, *_speed_lines(ledger, group)))


def _group(ledger: Ledger, builds: tuple[FabricBuild, ...]) -> Group | None:
    """What a collective over the whole hall runs on."""
    fabric = next((found for found in builds if found.fabric.purpose == "compute"), None)
    servers = [(count, part) for part, count in ledger.loaded.estate.servers.values() if part.accelerators and part.accelerator]
    if fabric is None or not servers:
        return None
    count, part = max(servers, key=lambda found: found[0] * found[1].accelerators)
    row = next((row for row in accelerator_rows() if row.name == part.accelerator), None)
    if row is None:
        return None
    return hall_group(
        row.name,
        accelerators=count * part.accelerators,
        per_domain=part.scale_up_domain or part.accelerators,
        ports_per_domain=fabric.endpoints_per_server * max(1, (part.scale_up_domain or part.accelerators) // part.accelerators),
        port_bits_per_s=fabric.link_bits_per_s,
        oversubscription=max([1.0, *fabric.oversubscription.values()]),
        hops=fabric.diameter,
        protocol=fabric.fabric.protocol,
    )


def _speed_lines(ledger: Ledger, group: Group | None) -> list[str]:
    """All-reduce in the scale-up domain and over the whole fabric."""
    if group is None:
        return []
    texts: dict[str, list[str]] = {}
    for speed in speeds(group):
        name = f"all_reduce_{speed.scope.replace(' ', '_')}_{int(speed.size_bytes)}_s"
        ledger.given(
            name,
            speed.estimate.seconds,
            "s",
            source=f"{speed.estimate.algorithm}; limit: {speed.estimate.limit}",
            about=f"all-reduce of {bytes_text(speed.size_bytes)} in the {speed.scope}",
        )
        busbw = with_unit(speed.estimate.busbw_bytes_per_s, "bytes/s")
        texts.setdefault(speed.scope, []).append(
            f"{bytes_text(speed.size_bytes)} {with_unit(speed.estimate.seconds, 's')} ({busbw})"
        )
    return [f"all-reduce in the {scope}: {', '.join(parts)}" for scope, parts in texts.items()]


def _add_fabric(ledger: Ledger, fabric: FabricBuild, standing: dict[str, int]) -> Figure:
    """standing: switches in racks by part, less those that fabrics before this one took."""
    name = fabric.name.replace("-", "_").replace(".", "_")
    switch = ledger.looked_up(f"{name}_power_of_one_switch_w", fabric.switch.peak_power_w, "W", fabric.switch)
    tiers = [
        ledger.computed(
            f"{name}_{tier.name}_switches",
            tier.switches,
            "1",
            formula="closed form of the topology",
            inputs=(),
            about=f"{tier.name} switches",
            source=f"fabric {fabric.name}: {fabric.fabric.topology}",
        )
        for tier in fabric.tiers
    ]
    switches = ledger.computed(f"{name}_switches", fabric.switches, "1", formula="Σ tiers", inputs=tiers, about="switches")
    ledger.computed(f"{name}_links", fabric.links, "1", formula="Σ bundles", inputs=tiers, about="links at line rate")
    power = ledger.computed(
        f"{name}_power_w",
        fabric.power_w,
        "W",
        formula="switches × bare power + optics",
        inputs=[switches, switch],
        about=f"fabric {fabric.name}, optics included",
    )
    placed = min(standing.get(fabric.switch.name, 0), fabric.switches)
    standing[fabric.switch.name] = standing.get(fabric.switch.name, 0) - placed
    placed_w = placed * fabric.switch.peak_power_w
    return ledger.computed(
        f"{name}_power_not_placed_w",
        max(0.0, fabric.power_w - placed_w),
        "W",
        inputs=[power],
        formula="power − switches in racks × peak power of one",
        about="draw that no rack of the file has",
    )


def _say_what_is_unverified(ledger: Ledger, builds: tuple[FabricBuild, ...]) -> None:
    parts = {piece.part.name: piece.part for fabric in builds for piece in fabric.pieces if piece.part.checked == "unverified"}
    for part in parts.values():
        ledger.assume("catalog", part.cited)


def _purchases(builds: tuple[FabricBuild, ...]) -> list[Purchase]:
    """What is bought, each part of a fabric once, whatever links it is for."""
    bought: dict[tuple[str, str], Purchase] = {}
    for fabric in builds:
        for line in fabric.bill:
            declare, source = f"a price in a catalogue row {line.part}", f"catalogue row {line.part}"
            before = bought.get((fabric.name, line.part))
            count = line.count + (before.count if before else 0)
            bought[fabric.name, line.part] = Purchase(f"{fabric.name}: {line.part}", count, line.price, declare, source=source)
    return list(bought.values())


def _lines(fabric: FabricBuild) -> list[str]:
    tiers = " + ".join(f"{tier.switches:,} {tier.name}" for tier in fabric.tiers)
    over = ", ".join(f"{name} {ratio:.3g}:1" for name, ratio in fabric.oversubscription.items()) or "no uplinks"
    rate = f"{fabric.link_bits_per_s / 1e9:g} Gbit/s"
    cut, lost = bisection_of(fabric), survival_of(fabric)
    what = f"{fabric.name}: {fabric.fabric.topology.replace('_', ' ')}, {fabric.endpoints:,} ports at {rate}, {tiers}"
    half = f"bisection {with_unit(cut.bits_per_s, 'bit/s')} ({cut.ratio:.0%})"
    fails = f"worst single loss: {lost.witness}"
    return [f"{what}, {fabric.links:,} links, {over}, {half}, {fabric.power_w / 1e3:,.1f} kW; {fails}"]
