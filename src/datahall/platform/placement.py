"""Where the workers of a gang could sit."""

from collections.abc import Iterable

from datahall.platform.events import Placement
from datahall.platform.resources import Resources
from datahall.platform.state import Job, Node


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


def beside_services(nodes: Iterable[Node], placed: Iterable[Job]) -> list[Resources]:
    """What each node has for work that ends: its capacity without what services hold until somebody stops them."""
    room = {node.name: node.capacity for node in nodes}
    for job in placed:
        if job.spec.service:
            for place in job.placements:
                room[place.node] = room.get(place.node, Resources()) - job.spec.per_worker()
    return list(room.values())


def most_workers(capacities: Iterable[Resources], need: Resources) -> int:
    """How many workers of this size empty nodes could hold together."""
    return sum(need.times_into(capacity) for capacity in capacities)
