"""What a hall's links and fabric give: all-reduces of three sizes, within a scale-up domain and over the whole fabric."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from datahall.network.collectives.group import Group
from datahall.network.collectives.scale_up import scale_up_of
from datahall.network.collectives.timing import Estimate, estimate

SIZES_BYTES = (1 << 20, 64 << 20, 1 << 30)


@dataclass(frozen=True, slots=True)
class Speed:
    """One all-reduce of the plan's screen."""

    scope: str
    """`scale-up domain` or `whole fabric`."""
    size_bytes: float
    """Held by each rank."""
    estimate: Estimate


def hall_group(
    accelerator: str,
    *,
    accelerators: int,
    per_domain: int,
    ports_per_domain: float,
    port_bits_per_s: float,
    oversubscription: float = 1.0,
    hops: int = 1,
    distance_m: float = 0.0,
    protocol: str = "infiniband",
    in_network_reduction: bool = False,
) -> Group | None:
    """All accelerators of a hall as one group; None when nothing is known of the accelerator's links.

    accelerator: its name, as in the catalogue. per_domain: accelerators that one scale-up domain joins (8 in a server, 72
    in an NVL72 rack). ports_per_domain, port_bits_per_s: of the compute fabric. oversubscription, hops, distance_m: of the
    fabric as built, on its longest path. Raises ValueError when several domains have no ports between them.
    """
    found = scale_up_of(accelerator)
    if found is None:
        return None
    return Group(
        ranks=accelerators,
        ranks_per_domain=per_domain,
        scale_up=found[0],
        nics_per_domain=ports_per_domain,
        nic_bytes_per_s=port_bits_per_s / 8,
        oversubscription=oversubscription,
        hops=hops,
        distance_m=distance_m,
        protocol=protocol,
        in_network_reduction=in_network_reduction,
    )


def speeds(group: Group) -> tuple[Speed, ...]:
    """All-reduces of 1 MiB, 64 MiB and 1 GiB: within a domain of several ranks, then over all where there are several."""
    return tuple(_speeds(group))


def _speeds(group: Group) -> Iterator[Speed]:
    scopes = []
    if group.within > 1:
        scopes.append(("scale-up domain", replace(group, ranks=group.within)))
    if group.domains > 1:
        scopes.append(("whole fabric", group))
    for scope, members in scopes:
        for size_bytes in SIZES_BYTES:
            yield Speed(scope, size_bytes, estimate("all_reduce", size_bytes, members))
