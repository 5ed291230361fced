"""The circles of a fabric, as the groups of a plan see them: who is reached below which switches, and what leaving costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Traffic = Literal["neighbours", "all"]
"""Whom a rank sends to: the next of its group (rings, trees, pipelines), or every other (all-to-all)."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Accelerators that reach each other without leaving it, and the way that they take."""

    name: str
    """As the fabric's levels: `leaf`, `pod`, `plane`, `group`…"""
    accelerators: int
    """In it, those of the tiers inside included."""
    oversubscription: float = 1.0
    """Of what leaves the tier just inside, when all in it send: 2 leaves half to each."""
    hops: int = 1
    """Switches on the way, one way."""


@dataclass(frozen=True, slots=True)
class Way:
    """What the slowest flow of a group passes."""

    level: str
    oversubscription: float
    """That it feels: of a narrow tier only as far as its flows leave the tier inside at once; at least 1."""
    hops: int


def way_of(tiers: Sequence[Tier], *, ranks: int, stride: int, per_domain: int, traffic: Traffic) -> Way:
    """The way of groups that lie side by side and fill the accelerators from the first on.

    Ranks are `stride` apart. A group stays below a tier when its block of ranks x stride is never cut by the tier's edge.
    Of a ring only those domains send out that stand at the edge; of an all-to-all everyone does, to those outside.
    The way is found for tiers ordered from the inside, of which the last one holds all that there is.
    """
    block = ranks * stride
    level = next((i for i, tier in enumerate(tiers) if block <= tier.accelerators and _whole(tier, block)), len(tiers) - 1)
    felt = 1.0
    for inside, tier in pairwise(tiers[: level + 1]):
        leaving = _leaving(inside.accelerators, ranks=ranks, stride=stride, per_domain=per_domain, traffic=traffic)
        felt = max(felt, tier.oversubscription * leaving)
    return Way(tiers[level].name, felt, tiers[level].hops)


def _whole(tier: Tier, block: int) -> bool:
    return tier.accelerators % block == 0


def _leaving(inside: int, *, ranks: int, stride: int, per_domain: int, traffic: Traffic) -> float:
    """Share of what domains send that leaves a tier of `inside` accelerators."""
    if traffic == "neighbours":
        return min(1.0, max(stride, per_domain) / inside)
    near = min(ranks, max(1, per_domain // stride))
    return (ranks - min(ranks, max(near, inside // stride))) / (ranks - near) if ranks > near else 0.0
