"""How many ways lead from leaf to leaf, how evenly flows spread over them, and how long one message takes."""

import numpy as np

from datahall.foundation.readable import with_unit
from datahall.foundation.units import bytes_text
from datahall.network import constants
from datahall.network.constants.read import Constant
from datahall.network.fabric import FabricBuild
from datahall.network.fabric.graph import graph_of
from datahall.network.fabric.paths import busiest_path_flows, shortest_paths
from datahall.network.transport import goodput_bytes_per_s, message_s, wire_bytes
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger

SIZES_BYTES = (4 << 10, 1 << 20, 64 << 20)
HASHED = frozenset({"tcp", "roce_v2"})
"""Protocols whose flows keep to one path that a hash chooses; InfiniBand's subnet manager or adaptive routing spreads them."""
FORMULA = "overhead + switches × switch + distance × fibre + bytes on the wire / link rate"


def add_messages(ledger: Ledger, builds: tuple[FabricBuild, ...]) -> tuple[str, ...]:
    """Paths and messages of each fabric as figures, and in one line each."""
    return tuple(f"{fabric.name}: {_paths(ledger, fabric)}{_messages(ledger, fabric)}" for fabric in builds)


def _paths(ledger: Ledger, fabric: FabricBuild) -> str:
    found = paths_between_leaves(fabric)
    if found is None:
        return ""
    name = f"fabric.{fabric.name}"
    links = [ledger.figures[f"{name}.{bundle.name}_links"] for bundle in fabric.bundles if not bundle.to_servers]
    about = "shortest paths between the two leaves that have the fewest, told apart by their switches"
    paths = ledger.computed(
        f"{name}.paths_between_leaves",
        found,
        "1",
        formula="counted in the graph",
        inputs=links or [ledger.figures[f"{name}.links"]],
        about=about,
    )
    text = f"{found:,} shortest path{'s' if found > 1 else ''} between leaves; "
    return text + (_hashed(ledger, fabric, paths) if found > 1 and fabric.fabric.protocol in HASHED else "")


def paths_between_leaves(fabric: FabricBuild) -> int | None:
    """Fewest shortest paths from the first leaf to another that it reaches; None where there is no other."""
    graph = graph_of(fabric)
    distance, paths = shortest_paths(graph, 0)
    leaves = np.arange(graph.nodes) < graph.tiers[0][1]
    others = leaves & (distance > 0)
    return int(paths[others].min()) if others.any() else None


def _hashed(ledger: Ledger, fabric: FabricBuild, paths: Figure) -> str:
    """What hashing leaves: each endpoint of a full leaf sends one flow."""
    name = f"fabric.{fabric.name}"
    count = int(np.bincount(graph_of(fabric).leaf.ravel()).max())
    flows = ledger.given(f"{name}.flows_of_a_leaf", count, "1", source="one flow of each port of the fullest leaf")
    busiest = busiest_path_flows(count, int(paths.value))
    ratio = busiest * paths.value / count
    ledger.computed(
        f"{name}.busiest_path_ratio",
        ratio,
        "1",
        formula="expected maximum of flows thrown at random on paths / (flows / paths)",
        inputs=[flows, paths],
        about="load of the busiest path over its fair share, as ECMP hashing leaves it",
        source="Raab and Steger, RANDOM 1998, doi:10.1007/3-540-49543-6_13",
    )
    return f"ECMP: of {count:,} flows the busiest path takes {busiest:.1f}, {ratio:.2f} × its share; "


def _messages(ledger: Ledger, fabric: FabricBuild) -> str:
    protocol, link = fabric.fabric.protocol, fabric.link_bits_per_s / 8
    hops, distance_m = fabric.diameter, _distance_m(fabric)
    parts = []
    for size in SIZES_BYTES:
        seconds = float(message_s(size, protocol=protocol, link_bytes_per_s=link, hops=hops, distance_m=distance_m))
        rate = goodput_bytes_per_s(size, protocol=protocol, link_bytes_per_s=link, hops=hops, distance_m=distance_m)
        ledger.computed(
            f"fabric.{fabric.name}.message_{size}_s",
            seconds,
            "s",
            formula=FORMULA,
            inputs=_inputs(ledger, fabric, size, distance_m),
            about=f"a message of {bytes_text(size)} over {hops} switches",
        )
        parts.append(f"{bytes_text(size)} {with_unit(seconds, 's')} ({with_unit(float(rate), 'bytes/s')})")
    return f"{protocol} over {hops} switch{'es' if hops > 1 else ''}: {', '.join(parts)}"


def _distance_m(fabric: FabricBuild) -> float:
    """Cable from server to server, as far as lengths are declared."""
    spec = fabric.fabric
    return 2 * (spec.cable_length_m or 0.0) + max(0, fabric.diameter - 1) * (spec.uplink_length_m or 0.0)


def _inputs(ledger: Ledger, fabric: FabricBuild, size: int, distance_m: float) -> list[Figure]:
    name, wire, protocol = f"fabric.{fabric.name}", constants.transport(), fabric.fabric.protocol
    row = wire.protocols[protocol]
    on_wire = float(wire_bytes(size, protocol=protocol))
    source = f"{size} B and {row.header_bytes.value:g} B of headers for each packet: {row.header_bytes.source}"
    return [
        _cited(ledger, f"{protocol}_overhead_s", row.overhead_s),
        ledger.given(f"{name}.switches_on_the_way", fabric.diameter, "1", source="longest shortest path of the fabric"),
        _cited(ledger, "switch_s", wire.switch_s),
        ledger.given(
            f"{name}.cable_on_the_way_m", distance_m, "m", source="cable_length_m and uplink_length_m, where declared"
        ),
        _cited(ledger, "fibre_s_per_m", wire.fibre_s_per_m),
        ledger.given(f"{protocol}_{size}_on_the_wire_bytes", on_wire, "B", source=source),
        ledger.figures[f"{name}.link_bits_per_s"],
    ]


def _cited(ledger: Ledger, name: str, row: Constant) -> Figure:
    return ledger.constant(name, row.value, "1" if row.unit == "ratio" else row.unit, row)
