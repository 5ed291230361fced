"""What a schedule could use, as it changes by faults and repairs."""

from dataclasses import dataclass

from datahall.twin.metrics.steps import Steps
from datahall.twin.workload.trace import Integers


@dataclass(frozen=True)
class CapacityOverTime:
    """Thousandths of accelerators and of cores that are up at each moment."""

    gpu_milli: Steps
    cpu_milli: Steps
    node_gpu_milli: Integers | None = None
    """Of each machine, (nodes,): what may be placed on it at any moment. None: machines are not checked."""

    @classmethod
    def fixed(cls, *, accelerators: int = 0, cores: float = 0, node_gpu_milli: Integers | None = None) -> "CapacityOverTime":
        """A cluster that never changes."""
        return cls(Steps.constant(1000 * accelerators), Steps.constant(round(1000 * cores)), node_gpu_milli)
