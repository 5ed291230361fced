"""One attempt of a job on this machine: its workers' folders and processes, from start to end."""

import contextlib
import os
import shutil
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datahall.platform.engines.attempt import AttemptFolder, WorkerEnd
from datahall.platform.engines.environment import environment_of, free_ports
from datahall.platform.lifecycle import Ending
from datahall.platform.ports import Launch, Stage

LOG_BYTES, LOG_KEEP = 16 * 1024 * 1024, 3
GRACE_S = 10.0
OPEN_FILES = 4096


@dataclass(slots=True)
class Run:
    """The processes of one attempt. `pids` holds the shims that are still alive, by rank."""

    launch: Launch
    folder: Path
    """`jobs/<id>`"""
    pids: dict[int, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop_reason: str = ""
    launched: bool = False
    """Whether any worker was started; set under the lock."""

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def rank_folder(self, rank: int) -> AttemptFolder:
        return AttemptFolder(self.folder / "attempts" / str(self.launch.attempt) / str(rank))

    def ranks(self) -> range:
        return range(self.launch.spec.workers)

    def lay_out(self, stage: Stage) -> None:
        """Make the working folder: kept over retries, so that a command finds its own checkpoints; outputs start empty."""
        state = self.folder / "state"
        for path in (self.folder, self.work, state, self.work / "tmp"):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(self.work / "outputs", ignore_errors=True)
        (self.work / "outputs").mkdir(mode=0o700)
        with contextlib.suppress(FileExistsError):
            (self.work / "state").symlink_to(state)
        stage.prepare(self.launch.spec, self.work)

    def descriptions(self, stage: Stage, *, cores: list[int], groups: list[str | None]) -> list[dict[str, Any]]:
        """What each worker's shim reads."""
        spec = self.launch.spec
        ports = free_ports(1 + (spec.workers if spec.workers > 1 else 0))
        given = stage.environment(spec, self.work)
        return [
            {
                "argv": list(spec.command),
                "env": environment_of(self.launch, rank, ports=ports, work=self.work, state=self.folder / "state", given=given),
                "cwd": str(self.work),
                "cpus": cores,
                "rlimits": {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": OPEN_FILES},
                "memory_bytes": spec.memory,
                "time_limit_s": spec.time_limit,
                "grace_s": GRACE_S,
                "log_bytes": LOG_BYTES,
                "log_keep": LOG_KEEP,
                "cgroup": groups[rank],
            }
            for rank in self.ranks()
        ]

    def signal_all(self, number: int) -> None:
        """Send a signal to every living shim; SIGTERM makes it stop its worker in order."""
        for pid in list(self.pids.values()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self, reason: str) -> None:
        with self.lock:
            self.stop_reason = self.stop_reason or reason
            self.signal_all(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to every worker; their shims write the end down."""
        for rank in self.ranks():
            pid = self.rank_folder(rank).worker_pid() if self.rank_folder(rank).is_alive() else None
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def find_survivors(self, *, patience_s: float = 5.0) -> dict[int, int]:
        """Rank -> pid of shims that outlived the last control plane."""
        alive = {rank: pid for rank in self.ranks() if (pid := _pid_of_living(self.rank_folder(rank), patience_s))}
        for rank in self.ranks():
            if rank not in alive:
                self.rank_folder(rank).forget_launch()
        return alive

    def was_never_launched(self) -> bool:
        """Whether the last control plane died between the decision and the first process: not even a lock was made."""
        return not any((self.rank_folder(rank).path / "lock").exists() for rank in self.ranks())

    def ends(self) -> list[WorkerEnd | None]:
        return [self.rank_folder(rank).end() for rank in self.ranks()]


def _pid_of_living(folder: AttemptFolder, patience_s: float) -> int | None:
    deadline = time.monotonic() + patience_s
    while folder.is_alive():
        pid = folder.shim_pid()
        if pid is not None:
            return pid
        if time.monotonic() > deadline:
            return None
        time.sleep(0.01)  # it was launched a moment before the control plane died and has not written its pid yet
    return None


def ending_of(ends: list[WorkerEnd | None]) -> tuple[Ending, int | None, str]:
    """How the gang ended: well if all did, otherwise as the first worker that failed by itself."""
    known = [(rank, end) for rank, end in enumerate(ends) if end is not None]
    failed = [(rank, end) for rank, end in known if end.reason != "stopped" and (end.reason != "exited" or end.code != 0)]
    if failed:
        rank, end = min(failed, key=lambda pair: pair[1].at_s)
        return _ending(end), end.code, _detail(end, rank, len(ends))
    if len(known) < len(ends):
        missing = next(rank for rank, end in enumerate(ends) if end is None)
        return Ending.LOST, None, f"worker {missing} left no word of its end"
    stopped = [end for _, end in known if end.reason == "stopped"]
    if stopped:
        return Ending.STOPPED, stopped[0].code, ""
    return Ending.EXITED, 0, ""


def _ending(end: WorkerEnd) -> Ending:
    return Ending(end.reason)


def _detail(end: WorkerEnd, rank: int, workers: int) -> str:
    parts = [f"worker {rank}"] if workers > 1 else []
    if end.signal is not None and end.reason == "exited":
        parts.append(f"killed by {signal.Signals(end.signal).name}")
    if end.detail:
        parts.append(end.detail)
    return ", ".join(parts)
