"""Counts of a fabric without a catalogue: a radix and a number of servers are enough."""

from dataclasses import dataclass

from datahall.infrastructure.spec import Fabric
from datahall.network.fabric.tiers import Bundle, Tier, bundles_of, tiers_of
from datahall.network.fabric.wiring import Demand, Wiring, wiring_of


@dataclass(frozen=True, slots=True)
class Counts:
    """Switches and links of a fabric."""

    wiring: Wiring
    demand: Demand
    tiers: tuple[Tier, ...]
    bundles: tuple[Bundle, ...]

    @property
    def switches(self) -> int:
        """All that are bought."""
        return sum(tier.switches for tier in self.tiers if not tier.integrated)

    @property
    def links(self) -> int:
        return sum(bundle.links for bundle in self.bundles)

    def switches_of(self, *tiers: str) -> int:
        """Of these tiers together; 0 where there is none."""
        return sum(tier.switches for tier in self.tiers if tier.name in tiers)

    def links_of(self, *bundles: str) -> int:
        """Of these bundles together; 0 where there is none."""
        return sum(bundle.links for bundle in self.bundles if bundle.name in bundles)


def counts_of(fabric: Fabric, *, servers: int, endpoints_per_server: int, radix: int) -> Counts:
    """Switches and links for so many servers with so many ports each, of switches with `radix` ports.

    Raises DoesNotFitError where the declaration cannot be met.
    """
    demand = Demand(servers, endpoints_per_server, fabric.manager_links)
    wiring = wiring_of(fabric, demand, radix=radix)
    return Counts(wiring, demand, tiers_of(wiring.shape, demand, radix=radix), bundles_of(wiring.shape, demand))
