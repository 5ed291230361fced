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
from datahall.platform.lifecycle import Ending

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
        return files.is_locked(self.path / "lock")

    def shim_pid(self) -> int | None:
        """The pid of the shim once it has started its worker."""
        return self._pid("shim")

    def worker_pid(self) -> int | None:
        return self._pid("worker")

    def _pid(self, whose: str) -> int | None:
        data = self._read("started.json")
        pid = data.get(whose)
        return pid if isinstance(pid, int) and pid > 1 else None

    def end(self) -> WorkerEnd | None:
        """How the worker ended; None while it runs, when its shim was killed, or when the job wrote nonsense there."""
        data = self._read("end.json")
        try:
            return WorkerEnd(
                reason=str(Ending(data["reason"])),
                code=None if data["code"] is None else int(data["code"]),
                signal=None if data["signal"] is None else int(signal.Signals(data["signal"])),
                detail=str(data["detail"])[:2000],
                wall_s=max(0.0, float(data["wall_s"])),
                cpu_s=max(0.0, float(data["cpu_s"])),
                peak_memory_bytes=max(0, int(data["peak_memory_bytes"])),
                at_s=float(data["at_s"]),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def forget_launch(self) -> None:
        """Delete what was to be launched, where no shim lived to read it: it holds the values of secrets."""
        (self.path / "launch.json").unlink(missing_ok=True)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            data = json.loads(files.regular_bytes(self.path / name, limit=65_536))
        except (OSError, ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}
