"""Machines: what one node has, and what of it jobs may use."""

from typing import Literal

from pydantic import Field

from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Bytes

DiskKind = Literal["nvme", "ssd", "hdd", "virtual", "network", "unknown"]
"""`virtual`: a disk that a hypervisor lends, whose true kind it does not tell."""


class Cpu(Spec):
    """All processors of one node together."""

    model: str = Field(min_length=1, max_length=200)
    """As the processor calls itself."""
    sockets: int = Field(ge=1, le=64)
    cores: int = Field(ge=1, le=100_000)
    """Physical cores, all sockets together."""
    threads: int = Field(ge=1, le=100_000)
    """Hardware threads, all sockets together: what the operating system counts as CPUs."""
    tdp_w: float | None = Field(default=None, gt=0, le=10_000)
    """Thermal design power of one socket, W; without it, energy is estimated by an average."""
    tdp_source: str | None = None
    """Where tdp_w was read."""


class Disk(Spec):
    """A mounted file system."""

    mount: str = Field(min_length=1)
    device: str
    kind: DiskKind
    capacity_bytes: Bytes


class Nic(Spec):
    """A network interface that is up."""

    name: str = Field(min_length=1, max_length=63)
    speed_bits_per_s: float | None = Field(default=None, gt=0)
    """Line rate, bit/s, where the driver tells it; virtual ones often do not."""


class Accelerator(Spec):
    """A GPU or another device that a job is given whole."""

    index: int = Field(ge=0, lt=1024)
    model: str = Field(min_length=1, max_length=200)
    memory_bytes: Bytes
    uuid: str | None = None
    tdp_w: float | None = Field(default=None, gt=0, le=10_000)
    """Board power limit, W."""
    tdp_source: str | None = None


class Usable(Spec):
    """What may be used of a node, where affinity, a container or a cgroup leaves less than the whole."""

    cpus: float = Field(gt=0, le=100_000)
    memory_bytes: Bytes


class Node(Spec):
    """One machine."""

    name: Name
    cpu: Cpu
    memory_bytes: Bytes = Field(gt=0)
    """Memory fitted, as the operating system sees it."""
    usable: Usable | None = None
    """Less than the whole machine, when something limits this process; without it, all of it."""
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    accelerators: tuple[Accelerator, ...] = ()

    @property
    def usable_cpus(self) -> float:
        return self.usable.cpus if self.usable else float(self.cpu.threads)

    @property
    def usable_memory_bytes(self) -> int:
        return self.usable.memory_bytes if self.usable else self.memory_bytes


class Reserved(Spec):
    """Kept back on each node for the system and for Datahall itself."""

    cpus: float = Field(default=0, ge=0)
    memory_bytes: Bytes = 512 * 1024**2


class Capacity(Spec):
    """What a node can give to jobs."""

    cpus: float
    memory_bytes: int
    accelerators: tuple[int, ...]
    """Indexes of the accelerators."""


def capacity_of(node: Node, reserved: Reserved) -> Capacity:
    """What is left of the node's usable part once the reserve is taken off; never below zero."""
    return Capacity(
        cpus=max(0.0, node.usable_cpus - reserved.cpus),
        memory_bytes=max(0, node.usable_memory_bytes - reserved.memory_bytes),
        accelerators=tuple(accelerator.index for accelerator in node.accelerators),
    )
