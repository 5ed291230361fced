"""Who takes part in a collective, and over what."""

import math
from dataclasses import dataclass
from typing import Literal

from datahall.network import constants
from datahall.network.collectives.scale_up import ScaleUp
from datahall.network.transport import payload_ratio


@dataclass(frozen=True, slots=True)
class Group:
    """Ranks in scale-up domains (a server, an NVL72 rack), and the network between the domains.

    Raises ValueError where the description cannot be: no ranks, ranks of one domain without a link, domains without ports.
    """

    ranks: int
    ranks_per_domain: int
    """Ranks of this group in each domain; the last domain may hold fewer."""
    scale_up: ScaleUp | None = None
    """None only where each domain holds one rank."""
    nics_per_domain: float = 0.0
    """Network ports that the group's ranks of one domain may use, all together."""
    nic_bytes_per_s: float = 0.0
    """Line rate of one port, one direction."""
    oversubscription: float = 1.0
    """Of the tiers between the domains, all multiplied: 2 leaves half to each flow when all talk at once."""
    hops: int = 1
    """Switches between two domains, one way."""
    distance_m: float = 0.0
    """Cable between two domains, one way."""
    protocol: str = "infiniband"
    in_network_reduction: bool = False
    """The network's switches can reduce (SHARP)."""

    def __post_init__(self) -> None:
        if self.ranks < 1 or self.ranks_per_domain < 1:
            raise ValueError(f"ranks={self.ranks}, ranks_per_domain={self.ranks_per_domain}: each must be at least 1")
        if self.within > 1 and self.scale_up is None:
            raise ValueError(f"{self.within} ranks share a domain, but no scale_up link joins them")
        if self.domains > 1 and not self.nics_per_domain * self.nic_bytes_per_s > 0:
            raise ValueError(
                f"{self.domains} domains, but no network ports between them: give nics_per_domain and nic_bytes_per_s"
            )
        if self.oversubscription < 1 or self.hops < 0 or self.distance_m < 0:
            raise ValueError("oversubscription is at least 1, hops and distance_m at least 0")
        if self.protocol not in constants.transport().protocols:
            raise ValueError(f"protocol={self.protocol}: choose one of {', '.join(constants.transport().protocols)}")

    @property
    def within(self) -> int:
        """Ranks of the fullest domain."""
        return min(self.ranks, self.ranks_per_domain)

    @property
    def domains(self) -> int:
        return math.ceil(self.ranks / self.ranks_per_domain)

    @property
    def ring_bytes_per_s(self) -> float:
        """What a ring gets within a domain, one direction; infinite where a domain holds one rank."""
        return self.scale_up.ring_bytes_per_s(self.within) if self.scale_up and self.within > 1 else math.inf

    @property
    def network_bytes_per_s(self) -> float:
        """What one domain gets into the network, one direction; infinite where there is only one domain."""
        return self.port_bytes_per_s * self.nics_per_domain if self.domains > 1 else math.inf

    @property
    def port_bytes_per_s(self) -> float:
        """What collectives get through one port, after headers, pauses and oversubscription."""
        packed = payload_ratio(self.protocol) / payload_ratio("infiniband")
        return self.nic_bytes_per_s * constants.collectives().network_ratio.value * packed / self.oversubscription

    @property
    def step_s(self) -> float:
        """A step within a domain; longer once there are several domains, as the ranks that wait also serve the network."""
        if self.scale_up is None:
            return 0.0
        ratio = constants.collectives().within_many_domains_ratio.value if self.domains > 1 else 1.0
        return self.scale_up.step_s * ratio

    def network_step_s(self, kind: Literal["ring", "tree", "simple"] = "ring") -> float:
        """A step between domains: the library's own figure over InfiniBand and one switch, and what this network adds."""
        figures, wire = constants.collectives(), constants.transport()
        own = {
            "ring": figures.network_ring_step_s,
            "tree": figures.network_tree_step_s,
            "simple": figures.network_simple_step_s,
        }[kind]
        slower = wire.protocols[self.protocol].overhead_s.value - wire.protocols["infiniband"].overhead_s.value
        further = max(0, self.hops - 1) * wire.switch_s.value + self.distance_m * wire.fibre_s_per_m.value
        return own.value + max(0.0, slower) + further
