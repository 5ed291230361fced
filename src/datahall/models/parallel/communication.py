"""The accelerators that a plan runs on, which of them form each of its groups, and how long these groups exchange data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from datahall.foundation.errors import Missing, Problem
from datahall.models.parallel.device import Device, device_of
from datahall.models.parallel.dispatch import dispatch_s
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.states import expert_shard_of
from datahall.models.parallel.tiers import Tier, Traffic, Way, way_of
from datahall.network.collectives import Group, ScaleUp, scale_up_of, time_s

Axis = Literal[
    "tensor", "context", "expert", "shard", "replica", "gradient", "expert_shard", "expert_replica", "expert_gradient",
    "pipeline",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cluster:
    """Accelerators of one kind in scale-up domains, and the network between the domains."""

    device: Device
    per_domain: int
    """Accelerators that one scale-up domain joins: 8 in a server, 72 in an NVL72 rack."""
    nic_bytes_per_s: float
    """Line rate into the network, one direction: of the node's ports, each accelerator's share."""
    scale_up: ScaleUp | None
    """None only where a domain is one accelerator."""
    oversubscription: float = 1.0
    hops: int = 1
    distance_m: float = 0.0
    protocol: str = "infiniband"
    in_network_reduction: bool = False
    tiers: tuple[Tier, ...] = ()
    """Of the network, from the inside; the last holds all. Without them every group that leaves a domain goes the whole way."""
    packed: bool = True
    """Whether neighbours in the plan are neighbours on the fabric; if not, every flow that leaves a domain may go anywhere."""

    def way(self, ranks: int, *, stride: int, traffic: Traffic = "neighbours") -> Way:
        """How far a group's flows go, and what of the network's narrowness they feel."""
        if ranks * stride <= self.per_domain or ranks == 1:
            return Way("domain", 1.0, 0)
        if not self.tiers or not self.packed:
            return Way(self.tiers[-1].name if self.tiers else "network", self.oversubscription, self.hops)
        return way_of(self.tiers, ranks=ranks, stride=stride, per_domain=self.per_domain, traffic=traffic)

    def group(self, ranks: int, *, stride: int, traffic: Traffic = "neighbours", row: int | None = None) -> Group:
        """`ranks` accelerators, each `stride` after the last; groups side by side share the ports of their domain evenly.

        row: of which longer row they are a part, where the slowest part of that row sets the pace.
        """
        within = max(1, min(ranks, self.per_domain // stride))
        way = self.way(row or ranks, stride=stride, traffic=traffic)
        return Group(
            ranks=ranks,
            ranks_per_domain=within,
            scale_up=self.scale_up,
            nics_per_domain=within,
            nic_bytes_per_s=self.nic_bytes_per_s,
            oversubscription=way.oversubscription,
            hops=way.hops,
            distance_m=self.distance_m,
            protocol=self.protocol,
            in_network_reduction=self.in_network_reduction,
        )


def cluster_of(
    accelerator: str,
    *,
    nic_bytes_per_s: float,
    per_domain: int | None = None,
    oversubscription: float = 1.0,
    hops: int = 1,
    distance_m: float = 0.0,
    protocol: str = "infiniband",
    tiers: tuple[Tier, ...] = (),
) -> Cluster:
    """A cluster of a catalogued accelerator; `per_domain` as its links usually join them, where it is not given.

    Raises Missing: KERN-001 where the accelerator is unknown, STEP-002 where its links are.
    """
    device, found = device_of(accelerator), scale_up_of(accelerator)
    if found is None and per_domain != 1:
        what = f"the links between several {device.name} are not known"
        fix = "set per_domain to 1, or add a row to network/constants/links.yaml"
        raise Missing(Problem("STEP-002", "accelerator", what, fix))
    links, usual = found or (None, 1)
    domain = per_domain or usual
    return Cluster(
        device, domain, nic_bytes_per_s, links, oversubscription, hops, distance_m, protocol, tiers=tiers
    )  # fmt: skip


def passing(group: Group) -> float:
    """Bytes/s that pass each rank of a ring; 0 for one rank, which exchanges nothing."""
    return min(group.ring_bytes_per_s, group.network_bytes_per_s) if group.ranks > 1 else 0.0


def apart(inside: Group, outside: Group) -> bool:
    """Whether one group stays within domains and the other leaves them."""
    return inside.domains == 1 < outside.domains


@dataclass(frozen=True)
class Exchange:
    """The groups of one plan on one cluster.

    Tensor ranks are neighbours, then context, then data, pipeline stages outermost: the order of Megatron-LM.
    Source: Narayanan et al., doi:10.1145/3458817.3476209, section 3.
    """

    groups: Mapping[Axis, Group]

    def s(self, axis: Axis, collective: str, size_bytes: float) -> float:
        """Seconds of one collective; 0 for one rank, or where nothing is sent. Sizes as `network.collectives.time_s`."""
        group = self.groups[axis]
        return time_s(collective, size_bytes, group) if group.ranks > 1 and size_bytes > 0 else 0.0

    def bytes_per_s(self, axis: Axis) -> Any:
        """That pass each rank while its group exchanges along a ring: the slower of links and ports."""
        return passing(self.groups[axis])

    def apart(self, inside: Axis, outside: Axis) -> Any:
        """Whether one axis exchanges over links within a domain while the other waits for ports into the network."""
        return apart(self.groups[inside], self.groups[outside])

    def dispatch_s(self, tokens: Any, **sent: Any) -> Any:
        """Seconds that tokens take to the ranks of their experts; sent: what `dispatch.dispatch_s` takes."""
        return dispatch_s(self.groups["expert"], tokens, **sent)


@dataclass(frozen=True, slots=True)
class Row:
    """Ranks that exchange, each `stride` accelerators after the last."""

    ranks: int
    stride: int
    traffic: Traffic = "neighbours"
    of: int | None = None
    """Length of the row that they are a part of, where its slowest part sets the pace."""


def exchange_of(plan: TrainPlan, cluster: Cluster) -> Exchange:
    """Each group of the plan where it sits."""
    rows = rows_of(plan, cluster)
    return Exchange(
        {axis: cluster.group(row.ranks, stride=row.stride, traffic=row.traffic, row=row.of) for axis, row in rows.items()}
    )


def ways_of(plan: TrainPlan, cluster: Cluster) -> list[tuple[Axis, int, Way]]:
    """How far the groups of more than one rank go: axis, ranks, way."""
    return [
        (axis, row.of or row.ranks, cluster.way(row.of or row.ranks, stride=row.stride, traffic=row.traffic))
        for axis, row in rows_of(plan, cluster).items()
        if (row.of or row.ranks) > 1
    ]


def rows_of(plan: TrainPlan, cluster: Cluster) -> dict[Axis, Row]:
    """The groups of a plan.

    gradient: all ranks that hold the same weights. shard: those of them that ZeRO shards over. replica: one of each shard.
    expert_gradient, expert_shard, expert_replica: the same of those that hold the same experts.
    """
    across = plan.context * plan.data
    shard = min(plan.shard or across, across)
    stage, split = plan.tensor * across, plan.expert_split
    held, alike, apart = stage // split // plan.expert, int(expert_shard_of(plan, shard)), split * plan.expert
    return {
        "tensor": Row(plan.tensor, 1),
        "context": Row(plan.context, plan.tensor),
        "expert": Row(plan.expert, split, "all"),
        "gradient": Row(across, plan.tensor),
        "expert_gradient": Row(held, apart),
        "expert_shard": Row(alike, apart),
        "expert_replica": Row(max(1, held // alike), apart * alike),
        "shard": Row(shard, plan.tensor),
        "replica": Row(max(1, across // shard), plan.tensor * shard),
        # Two neighbours of the pipeline; whether they share a domain, the whole row of stages decides.
        "pipeline": Row(min(2, plan.pipeline), _apart(plan, stage, cluster), of=plan.pipeline),
    }


def _apart(plan: TrainPlan, stage: int, cluster: Cluster) -> int:
    """Distance between neighbouring stages; a domain, once one of the hops leaves it: the slowest hop sets the pace."""
    return stage if plan.pipeline * stage <= cluster.per_domain else max(stage, cluster.per_domain)
