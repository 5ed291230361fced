"""Where the workers of a gang could sit."""

from collections.abc import Iterable

from datahall.platform.events import Placement
from datahall.platform.resources import Resources
from datahall.platform.state import Node


def gang_placement(nodes: Iterable[Node], need: Resources, workers: int) -> tuple[Placement, ...] | None:
    """Places for all workers, fullest nodes first so that large gaps stay whole; None when they do not all fit."""
    places: list[Placement] = []
    for node in sorted(nodes, key=lambda n: (n.free.accelerators, n.free.cpu_milli, n.name)):
        count = min(need.times_into(node.free), workers - len(places))
        for i in range(count):
            chosen = node.free_accelerators[i * need.accelerators : (i + 1) * need.accelerators]
            places.append(Placement(node.name, tuple(chosen)))
        if len(places) == workers:
            return tuple(places)
    return None


def most_workers(capacities: Iterable[Resources], need: Resources) -> int:
    """How many workers of this size empty nodes could hold together."""
    return sum(need.times_into(capacity) for capacity in capacities)
