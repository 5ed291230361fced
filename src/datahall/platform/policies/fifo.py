"""First come, first served, by priority. A job is overtaken only while services leave it no room whatever else ends."""

from collections.abc import Sequence

from datahall.platform.events import Event
from datahall.platform.placement import beside_services, gang_placement, most_workers
from datahall.platform.ports import Action, Start, Wake
from datahall.platform.resources import Resources
from datahall.platform.state import Node, Snapshot


class Fifo:
    """Starts the head of the queue while it fits, then waits for the next event.

    A job that would not fit even if everything but the services ended is passed over: waiting for it would stop all others
    until somebody stops a service.
    """

    def observe(self, event: Event) -> None:
        """The order of the queue is all it needs to know."""

    def plan(self, snapshot: Snapshot) -> Sequence[Action]:
        actions: list[Action] = []
        nodes = {
            node.name: Node(node.name, node.capacity, node.free, list(node.free_accelerators)) for node in snapshot.nodes()
        }
        endable = beside_services(snapshot.nodes(), snapshot.placed())
        passed_over = set[tuple[Resources, int]]()  # room only shrinks within a pass: no need to try the same size again
        for job in snapshot.waiting():
            need = job.spec.per_worker()
            if (need, job.spec.workers) in passed_over:
                continue
            places = gang_placement(nodes.values(), need, job.spec.workers)
            if places is None:
                if most_workers(endable, need) >= job.spec.workers:
                    break
                passed_over.add((need, job.spec.workers))
                continue
            for place in places:
                _take(nodes[place.node], need, place.accelerators)
            actions.append(Start(job.id, places))
        wake_s = snapshot.next_delayed_s()
        if wake_s is not None:
            actions.append(Wake(wake_s))
        return actions


def _take(node: Node, need: Resources, accelerators: tuple[int, ...]) -> None:
    node.free = node.free - need
    node.free_accelerators = [a for a in node.free_accelerators if a not in accelerators]
