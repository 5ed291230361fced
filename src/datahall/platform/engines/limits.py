"""How a worker is kept within what it was given: a cgroup where one is delegated to us, otherwise affinity, rlimits and a
memory watchdog in the shim."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from datahall.platform.resources import Resources

CPU_PERIOD_US = 100_000


class Enforcement(Protocol):
    """One way of holding limits."""

    def describe(self) -> str: ...
    def group(self, name: str, given: Resources) -> str | None: ...
    def release(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Affinity, rlimits and the shim's look at the memory four times a second. Works everywhere, needs no rights."""

    why: str

    def describe(self) -> str:
        return f"CPU affinity, rlimits and a memory watchdog ({self.why})"

    def group(self, name: str, given: Resources) -> str | None:
        del name, given
        return None

    def release(self, name: str) -> None:
        """Nothing was made."""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """A cgroup v2 sub-tree of our own: the kernel counts and limits."""

    root: Path

    def describe(self) -> str:
        return f"cgroup v2 under {self.root}, with affinity and rlimits"

    def group(self, name: str, given: Resources) -> str | None:
        """The path of a new group with the limits set."""
        path = self.root / name
        path.mkdir(exist_ok=True)
        (path / "memory.max").write_text(str(given.memory_bytes))
        with contextlib.suppress(FileNotFoundError):  # no swap accounting in this kernel
            (path / "memory.swap.max").write_text("0")
        quota_us = given.cpu_milli * CPU_PERIOD_US // 1000
        (path / "cpu.max").write_text(f"{max(quota_us, 1000)} {CPU_PERIOD_US}")
        return str(path)

    def release(self, name: str) -> None:
        with contextlib.suppress(OSError):  # still busy: the kernel removes it no sooner than its last process
            (self.root / name).rmdir()


def detect(*, mount: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> Enforcement:
    """The strongest way that this process may use."""
    try:
        line = next(line for line in own.read_text().splitlines() if line.startswith("0::"))
        available = (mount / "cgroup.controllers").read_text().split()
    except (OSError, StopIteration):
        return Watchdog("cgroup v2 is not mounted here")
    if not {"cpu", "memory"} <= set(available):
        return Watchdog("the cgroup controllers cpu and memory are not available")
    parent = mount / line[3:].lstrip("/")
    root, ours = parent / "datahall", parent / "datahall-control"
    try:
        ours.mkdir(exist_ok=True)  # a group with members of its own may not hand controllers on
        (ours / "cgroup.procs").write_text(str(os.getpid()))
        (parent / "cgroup.subtree_control").write_text("+cpu +memory")
        root.mkdir(exist_ok=True)
        (root / "cgroup.subtree_control").write_text("+cpu +memory")
    except OSError as error:
        return Watchdog(f"no cgroup is delegated to this user: {error.strerror}")
    return Cgroup(root)
