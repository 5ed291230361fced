"""The tracking's process beside the control plane: started with it, started again when it ends, ended with it."""

import contextlib
import logging
import os
import signal
import subprocess
import threading

from datahall.models.tracking.ingest import watch_command
from datahall.platform.home import Home

log = logging.getLogger(__name__)
PAUSE_S, MAX_PAUSE_S = 1.0, 60.0
GRACE_S = 8.0
"""Killed after that: what it did not get to, it takes in at the next start."""


class Sidecar:
    """Keeps one child alive; without it everything else works, and what it missed it takes in later."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="tracking", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _keep(self) -> None:
        pause_s = PAUSE_S
        while not self._stopping.is_set():
            with (self._home.logs / "tracking.log").open("ab") as said:
                command = watch_command(self._home.root, parent=os.getpid())
                # This thread outlives the child: Linux tells the child when the thread that started it ends.
                self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                    command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
                )
            code = self._process.wait()
            if not self._stopping.is_set():
                log.warning("the tracking ended with %s; it is started again in %g s", code, pause_s)
                self._stopping.wait(pause_s)
                pause_s = min(pause_s * 2, MAX_PAUSE_S)

    def stop(self) -> None:
        """Let it take in what is there, then end it."""
        self._stopping.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
        self._thread.join()
