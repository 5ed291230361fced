"""All-gather, reduce-scatter, broadcast, all-to-all, send and receive.

Source of the counts: Thakur, Rabenseifner and Gropp, Int. J. High Perform. Comput. Appl. 19(1), 2005. Sizes are those that
nccl-tests prints: what is gathered in all, what each rank holds before scattering, what each rank sends to all in all.
"""

import math

from datahall.network import constants
from datahall.network.collectives.cost import Cost
from datahall.network.collectives.group import Group


def ring_half(group: Group) -> Cost:
    """All-gather or reduce-scatter on one ring: half of an all-reduce."""
    steps, outside = group.ranks - 1, group.domains - 1
    share = (group.ranks - 1) / group.ranks
    latency_s = (steps - outside) * group.step_s + outside * group.network_step_s()
    return Cost(latency_s, share / group.ring_bytes_per_s, share / group.network_bytes_per_s)


def hierarchical_half(group: Group) -> Cost | None:
    """The same along rails between domains, then within them; None unless there is both."""
    if group.domains == 1 or group.within == 1:
        return None
    inner, outer = group.within - 1, group.domains - 1
    latency_s = inner * group.step_s + outer * group.network_step_s()
    return Cost(latency_s, inner / group.within / group.ring_bytes_per_s, outer / group.domains / group.network_bytes_per_s)


def broadcast_ring(group: Group) -> Cost:
    """One rank's data down a pipeline of all ranks."""
    outside = group.domains - 1
    latency_s = (group.ranks - 1 - outside) * group.step_s + outside * group.network_step_s()
    return Cost(latency_s, 1 / group.ring_bytes_per_s, 1 / group.network_bytes_per_s)


def broadcast_tree(group: Group) -> Cost:
    """One rank's data down a tree of domains and a chain within each."""
    ratio = constants.collectives().tree_ratio.value
    levels = math.ceil(math.log2(group.domains))
    latency_s = (group.within - 1) * group.step_s + levels * group.network_step_s("tree")
    return Cost(latency_s, 1 / (ratio * group.ring_bytes_per_s), 1 / (ratio * group.network_bytes_per_s))


def pairwise(group: Group) -> Cost:
    """All-to-all, each rank with each other in turn: n-1 steps, each byte travels once."""
    near, far = group.within - 1, group.ranks - group.within
    latency_s = near * group.step_s + far * group.network_step_s()
    per_rank = 1 / group.ranks
    return Cost(latency_s, near * per_rank / group.ring_bytes_per_s, group.within * far * per_rank / group.network_bytes_per_s)


def bruck(group: Group) -> Cost:
    """All-to-all in log2 n steps, half of the data in each (Bruck): for small sizes."""
    steps = math.ceil(math.log2(group.ranks))
    outside = group.domains > 1
    latency_s = steps * (group.network_step_s() if outside else group.step_s)
    return Cost(latency_s, steps / 2 / group.ring_bytes_per_s, group.within * steps / 2 / group.network_bytes_per_s)


def direct(group: Group) -> Cost:
    """One rank to one other: through its links within a domain, through one port between domains."""
    if group.domains == 1:
        return Cost(group.step_s, 1 / group.ring_bytes_per_s)
    return Cost(group.network_step_s(), 0.0, 1 / group.port_bytes_per_s)
