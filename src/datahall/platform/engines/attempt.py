"""The folder of one worker's attempt: its lock, what was launched, how it ended."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datahall.foundation import files
from datahall.platform.engines import shim

SHIM = Path(shim.__file__)


@dataclass(frozen=True, slots=True)
class WorkerEnd:
    """What the shim wrote down when the worker was over."""

    reason: str
    code: int | None
    signal: int | None
    detail: str
    wall_s: float
    cpu_s: float
    peak_memory_bytes: int
    at_s: float


class AttemptFolder:
    """`jobs/<id>/attempts/<n>/<rank>`. Whoever holds its lock is the worker's shim, alive."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def launch(self, description: dict[str, Any]) -> int:
        """Start the shim; returns its pid. The lock passes from us to it without a gap. Raises Unavailable, OSError."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write_text(self.path / "launch.json", json.dumps(description), mode=0o600)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        # The shim inherits the mask: a stop that comes before it can listen waits for it instead of killing it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, shim.STOP_SIGNALS)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            command = [sys.executable, "-I", "-S", str(SHIM), str(self.path), str(lock)]
            with (self.path / "shim.log").open("ab") as log:
                process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                    command,
                    pass_fds=(lock,),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={"PATH": os.environ.get("PATH", os.defpath)},
                )
        finally:
            os.close(lock)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        process.returncode = 0  # the engine waits for it through a pidfd and reaps it itself
        return process.pid

    def is_alive(self) -> bool:
        """Whether a shim holds the lock."""
        try:
            lock = os.open(self.path / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def shim_pid(self) -> int | None:
        """The pid of the shim once it has started its worker."""
        data = self._read("started.json")
        return int(data["shim"]) if data else None

    def worker_pid(self) -> int | None:
        data = self._read("started.json")
        return int(data["worker"]) if data else None

    def end(self) -> WorkerEnd | None:
        """How the worker ended; None while it runs or when its shim was killed."""
        data = self._read("end.json")
        if data is None:
            return None
        return WorkerEnd(
            reason=str(data["reason"]),
            code=data["code"],
            signal=data["signal"],
            detail=str(data["detail"]),
            wall_s=float(data["wall_s"]),
            cpu_s=float(data["cpu_s"]),
            peak_memory_bytes=int(data["peak_memory_bytes"]),
            at_s=float(data["at_s"]),
        )

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            data: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return data
