"""Replicas as plain child processes: for tests, benchmarks and embedding. A hall runs them as service jobs instead."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from datahall.platform.gateway.ports import ReplicaPlan, ReplicaReport

_LAST_BYTES = 2000


class LocalRunner:
    """Starts replicas as children of this process, each with a log file of its own."""

    def __init__(self, bundle_folder: Callable[[str], Path], *, logs: Path) -> None:
        """bundle_folder: where the bundle of an artifact id lies. logs: folder for what replicas write to standard error."""
        self._bundle_folder, self._logs = bundle_folder, logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._plans: dict[str, ReplicaPlan] = {}

    async def start(self, plan: ReplicaPlan) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, *plan.arguments(self._bundle_folder(plan.bundle))]
        with self._log(plan.replica).open("wb") as file:
            process = await asyncio.to_thread(
                subprocess.Popen, command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )
        self._processes[plan.replica], self._plans[plan.replica] = process, plan

    async def stop(self, replica: str, *, kill: bool = False) -> None:
        process = self._processes.get(replica)
        if process is not None and process.poll() is None:
            process.kill() if kill else process.terminate()

    async def report(self, replica: str) -> ReplicaReport:
        process = self._processes.get(replica)
        if process is None:
            return ReplicaReport("ended", "it was never started")
        if process.poll() is None:
            return ReplicaReport("running")
        return ReplicaReport("ended", self._last_words(replica) or f"it ended with code {process.returncode}")

    async def survivors(self) -> Sequence[ReplicaPlan]:
        return [plan for name, plan in self._plans.items() if self._processes[name].poll() is None]

    def pid(self, replica: str) -> int:
        """The replica's process id."""
        return self._processes[replica].pid

    def close(self) -> None:
        """Kill what still runs and wait for it."""
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()

    def _log(self, replica: str) -> Path:
        return self._logs / f"{replica}.log"

    def _last_words(self, replica: str) -> str:
        with self._log(replica).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LAST_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""
