"""The energy of each attempt: counters where they can be read, an estimate where not, and always which of the two."""

from datahall.infrastructure.meters import Energy, EnergyMeter, estimate_joules
from datahall.infrastructure.spec import Hall, Node
from datahall.platform.ports import Launch


class JobMeter:
    """Meters attempts on the hall's nodes. An attempt that outlived a control plane was not seen starting: estimated."""

    def __init__(self, hall: Hall) -> None:
        self._nodes = {node.name: node for node in hall.nodes}
        self._running: dict[tuple[int, int], EnergyMeter] = {}

    def begin(self, launch: Launch) -> None:
        node, cores, accelerators = self._given(launch)
        meter = EnergyMeter(node=node, cores_given=cores, accelerators=accelerators)
        meter.start()
        self._running[launch.job_id, launch.attempt] = meter

    def end(self, launch: Launch, *, cpu_s: float, wall_s: float) -> Energy:
        meter = self._running.pop((launch.job_id, launch.attempt), None)
        if meter is not None:
            return meter.stop(cpu_s=cpu_s)
        node, cores, accelerators = self._given(launch)
        return estimate_joules(cpu_s, wall_s, cores_given=cores, node=node, accelerators=accelerators)

    def forget(self, launch: Launch) -> None:
        """The attempt is over or never began."""
        self._running.pop((launch.job_id, launch.attempt), None)

    def _given(self, launch: Launch) -> tuple[Node, float, tuple[int, ...]]:
        accelerators = tuple(index for place in launch.placements for index in place.accelerators)
        # An adopted attempt's node may have been renamed in the hall file since.
        node = self._nodes.get(launch.placements[0].node, next(iter(self._nodes.values())))
        return node, launch.spec.cpus * launch.spec.workers, accelerators
