"""Rules about machines that are here."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from datahall.foundation.errors import Problem
from datahall.foundation.paths import Path
from datahall.foundation.units import bytes_text
from datahall.infrastructure.checks.context import Check, Context


def repeated_nodes(context: Context) -> Iterator[Problem]:
    """INF-001: no two nodes have the same name."""
    hall, where = context.hall, context.where
    for i, name in _repeated(node.name for node in hall.nodes):
        yield Problem("INF-001", where(("nodes", i, "name")), f"a node `{name}` stands above already", "rename one of them")


def cpus_beyond_the_machine(context: Context) -> Iterator[Problem]:
    """INF-002: usable CPUs are at most the hardware threads."""
    hall, where = context.hall, context.where
    for i, node in enumerate(hall.nodes):
        if node.usable and node.usable.cpus > node.cpu.threads:
            what = f"{node.usable.cpus:g} CPUs are usable, but the machine has {node.cpu.threads} hardware threads"
            yield Problem("INF-002", where(("nodes", i, "usable", "cpus")), what, f"lower it to {node.cpu.threads} or less")


def memory_beyond_the_machine(context: Context) -> Iterator[Problem]:
    """INF-003: usable memory is at most the memory fitted."""
    hall, where = context.hall, context.where
    for i, node in enumerate(hall.nodes):
        if node.usable and node.usable.memory_bytes > node.memory_bytes:
            what = f"{_size(node.usable.memory_bytes)} are usable, but the machine has {_size(node.memory_bytes)}"
            fix = f"lower it to {node.memory_bytes} or less"
            yield Problem("INF-003", where(("nodes", i, "usable", "memory_bytes")), what, fix)


def reserve_takes_all_cpus(context: Context) -> Iterator[Problem]:
    """INF-004: the reserve leaves CPUs on each node."""
    hall, where = context.hall, context.where
    reserved = hall.platform.reserved.cpus
    for node in hall.nodes:
        if reserved >= node.usable_cpus:
            what = f"{reserved:g} CPUs are reserved, but `{node.name}` has {node.usable_cpus:g} to give"
            fix = f"reserve less than {node.usable_cpus:g}"
            yield Problem("INF-004", where(("platform", "reserved", "cpus")), what, fix)


def reserve_takes_all_memory(context: Context) -> Iterator[Problem]:
    """INF-005: the reserve leaves memory on each node."""
    hall, where = context.hall, context.where
    reserved = hall.platform.reserved.memory_bytes
    for node in hall.nodes:
        if reserved >= node.usable_memory_bytes:
            what = f"{_size(reserved)} are reserved, but `{node.name}` has {_size(node.usable_memory_bytes)} to give"
            fix = f"reserve less than {_size(node.usable_memory_bytes)}"
            yield Problem("INF-005", where(("platform", "reserved", "memory_bytes")), what, fix)


def odd_core_counts(context: Context) -> Iterator[Problem]:
    """INF-006: sockets <= cores <= threads."""
    hall, where = context.hall, context.where
    for i, node in enumerate(hall.nodes):
        cpu = node.cpu
        if not cpu.sockets <= cpu.cores <= cpu.threads:
            what = f"{cpu.sockets} sockets, {cpu.cores} cores and {cpu.threads} threads do not fit together"
            fix = "count cores and threads over all sockets: sockets <= cores <= threads"
            yield Problem("INF-006", where(("nodes", i, "cpu")), what, fix)


def repeated_accelerators(context: Context) -> Iterator[Problem]:
    """INF-007: an accelerator's index is its own on its node, its uuid its own in the hall."""
    hall, where = context.hall, context.where
    for i, node in enumerate(hall.nodes):
        for j, index in _repeated(accelerator.index for accelerator in node.accelerators):
            what = f"index {index} stands above already on `{node.name}`"
            yield Problem("INF-007", where(("nodes", i, "accelerators", j, "index")), what, "number them 0, 1, 2, …")
    places = [(i, j, a.uuid) for i, node in enumerate(hall.nodes) for j, a in enumerate(node.accelerators) if a.uuid]
    for at, uuid in _repeated(uuid for *_, uuid in places):
        i, j, _ = places[at]
        what = f"the device {uuid} stands above already"
        yield Problem("INF-007", where(("nodes", i, "accelerators", j, "uuid")), what, "remove the copy")


def repeated_mounts_and_nics(context: Context) -> Iterator[Problem]:
    """INF-008: mount points and network interfaces stand once on each node."""
    hall, where = context.hall, context.where
    for i, node in enumerate(hall.nodes):
        for j, mount in _repeated(disk.mount for disk in node.disks):
            yield Problem("INF-008", where(("nodes", i, "disks", j, "mount")), f"`{mount}` stands above already", "keep one")
        for j, name in _repeated(nic.name for nic in node.nics):
            yield Problem("INF-008", where(("nodes", i, "nics", j, "name")), f"`{name}` stands above already", "keep one")


def repeated_tenants(context: Context) -> Iterator[Problem]:
    """INF-009: tenants stand once."""
    hall, where = context.hall, context.where
    for i, name in _repeated(hall.platform.tenants):
        yield Problem("INF-009", where(("platform", "tenants", i)), f"the tenant `{name}` stands above already", "keep one")


def power_without_source(context: Context) -> Iterator[Problem]:
    """INF-010: a power figure says where it comes from."""
    hall, where = context.hall, context.where
    for i, node in enumerate(hall.nodes):
        parts: list[tuple[Path, float | None, str | None]] = [(("cpu",), node.cpu.tdp_w, node.cpu.tdp_source)]
        parts += [(("accelerators", j), a.tdp_w, a.tdp_source) for j, a in enumerate(node.accelerators)]
        for path, tdp_w, source in parts:
            if tdp_w is not None and not source:
                what = f"tdp_w is {tdp_w:g}, but not where that was read"
                fix = 'add tdp_source, such as "data sheet" or "measured at the socket"'
                yield Problem("INF-010", where(("nodes", i, *path, "tdp_w")), what, fix)


CHECKS: tuple[Check, ...] = (
    repeated_nodes,
    cpus_beyond_the_machine,
    memory_beyond_the_machine,
    reserve_takes_all_cpus,
    reserve_takes_all_memory,
    odd_core_counts,
    repeated_accelerators,
    repeated_mounts_and_nics,
    repeated_tenants,
    power_without_source,
)


def _repeated(values: Iterable[Hashable]) -> Iterator[tuple[int, Hashable]]:
    """Index and value of each one that stood before."""
    seen = Counter[Hashable]()
    for i, value in enumerate(values):
        seen[value] += 1
        if seen[value] > 1:
            yield i, value


def _size(size_bytes: int) -> str:
    return bytes_text(size_bytes)
