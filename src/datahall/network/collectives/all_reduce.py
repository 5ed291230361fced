"""All-reduce: each rank ends with the sum of what all held.

n ranks, g in a domain, N domains. Sources: Patarasuk and Yuan, J. Parallel Distrib. Comput. 69(2), 2009 (rings and the bound
2 (n-1)/n); Sanders, Speck and Traff, Parallel Computing 35(12), 2009 (double trees); NCCL for what is counted as a step.
"""

import math

from datahall.network import constants
from datahall.network.collectives.cost import Cost
from datahall.network.collectives.group import Group


def ring(group: Group) -> Cost:
    """One ring over all ranks, in as many copies as a domain has ports: a reduce-scatter, then an all-gather."""
    steps, outside = 2 * (group.ranks - 1), 2 * (group.domains - 1)
    share = 2 * (group.ranks - 1) / group.ranks
    latency_s = (steps - outside) * group.step_s + outside * group.network_step_s()
    return Cost(latency_s, share / group.ring_bytes_per_s, share / group.network_bytes_per_s)


def tree(group: Group) -> Cost:
    """Two trees over the domains, a chain within each: all up, then all down."""
    ratio = constants.collectives().tree_ratio.value
    latency_s = 2 * ((group.within - 1) * group.step_s + _levels(group) * group.network_step_s("tree"))
    return Cost(latency_s, 2 / (ratio * group.ring_bytes_per_s), 2 / (ratio * group.network_bytes_per_s))


def hierarchical(group: Group) -> Cost | None:
    """Reduce-scatter within, a ring per rail between, all-gather within; None unless there is both a within and a between."""
    if group.domains == 1 or group.within == 1:
        return None
    inner, outer = 2 * (group.within - 1), 2 * (group.domains - 1)
    latency_s = inner * group.step_s + outer * group.network_step_s()
    return Cost(latency_s, inner / group.within / group.ring_bytes_per_s, outer / group.domains / group.network_bytes_per_s)


def nvls(group: Group) -> Cost | None:
    """The scale-up switch adds and multicasts (NVLink SHARP), trees between domains; None where it cannot.

    Each rank reads its nth part from all through the switch and writes the sum to all: (g+1)/g of the data per direction.
    """
    links = group.scale_up
    if links is None or links.in_network_ratio is None or group.within < 3:
        return None
    figures = constants.collectives()
    latency_s = figures.in_network_s.value + 2 * _levels(group) * group.network_step_s("simple")
    per_byte = (group.within + 1) / group.within / (links.bytes_per_s * links.in_network_ratio)
    return Cost(latency_s, per_byte, 2 / (figures.tree_ratio.value * group.network_bytes_per_s))


def in_network(group: Group) -> Cost | None:
    """The network's switches add (SHARP): each domain sends its data once and receives the sum once; None where they cannot."""
    if not group.in_network_reduction or group.domains == 1:
        return None
    inner = 2 * (group.within - 1)
    latency_s = inner * group.step_s + group.network_step_s("simple")
    ratio = constants.collectives().tree_ratio.value
    return Cost(latency_s, inner / group.within / group.ring_bytes_per_s, 1 / (ratio * group.network_bytes_per_s))


def _levels(group: Group) -> int:
    return math.ceil(math.log2(group.domains))
