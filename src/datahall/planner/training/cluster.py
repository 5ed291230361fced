"""The accelerators of a hall that a run may take, and the network between them as the hall has it."""

from dataclasses import dataclass, replace

import numpy as np

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.catalog.rows import accelerator_rows, row_for
from datahall.infrastructure.spec import Node
from datahall.models.parallel.communication import Cluster, cluster_of
from datahall.models.parallel.correction import Correction, corrected
from datahall.models.parallel.device import device_of
from datahall.models.parallel.tiers import Tier
from datahall.network.fabric import FabricBuild
from datahall.network.fabric.clos import Clos
from datahall.network.fabric.demand import parts_on, ports_of
from datahall.network.fabric.direct import DragonflySize
from datahall.network.fabric.placement import leaves_of
from datahall.planner.load import Loaded
from datahall.planner.training.result import Ports


@dataclass(frozen=True, slots=True)
class Kind:
    """Accelerators of one kind, in servers of one kind."""

    accelerator: str
    """Row of the catalogue, or what a machine calls it where no row is known."""
    count: int
    servers: int
    part: ServerPart | None
    """None for machines outside of racks."""
    nodes: tuple[Node, ...] = ()

    @property
    def per_server(self) -> int:
        return max(1, self.count // self.servers)

    @property
    def per_domain(self) -> int:
        """Accelerators that one scale-up domain joins, as the server's row says."""
        return (self.part.scale_up_domain if self.part else None) or self.per_server

    @property
    def domains(self) -> int:
        return -(-self.count // self.per_domain)

    @property
    def peak_flop_per_s(self) -> float:
        """Dense bf16, of all together; 0 where it is not known."""
        row = row_for(self.accelerator, accelerator_rows())
        return self.count * ((row.bf16_flop_per_s if row else None) or 0.0)


@dataclass(frozen=True)
class Chosen:
    """What a run runs on."""

    kind: Kind
    ports: Ports
    cluster: Cluster
    build: FabricBuild | None
    """The compute fabric; None within one domain."""


def kinds_of(loaded: Loaded) -> list[Kind]:
    """Accelerators of the hall by kind of server, the highest peak together first."""
    estate = loaded.estate
    found = [
        Kind(part.accelerator, count * part.accelerators, count, part)
        for part, count in estate.servers.values()
        if part.accelerators and part.accelerator and count
    ]
    models: dict[str, list[Node]] = {}
    for node in estate.nodes:
        for model in {accelerator.model for accelerator in node.accelerators}:
            models.setdefault(model, []).append(node)
    for model, nodes in models.items():
        count = sum(accelerator.model == model for node in nodes for accelerator in node.accelerators)
        row = row_for(model, accelerator_rows())
        found.append(Kind(row.name if row else model, count, len(nodes), None, tuple(nodes)))
    return sorted(found, key=lambda kind: -kind.peak_flop_per_s)


def kind_of(loaded: Loaded, accelerator: str | None = None) -> Kind:
    """The kind that a run takes. Raises Refused, TRAIN-001, in a hall without any; Missing, TRAIN-002, for another kind."""
    found = kinds_of(loaded)
    if not found:
        where = loaded.document.source
        what = f"{loaded.hall.name} has no accelerators, and the predictor knows no training on processors"
        raise Refused(Problem("TRAIN-001", where, what, "plan the run on a hall with servers that have accelerators"))
    if accelerator is None:
        return found[0]
    names = {kind.accelerator: kind for kind in reversed(found)}
    row = row_for(accelerator, accelerator_rows())
    kind = names.get(accelerator) or (names.get(row.name) if row else None)
    if kind is None:
        what = f"{loaded.hall.name} has no {accelerator[:80]}; it has {', '.join(kind.accelerator for kind in found)}"
        raise Missing(Problem("TRAIN-002", "train.accelerator", what, near(accelerator[:80], names)))
    return kind


def chosen_of(loaded: Loaded, kind: Kind, accelerators: int, *, packed: bool = True) -> Chosen:
    """The cluster of so many accelerators of a kind, first servers first; packed: as `Cluster` has it.

    Raises Missing where the catalogue lacks facts of the accelerator or of its links (KERN-001, STEP-002), Refused where they
    stand in several domains and no compute fabric joins them (TRAIN-004).
    """
    device_of(kind.accelerator)
    domain = _used_domain(kind, accelerators)
    build = fabric_of(loaded, kind)
    port = _nic_bytes_per_s(kind, build)
    if accelerators > domain and not port:
        what = f"{accelerators} accelerators stand in several domains of {domain}, but no compute fabric with ports joins them"
        fix = f"declare a fabric with `purpose: compute` in the hall, or train on {domain} with --accelerators {domain}"
        raise Refused(Problem("TRAIN-004", f"{loaded.document.source} fabrics", what, fix))
    top = build.levels[-1] if build else None
    cluster = cluster_of(
        kind.accelerator,
        nic_bytes_per_s=port or 0.0,
        per_domain=min(domain, kind.count),
        oversubscription=1 / top.rate_ratio if top else 1.0,
        hops=top.switches if top else 1,
        protocol=build.fabric.protocol if build else "tcp",
        tiers=tiers_of(build, kind, domain) if build else (),
    )
    ports = _ports(loaded, kind, build, domain, port or 0.0)
    return Chosen(kind, ports, replace(cluster, packed=packed), build)


def _used_domain(kind: Kind, accelerators: int) -> int:
    """Accelerators that the run takes of each domain: a power of two of 72 where that is enough, as groups of a plan are."""
    even: int = 1 << (kind.per_domain.bit_length() - 1)
    return even if accelerators % even == 0 and accelerators <= kind.domains * even else kind.per_domain


def fabric_of(loaded: Loaded, kind: Kind) -> FabricBuild | None:
    """The first compute fabric on which servers of this kind have ports."""
    part = kind.part
    for build in loaded.fabrics:
        on = parts_on(build.fabric, loaded.estate)
        if part and build.fabric.purpose == "compute" and part.name in on and _ports_of(part, build):
            return build
    return None


def _ports_of(part: ServerPart, build: FabricBuild) -> int:
    return build.fabric.endpoints_per_server or ports_of(part, build.fabric)


def _nic_bytes_per_s(kind: Kind, build: FabricBuild | None) -> float | None:
    """Each accelerator's share of its server's ports, one direction; None without any."""
    if build is not None and kind.part is not None:
        return _ports_of(kind.part, build) * build.link_bits_per_s / 8 / kind.part.accelerators
    shares = [sum(nic.speed_bits_per_s or 0.0 for nic in node.nics) / 8 / len(node.accelerators) for node in kind.nodes]
    return min(shares, default=0.0) or None


def tiers_of(build: FabricBuild, kind: Kind, domain: int) -> tuple[Tier, ...]:
    """Accelerators below each level of the fabric: those whose servers share, port by port, the leaf, the pod, the plane."""
    leaf, wiring = leaves_of(build), build.wiring
    match wiring.shape:
        case Clos(leaves=leaves, pods=pods):
            sizes = {"leaf": 1, "pod": leaves, "plane": leaves * pods}
        case DragonflySize() as size:
            sizes = {"leaf": 1, "router": 1, "group": size.routers_per_group}
        case _:
            sizes = {}
    found = list[Tier]()
    for level in build.levels:
        circle = leaf // sizes[level.name] if level.name in sizes else np.zeros_like(leaf)
        outside = np.flatnonzero((circle != circle[0]).any(axis=1))
        servers = int(outside[0]) if outside.size else build.servers
        below = servers * kind.per_server * domain // kind.per_domain
        if below >= domain:
            found.append(Tier(level.name, below, max(1.0, 1 / level.rate_ratio), level.switches))
    return tuple(found) or (Tier("network", kind.count, max(1.0, 1 / build.levels[-1].rate_ratio), build.diameter),)


def _ports(loaded: Loaded, kind: Kind, build: FabricBuild | None, domain: int, port: float) -> Ports:
    others = [other for other in kinds_of(loaded) if other.accelerator != kind.accelerator]
    why = f"{kind.count:,} {kind.accelerator} in {kind.servers:,} server{'s' if kind.servers > 1 else ''}"
    why += f", the highest peak of {1 + len(others)} kinds" if others else ", all that there are"
    if domain != kind.per_domain:
        why += f"; of each domain of {kind.per_domain} the run takes {domain}, so that its groups divide it"
    return Ports(kind.accelerator, kind.count, domain, build.name if build else None, port, build.rails if build else 1, why)


def as_measured(cluster: Cluster, correction: Correction | None) -> Cluster:
    """The cluster as measured runs corrected it, where there were any."""
    return cluster if correction is None else corrected(cluster, correction)


def doubled_ports(cluster: Cluster) -> Cluster:
    """The same with twice the network of each accelerator."""
    return replace(cluster, nic_bytes_per_s=2 * cluster.nic_bytes_per_s)


def without_narrow_tiers(cluster: Cluster) -> Cluster:
    """The same where nothing narrows on the way up."""
    tiers = tuple(replace(tier, oversubscription=1.0) for tier in cluster.tiers)
    return replace(cluster, oversubscription=1.0, tiers=tiers)
