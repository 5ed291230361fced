"""How long tokens take to the ranks of their experts, or back.

An all-to-all sends as many copies of a token as it has experts. A dispatch library sends it once to each domain that wants it,
and there once to each rank: with eight experts on two domains, one copy crosses the network instead of four.
Source: deepseek-ai/DeepEP README.md: its normal kernels reach 153 of 160 GB/s within a server of H800, 43 to 47 of 50 GB/s
between servers, counting what stays on the own rank or domain too (tests/test_internode.py): so it is counted here, at the
rates that collectives reach.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from datahall.models.cost.spec import Experts
from datahall.models.parallel.alike import larger, plain
from datahall.network.collectives import Group, time_s

DISPATCH_UNITS = 24
"""Multiprocessors that a dispatch library takes while tokens travel: 20 to 24 by default in deepseek-ai/DeepEP README.md, 32
for HybridEP in scripts/performance/utils/overrides.py of NVIDIA-NeMo/Megatron-Bridge; NCCL's all-to-all takes about as many."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of one token, on average: ranks and domains that hold any of its experts, its own rank and domain among them or not."""

    ranks: float
    domains: float


@dataclass(frozen=True, slots=True)
class Limit:
    """Routing that chooses groups of experts first: so many of so many, which lie on the ranks one after another."""

    active: int
    of: int

    def __call__(self, count: int) -> float:
        """Of so many ranks or domains, most that hold any of a token's groups."""
        return min(float(count), self.active * max(1.0, count / self.of))


def limit_of(experts: Experts) -> Limit | None:
    """What the router of these experts is limited to."""
    return Limit(experts.active_groups, experts.groups) if experts.active_groups else None


def wanted(group: Group, active: int, *, routed_domains: int | Limit | None = None) -> Wanted:
    """Experts are picked evenly and independently: of n ranks with k picks, n (1 - (1 - 1/n)^k) are picked by any.

    routed_domains: most domains that one token's experts lie in, or the router's limit; its picks then crowd into these.
    """
    if isinstance(routed_domains, Limit):
        return Wanted(_picked(routed_domains(group.ranks), active), _picked(routed_domains(group.domains), active))
    domains = min(group.domains, routed_domains or group.domains)
    return Wanted(_picked(round(group.ranks * domains / group.domains), active), _picked(domains, active))


def _picked(count: float, picks: int) -> float:
    return float(count * (1 - (1 - 1 / count) ** picks))


def dispatch_s(
    group: Group, tokens: Any, *, row_bytes: float, active: int, fused: bool, routed_domains: int | Limit | None = None
) -> Any:
    """Seconds that one rank's `tokens` of `row_bytes` each take to their experts' ranks; as long back. 0 for one rank."""
    if group.ranks == 1 or not np.any(tokens > 0):
        return tokens * 0.0
    if not fused:
        return plain(time_s("all_to_all", tokens * active * row_bytes, group))
    found = wanted(group, active, routed_domains=routed_domains)
    near_s = tokens * found.ranks * row_bytes / group.ring_bytes_per_s
    if group.domains == 1:
        return group.step_s + near_s
    far_s = tokens * found.domains * row_bytes * group.within / group.network_bytes_per_s
    return group.step_s + group.network_step_s() + larger(near_s, far_s)
