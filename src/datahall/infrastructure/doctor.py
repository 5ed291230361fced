"""What `datahall doctor` looks at. Each check returns findings; what it looks at can be passed in."""

import importlib.metadata
import os
import re
import resource
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from datahall.foundation.units import bytes_text
from datahall.infrastructure.limits import Delegation, affinity_cpus, cgroup_delegation, cgroup_limits
from datahall.infrastructure.nvml import NoNvml, Nvml, open_nvml

Level = Literal["ok", "warn", "fail"]

OLDEST_PYTHON = (3, 11)
FREE_WARN_BYTES, FREE_FAIL_BYTES = 5 * 10**9, 5 * 10**8
MEMORY_WARN_BYTES, MEMORY_FAIL_BYTES = 2 * 1024**3, 256 * 1024**2
OPEN_FILES_WARN = 1024
SOCKET_NAME = "datahall-0000000000-0123456789abcdef/0123456789abcdef.sock"
"""As long as the longest name of a replica's socket below the runtime folder."""
RELEASED_S = 1_760_000_000
"""October 2025. A clock before this has not been set."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    level: Level
    what: str
    fix: str = ""


def examine(home: Path, *, port: int = 8700, host: str = "127.0.0.1") -> Iterator[Finding]:
    """All checks of this machine. home: the state folder (DATAHALL_HOME)."""
    yield python_version()
    yield from packages()
    yield free_space(home)
    yield writable(home)
    yield sockets()
    yield memory()
    yield port_free(port, host=host)
    yield open_files()
    yield accelerators(open_nvml())
    yield limits_enforced(cgroup_delegation())
    yield clock()


def python_version(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    text = ".".join(str(part) for part in version)
    if version >= OLDEST_PYTHON:
        return Finding("python", "ok", f"Python {text}")
    return Finding("python", "fail", f"Python {text} is too old", "install Python 3.11 or newer and make the environment anew")


def packages(requirements: Iterable[str] | None = None, *, extras: Iterable[str] = ("models",)) -> Iterator[Finding]:
    """Whether what Datahall needs is installed, from the metadata alone: nothing is imported.

    requirements: as in the metadata of a distribution; without it, Datahall's own.
    """
    if requirements is None:
        requirements = importlib.metadata.requires("datahall") or ()
    wanted = {"": [], **{extra: [] for extra in extras}}  # type: dict[str, list[str]]
    for requirement in requirements:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        extra = re.search(r"extra == ['\"]([^'\"]+)['\"]", requirement)
        if name and (group := extra[1] if extra else "") in wanted:
            wanted[group].append(name[0])
    for group, names in wanted.items():
        yield _installed(group, [name for name in names if not _version(name)], len(names))


def _installed(group: str, missing: list[str], count: int) -> Finding:
    title = f"packages [{group}]" if group else "packages"
    if not missing:
        return Finding(title, "ok", f"{count} installed")
    fix = f"pip install 'datahall[{group}]'" if group else "pip install --force-reinstall datahall"
    return Finding(title, "warn" if group else "fail", f"not installed: {', '.join(missing)}", fix)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def free_space(folder: Path, *, free_bytes: int | None = None) -> Finding:
    """Free space where `folder` is or will be."""
    if free_bytes is None:
        free_bytes = shutil.disk_usage(_existing(folder)).free
    what = f"{bytes_text(free_bytes)} free for {folder}"
    fix = "free some space, or point DATAHALL_HOME to a larger disk"
    return _by_size("disk", free_bytes, (FREE_WARN_BYTES, FREE_FAIL_BYTES), what, fix)


def memory(available_bytes: int | None = None) -> Finding:
    """Memory that a job could have now."""
    if available_bytes is None:
        limit = cgroup_limits().memory_bytes
        available_bytes = min(psutil.virtual_memory().available, limit or sys.maxsize)
    what = f"{bytes_text(available_bytes)} of memory available, {affinity_cpus()} CPUs"
    fix = "close other programs, or run training with a smaller batch"
    return _by_size("memory", available_bytes, (MEMORY_WARN_BYTES, MEMORY_FAIL_BYTES), what, fix)


def _by_size(name: str, size: float, bounds: tuple[float, float], what: str, fix: str) -> Finding:
    warn, fail = bounds
    if size >= warn:
        return Finding(name, "ok", what)
    return Finding(name, "warn" if size >= fail else "fail", what, fix)


def writable(folder: Path) -> Finding:
    """Whether the state folder can be made and written, and is nobody else's."""
    folder = folder.absolute()
    place = _existing(folder)
    if not place.is_dir():
        return Finding("state folder", "fail", f"{place} is a file", "remove it, or set DATAHALL_HOME to another folder")
    if not os.access(place, os.W_OK | os.X_OK):
        fix = f"give yourself permission (chown {os.getuid()} {place}), or set DATAHALL_HOME to a folder of your own"
        return Finding("state folder", "fail", f"{place} cannot be written", fix)
    if place == folder and folder.stat().st_mode & 0o022:
        return Finding("state folder", "warn", f"{folder} can be written by others", f"chmod go-w {folder}")
    return Finding("state folder", "ok", f"{folder} {'can be written' if place == folder else 'can be made'}")


def sockets(folder: Path | None = None) -> Finding:
    """Whether replicas can listen on unix sockets below the runtime folder: the kernel takes paths of 107 bytes only.

    folder: XDG_RUNTIME_DIR, or /tmp where that is not set.
    """
    folder = folder or Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108 - a folder of our own is made below it
    try:
        with tempfile.TemporaryDirectory(dir=folder) as own, socket.socket(socket.AF_UNIX) as probe:
            rest = len(SOCKET_NAME) - len(Path(own).name) - 1  # the folder's name is a part of it
            probe.bind(str(Path(own) / ("x" * rest)))
    except OSError as error:
        what = f"no unix socket can be made below {folder}: {error.strerror or error}"
        return Finding("sockets", "fail", what, "set XDG_RUNTIME_DIR to a short path that you may write")
    return Finding("sockets", "ok", f"unix sockets can be made below {folder}")


def port_free(port: int, *, host: str = "127.0.0.1") -> Finding:
    """Whether `up` could listen there, and who does if not."""
    if not 0 < port < 65536:
        return Finding("port", "fail", f"{port} is no port", "choose one between 1 and 65535")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            what = f"{host}:{port} is taken{_holder(port)}" if port >= 1024 else f"{host}:{port}: {error.strerror}"
            return Finding(
                "port", "warn", what, f"`datahall status` if that is Datahall; otherwise `datahall up --port {port + 1}`"
            )
    return Finding("port", "ok", f"{host}:{port} is free")


def _holder(port: int) -> str:
    try:
        taken = (c for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr and c.laddr.port == port)
        pid = next((connection.pid for connection in taken if connection.pid), None)
        return f" by {psutil.Process(pid).name()} (process {pid})" if pid else ""
    except psutil.Error:
        return ""


def open_files(limits: tuple[int, int] | None = None) -> Finding:
    """Whether enough files may be open: each connection and each log is one. limits: soft, hard."""
    soft, hard = limits or resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft > OPEN_FILES_WARN:
        return Finding("open files", "ok", f"{'no limit' if soft == resource.RLIM_INFINITY else soft}")
    what = f"at most {soft} files may be open, {hard} if asked for"
    return Finding(
        "open files", "warn", what, "ulimit -n 65536 before `datahall up`, or raise nofile in /etc/security/limits.conf"
    )


def accelerators(nvml: Nvml | NoNvml) -> Finding:
    if isinstance(nvml, NoNvml):
        return Finding("accelerators", "ok", f"none: {nvml.reason}; jobs run on the processor")
    models = [device.model for device in nvml.devices()]
    if not models:
        return Finding("accelerators", "warn", f"driver {nvml.driver_version}, but no device", "check the seating and `dmesg`")
    return Finding("accelerators", "ok", f"{len(models)} x {', '.join(dict.fromkeys(models))}, driver {nvml.driver_version}")


def limits_enforced(delegation: Delegation) -> Finding:
    """Which means will hold jobs to their CPUs and memory."""
    if delegation.folder is not None:
        return Finding("limits", "ok", f"cgroup v2 holds jobs to their CPUs and memory: {delegation.reason}")
    what = f"affinity, rlimits and a memory watchdog hold jobs to their limits: {delegation.reason}"
    fix = "for exact limits start with `systemd-run --user --scope -p Delegate=yes datahall up`"
    return Finding("limits", "warn", what, fix)


def clock(now_s: float | None = None, *, last_event_s: float = 0.0) -> Finding:
    """Whether the clock was set, and not set back. last_event_s: the newest instant on record."""
    now_s = time.time() if now_s is None else now_s
    fix = "set the clock (timedatectl set-ntp true)"
    if now_s < RELEASED_S:
        return Finding(
            "clock", "fail", f"the clock says {time.strftime('%Y-%m-%d', time.gmtime(now_s))}, before Datahall was made", fix
        )
    if now_s < last_event_s - 1:
        what = f"the clock stands {last_event_s - now_s:.0f} s before the newest event on record; time goes on from there"
        return Finding("clock", "warn", what, fix)
    return Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s)))


def _existing(folder: Path) -> Path:
    """The folder itself or the nearest one above it that is there."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())
