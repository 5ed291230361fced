"""The fabrics as built: switches, links, power, price, and how fast collectives and messages would be on them."""

from collections.abc import Mapping
from dataclasses import dataclass

from datahall.foundation.readable import with_unit
from datahall.infrastructure.cost import Purchase
from datahall.infrastructure.cost.bill import device_purchases
from datahall.network.collectives.group import Group
from datahall.network.fabric import FabricBuild
from datahall.network.fabric.bisection import bisection_of
from datahall.network.fabric.demand import HallDemand, demand_of
from datahall.network.fabric.survival import survival_of
from datahall.network.switches import placed_of, standing_in
from datahall.planner.ledger import Ledger
from datahall.planner.sections.collectives import add_all_reduce, group_of
from datahall.planner.sections.fabrics import add_fabric


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
    """Figures of all fabrics, and what is bought for them."""
    builds = ledger.loaded.fabrics
    placed = placed_of(builds, standing_in(ledger.loaded.estate))
    not_placed_w = _add_fabrics(ledger, placed)
    _say_what_is_assumed(ledger, builds)
    asked = {fabric.name: demand_of(fabric.fabric, ledger.loaded.estate) for fabric in builds}
    _say_what_is_mixed(ledger, asked)
    found = group_of(ledger, builds)
    lines = [line for fabric in builds for line in _lines(fabric, is_mixed=asked[fabric.name].is_mixed)]
    if found is not None:
        lines += add_all_reduce(ledger, found)
    purchases = [*_purchases(builds), *device_purchases(ledger.loaded.estate, _billed(builds, placed))]
    return Network(builds, found.group if found else None, not_placed_w, tuple(purchases), tuple(lines))


def _add_fabrics(ledger: Ledger, placed: tuple[int, ...]) -> float:
    """Gives what is not placed, W."""
    found = zip(ledger.loaded.fabrics, placed, strict=True)
    unplaced = [add_fabric(ledger, index, fabric, count) for index, (fabric, count) in enumerate(found)]
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
    return not_placed_w


def _say_what_is_assumed(ledger: Ledger, builds: tuple[FabricBuild, ...]) -> None:
    if builds:
        ledger.assume("fabrics", "switches draw the same at any load: what they and the optics in them are built for")
    parts = {piece.part.name: piece.part for fabric in builds for piece in fabric.pieces if piece.part.checked == "unverified"}
    for part in parts.values():
        ledger.assume("catalog", part.cited)


def _say_what_is_mixed(ledger: Ledger, asked: Mapping[str, HallDemand]) -> None:
    for name, demand in asked.items():
        if demand.is_mixed:
            parts, each = ", ".join(demand.parts), demand.endpoints_per_server
            ledger.assume(
                f"fabrics.{name}.server_parts",
                f"{parts} differ in ports: counted as {demand.servers:,} servers with {each} ports each, "
                "so how many servers a leaf cuts off is not told",
            )


def _billed(builds: tuple[FabricBuild, ...], placed: tuple[int, ...]) -> dict[str, int]:
    """Switches in racks that a fabric's bill has, by part."""
    billed = dict[str, int]()
    for fabric, count in zip(builds, placed, strict=True):
        billed[fabric.switch.name] = billed.get(fabric.switch.name, 0) + count
    return billed


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


def _lines(fabric: FabricBuild, *, is_mixed: bool) -> list[str]:
    tiers = " + ".join(f"{tier.switches:,} {tier.name}" for tier in fabric.tiers)
    over = ", ".join(f"{name} {ratio:.3g}:1" for name, ratio in fabric.oversubscription.items()) or "no uplinks"
    rate = f"{fabric.link_bits_per_s / 1e9:g} Gbit/s"
    cut, lost = bisection_of(fabric), survival_of(fabric)
    what = f"{fabric.name}: {fabric.fabric.topology.replace('_', ' ')}, {fabric.endpoints:,} ports at {rate}, {tiers}"
    half = f"bisection {with_unit(cut.bits_per_s, 'bit/s')} ({cut.ratio:.0%})"
    # Servers whose ports differ were counted in pieces of the same size: a piece that is cut off is no server.
    fails = "worst single loss: " + (lost.witness.partition(", ")[0] if is_mixed else lost.witness)
    return [f"{what}, {fabric.links:,} links, {over}, {half}, {fabric.power_w / 1e3:,.1f} kW; {fails}"]
