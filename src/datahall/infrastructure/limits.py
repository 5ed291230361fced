"""What the kernel lets this process use: cgroup limits (v1 and v2), affinity, and whether cgroups can be made below ours."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNLIMITED_BYTES = 1 << 60
"""cgroup v1 says `no limit` with a number near 2^63."""
NEEDED_CONTROLLERS = frozenset({"cpu", "memory"})


@dataclass(frozen=True, slots=True)
class Limits:
    """The tightest limits on the way from the root cgroup to ours; None where there is none."""

    cpus: float | None
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Delegation:
    """A cgroup v2 folder below which limits can be set, or why there is none."""

    folder: Path | None
    reason: str


def cgroup_limits(root: Path = Path("/")) -> Limits:
    """Limits of the cgroups that this process is in. root: where /proc and /sys are looked up."""
    cpus, memory = list[float](), list[int]()
    for folder in _folders(root, ""):
        cpus += _quota(_words(folder / "cpu.max"))
        memory += _bytes(folder / "memory.max")
    for folder in _folders(root, "cpu"):
        period = _words(folder / "cpu.cfs_period_us")
        cpus += _quota(_words(folder / "cpu.cfs_quota_us") + period)
    for folder in _folders(root, "memory"):
        memory += _bytes(folder / "memory.limit_in_bytes")
    return Limits(min(cpus, default=None), min(memory, default=None))


def affinity_cpus() -> int:
    """CPUs that the scheduler may put this process on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cgroup_delegation(root: Path = Path("/")) -> Delegation:
    """Where limits can be set with cgroup v2 without being root: our own cgroup, if it was delegated to us."""
    folder = next(_folders(root, ""), None)
    if folder is None:
        return Delegation(None, "no cgroup v2 is mounted")
    controllers = frozenset(_words(folder / "cgroup.controllers"))
    if not controllers >= NEEDED_CONTROLLERS:
        missing = ", ".join(sorted(NEEDED_CONTROLLERS - controllers))
        return Delegation(None, f"{folder} lacks the controllers {missing}")
    needed = (folder, folder / "cgroup.procs", folder / "cgroup.subtree_control")
    if not all(os.access(path, os.W_OK) for path in needed):
        return Delegation(None, f"{folder} belongs to another user")
    return Delegation(folder, f"{folder} is ours to divide")


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Our cgroup's folder in the hierarchy of `controller` (`""`: version 2) and those above it, nearest first."""
    mount = _mount(root, controller)
    if mount is None:
        return
    folder = mount / _membership(root, controller).lstrip("/")
    for candidate in (folder, *folder.parents):
        if candidate.is_relative_to(mount) and candidate.is_dir():
            yield candidate


def _mount(root: Path, controller: str) -> Path | None:
    kind = "cgroup" if controller else "cgroup2"
    for line in _lines(root / "proc/mounts"):
        fields = line.split()
        if len(fields) > 3 and fields[2] == kind and (not controller or controller in fields[3].split(",")):
            return root / fields[1].lstrip("/")
    return None


def _membership(root: Path, controller: str) -> str:
    for line in _lines(root / "proc/self/cgroup"):
        _, names, path = line.split(":", 2) if line.count(":") >= 2 else ("", "?", "")
        if controller in names.split(","):
            return path
    return "/"


def _quota(words: list[str]) -> list[float]:
    """`["150000", "100000"]` -> `[1.5]`; `max` and -1 mean no limit."""
    numbers = [float(word) for word in words if word.isdigit()]
    return [numbers[0] / numbers[1]] if len(words) == len(numbers) == 2 and numbers[0] and numbers[1] else []


def _bytes(path: Path) -> list[int]:
    return [int(word) for word in _words(path)[:1] if word.isdigit() and int(word) < UNLIMITED_BYTES]


def _words(path: Path) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
