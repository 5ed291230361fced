"""How many replicas an endpoint needs, from how many requests are under way. No clock in here: time comes as a number."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from datahall.platform.gateway.spec import EndpointSpec, VersionSpec

UP_RATIO = 1.1
"""Grow when the load is above this many times what the replicas are meant to carry."""
DOWN_RATIO = 0.8
"""Shrink when one replica fewer would still be below this share of its target."""
QUIET_S = 30.0
"""And only after it was so for this long: replicas cost seconds to start, a lull may be short."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Replicas wanted now, and for how long fewer would have done."""

    replicas: int
    quiet_s: float = 0.0


def scaled(scale: Scale, spec: EndpointSpec, *, in_flight: float, elapsed_s: float) -> Scale:
    """The scale after `elapsed_s` with a mean of `in_flight` requests under way: up at once, down after a lull."""
    low, high, target = spec.min_replicas, spec.max_replicas, spec.target_in_flight
    now = min(max(scale.replicas, low), high)
    if in_flight > now * target * UP_RATIO:
        return Scale(min(math.ceil(in_flight / target), high))
    if now > low and in_flight < (now - 1) * target * DOWN_RATIO:
        quiet_s = scale.quiet_s + elapsed_s
        if quiet_s < QUIET_S:
            return Scale(now, quiet_s)
        return Scale(max(math.ceil(in_flight / (target * DOWN_RATIO)), low))
    return replace(scale, replicas=now, quiet_s=0.0)


def replica_counts(versions: Sequence[VersionSpec], total: int) -> dict[int, int]:
    """Replicas of each version: by its share of the traffic, but at least one each, those without traffic included."""
    weight = sum(row.weight for row in versions)
    return {row.version: max(1, round(total * row.weight / weight)) for row in versions}
