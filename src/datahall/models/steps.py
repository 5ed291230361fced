"""A step's process: reads `step.json` and `inputs/` in its working folder, leaves its result in `outputs/`.

    work/
      step.json        {"step": "train", "config": {...}}
      inputs/<name>/   what earlier steps made, read-only
      outputs/         what this step makes; taken only when the process ends with 0
      state/           checkpoints; survives a retry of the job
      metrics.jsonl    one line a logged point, read live by the platform

Run as `python -m datahall.models.steps` in that folder. Exit codes: 0 done, 1 the answer is no (a limit was missed),
2 bad input, 3 our fault, 75 stopped on request after a checkpoint.
"""

import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from datahall.foundation.errors import DatahallError, Problem, Refused
from datahall.foundation.registry import Registry

STOPPED_EXIT_CODE = 75

STEPS = Registry(
    "step",
    {
        "data": "datahall.models.data.step:run",
        "train": "datahall.models.train.step:run",
        "evaluate": "datahall.models.evaluate.step:run",
        "compress": "datahall.models.compress.step:run",
        "package": "datahall.models.serve.package:run",
    },
    group="datahall.steps",
)


class Stopped(Exception):
    """The step was asked to stop and has saved what it needs to go on later."""


class MetricLog:
    """Appends points to `metrics.jsonl` from a thread of its own, so that training never waits for the disk."""

    def __init__(self, path: Path, *, flush_interval_s: float = 0.25) -> None:
        self._path, self._interval_s = path, flush_interval_s
        self._points: list[str] = []
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._loop, name="metrics", daemon=True)
        self._thread.start()

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Note `values` at `step` (an epoch or a count of updates). Numbers only; NaN and inf are kept as text."""
        clean = {name: value if _finite(value) else str(value) for name, value in values.items()}
        line = json.dumps({"step": step, "at_s": time.time(), "values": clean})
        with self._lock:
            self._points.append(line)

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._closing.wait(self._interval_s):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            lines, self._points = self._points, []
        if lines:
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")


def _finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")  # noqa: PLR0124 - NaN differs from itself


class Step:
    """What a step's code gets: its configuration, its folders, its metrics and whether it should stop."""

    def __init__(self, folder: Path, name: str, config: Mapping[str, Any]) -> None:
        self.folder, self.name, self.config = folder, name, config
        self.outputs, self.state = folder / "outputs", folder / "state"
        self.outputs.mkdir(exist_ok=True)
        self.state.mkdir(exist_ok=True)
        self.metrics = MetricLog(folder / "metrics.jsonl")
        self.stop_requested = False

    def input(self, name: str) -> Path:
        """The folder that the step `name` made."""
        return self.folder / "inputs" / name

    @property
    def seed(self) -> int:
        return int(self.config["seed"])

    @property
    def cpus(self) -> int:
        """CPUs that this process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def say(self, text: str) -> None:
        """One line into the job's log."""
        print(text, flush=True)  # noqa: T201 - the job's log is its standard output

    def request_stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self.stop_requested = True


def load_step(folder: Path) -> Step:
    """The step that `folder/step.json` describes. Raises Refused."""
    try:
        data = json.loads((folder / "step.json").read_text(encoding="utf-8"))
        return Step(folder, str(data["step"]), data["config"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = Problem("STEP-001", str(folder / "step.json"), f"is not a step: {error}", "run it through `datahall run`")
        raise Refused(problem) from None


def main() -> int:
    """Run the step of the current folder; the exit code says how it ended."""
    try:
        step = load_step(Path.cwd())
        signal.signal(signal.SIGTERM, step.request_stop)
        run = STEPS.load(step.name)
        try:
            run(step)
        finally:
            step.metrics.close()
    except Stopped:
        return STOPPED_EXIT_CODE
    except DatahallError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr, flush=True)  # noqa: T201 - as above
        return error.exit_code
    return 0


if __name__ == "__main__":
    # Under its own name: otherwise `Stopped` here and the one that the steps raise would be two classes.
    sys.exit(importlib.import_module("datahall.models.steps").main())
