"""Component tables of NVIDIA's DGX SuperPOD reference architectures: switches and cables by number of systems."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from datahall.infrastructure.spec import Fabric, FatTree, RailOptimised
from datahall.network.fabric.counts import Counts, counts_of
from datahall.network.fabric.wiring import DoesNotFitError
from datahall.planner.validation.cells import count, lines, named, said, why_no_count
from datahall.planner.validation.rows import ValidationRow

Join = Literal["auto", "spine", "planes", "core"]
COLUMNS = ("gpus", "leaf", "spine", "core", "node_leaf_cables", "leaf_spine_cables", "spine_core_cables")

LARGEST_RADIX = 4096


@dataclass(frozen=True, slots=True)
class Generation:
    """How one generation of SuperPOD is built; what its table decides and the rule alone does not."""

    word: str
    """Looked for in the name of the system."""
    servers_per_unit: int | None
    manager_links: int
    join: Join
    """Beyond one two-tier Clos."""


GENERATIONS = (
    Generation("GB", None, 0, "auto"),
    # The first two build for 32 systems a unit and give one of the slots of the last to the fabric manager (Table 4 of the
    # H100 architecture); its four links are in the column of cables to leaves.
    Generation("H100", 32, 4, "core"),
    Generation("H200", 32, 4, "core"),
    Generation("A100", 20, 0, "core"),
    # "3-tier from 16 SU": table of the B200 architecture.
    Generation("B200", 32, 0, "core"),
    # Two tiers to the end of the table, beyond what one Clos holds: each rail is a Clos of its own (Table 3 of both).
    Generation("B300", None, 0, "planes"),
    Generation("XDR", None, 0, "planes"),
)


def superpod_rows(row: Mapping[str, Any]) -> list[ValidationRow]:
    """Each count of one row. Rows of systems that are not known take the rule with `auto`."""
    name = named(row, "system", "su", "nodes")
    name = name.replace(f", {said(row, 'su')}, ", f", {said(row, 'su')} SU, ") + " nodes"
    radix, nodes = count(row, "switch_radix"), count(row, "nodes")
    if radix is None or nodes is None:
        return _unknown(row, name, why_no_count(row, "switch_radix", "nodes"))
    if not 2 <= radix <= LARGEST_RADIX:
        return _unknown(row, name, f"no switch has {radix:,} ports")
    ports = ports_of(row, nodes)
    if ports is None:
        return _unknown(row, name, "neither GPUs nor cables over nodes is a whole number, so ports of a node are not known")
    try:
        counted = superpod_counts(said(row, "system"), radix=radix, nodes=nodes, ports=ports, units=count(row, "su"))
    except DoesNotFitError as error:
        return _unknown(row, name, error.problem.what)
    return lines(row, name, _ours(counted), notes=_contradiction(row, nodes, ports))


def superpod_counts(system: str, *, radix: int, nodes: int, ports: int, units: int | None) -> Counts:
    """Switches and cables of a SuperPOD. units: scalable units, where the table says how many.

    Raises DoesNotFitError where no such fabric can be built.
    """
    generation = next((g for g in GENERATIONS if g.word in system.upper()), None)
    common = {"name": "superpod", "protocol": "infiniband", "switch": "any", "link_bits_per_s": 1}
    if generation is None or generation.word == "GB":
        return counts_of(_unnamed(nodes * ports, radix, ports, common), servers=nodes, endpoints_per_server=ports, radix=radix)
    per_unit = generation.servers_per_unit or (ceil(nodes / units) if units else None)
    # A table that fills every slot has its fabric manager elsewhere.
    managers = generation.manager_links if per_unit and nodes % per_unit else 0
    fits_one = (nodes * ports + managers) <= radix * (radix // 2)
    join: Join = "spine" if fits_one and (per_unit is None or _unit_fits(nodes, per_unit, ports, radix)) else generation.join
    fabric = RailOptimised(
        topology="rail_optimised", rails=ports, join=join, servers_per_unit=per_unit, manager_links=managers, **common
    )
    return counts_of(fabric, servers=nodes, endpoints_per_server=ports, radix=radix)


def _unnamed(endpoints: int, radix: int, ports: int, common: dict[str, Any]) -> Fabric:
    """The rule alone: one two-tier Clos while it holds all, then what `auto` takes."""
    if ceil(endpoints / (radix // 2)) <= radix:
        return FatTree(topology="fat_tree", tiers=2, **common)
    return RailOptimised(topology="rail_optimised", rails=ports, **common)


def _unit_fits(nodes: int, per_unit: int, ports: int, radix: int) -> bool:
    leaves = ceil(nodes / per_unit) * ceil(per_unit / (radix // 2)) * ports
    return leaves <= radix


def ports_of(row: Mapping[str, Any], nodes: int) -> int | None:
    """Fabric ports of a node: 8 in a DGX with eight GPUs, else what the row's own counts say; None where they do not."""
    system = said(row, "system").upper()
    if ("DGX" in system or "HGX" in system) and "GB" not in system:
        return 8
    for column in ("gpus", "node_leaf_cables"):
        total = count(row, column)
        if total is not None and total % nodes == 0 and total // nodes <= 72:
            return total // nodes
    return None


def _ours(counted: Counts) -> dict[str, float | None]:
    values = (
        counted.demand.endpoints,
        counted.switches_of("leaf"),
        counted.switches_of("spine"),
        counted.switches_of("core"),
        counted.links_of("server-leaf", "manager-leaf"),
        counted.links_of("leaf-spine"),
        counted.links_of("spine-core"),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _contradiction(row: Mapping[str, Any], nodes: int, ports: int) -> dict[str, str]:
    """A row whose GPUs are not its nodes times eight, where its own cables say that they are."""
    gpus, cables = count(row, "gpus"), count(row, "node_leaf_cables")
    if gpus is None or gpus == nodes * ports or cables is None or not nodes * ports <= cables < (nodes + 1) * ports:
        return {}
    why = f"the row contradicts itself: it prints {gpus} GPUs, but {nodes} nodes x {ports} = {nodes * ports}, "
    return {"gpus": f"{why}as its {cables} cables to leaves say"}


def _unknown(row: Mapping[str, Any], name: str, why: str) -> list[ValidationRow]:
    return lines(row, name, dict.fromkeys(COLUMNS), notes={"": why})
