"""The process that takes runs, metrics, files and model versions into the store, exactly once, whatever is killed when.

    python -m datahall.models.tracking.ingest --home HOME --watch HOME/jobs      as they grow, until told to stop
    python -m datahall.models.tracking.ingest --home HOME --job-folder DIR …     what is there now, then end

It is a process of its own because MLflow takes a second and 150 MB to import, which happens at the first thing to take in.
Every write may be repeated without effect, and how far it has come is written down after each: so a kill between the two
means doing the last one again, and nothing else.
"""

import argparse
import fcntl
import functools
import importlib.util
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from datahall.foundation import files
from datahall.foundation.errors import Conflict, DatahallError, Problem, Refused, Unavailable
from datahall.models.ports import ModelRegistry, Tracker
from datahall.models.tracking.job_folder import job_of, newest_attempt
from datahall.models.tracking.offsets import Offsets
from datahall.models.tracking.requests import carry_out, waiting_requests
from datahall.models.tracking.step_jobs import is_step, take_step
from datahall.models.tracking.template import template_path
from datahall.models.tracking.user_jobs import has_store, take_user

log = logging.getLogger(__name__)

INTERVAL_S = 1.0
FINISHED_INTERVAL_S = 30.0
"""Jobs that are over are looked at this often: a retry would be a new attempt."""
LOCK_PATIENCE_S = 15.0


class Store(Tracker, ModelRegistry, Protocol):
    """Both ports, as one adapter fills them."""


class Ingest:
    """One pass after another over requests and job folders."""

    def __init__(self, home: Path, open_store: Callable[[], Store]) -> None:
        """open_store: called when there is something to take in, and then once."""
        self._home, self._store = home, functools.cache(open_store)
        self._offsets = Offsets(home / "tracking" / "offsets")
        self._rest: dict[Path, float] = {}
        self._troubles: dict[Path, str] = {}

    def take(self, folders: Iterable[Path]) -> None:
        """One pass. What goes wrong with one source is told once and tried again; the others go on."""
        for folder in folders:
            if time.monotonic() >= self._rest.get(folder, 0.0):
                self._guarded(folder, self._take_job)
        for path in waiting_requests(self._home):  # after the jobs: a model's version names the run that made it
            self._guarded(path, self._take_request)

    def _take_request(self, path: Path) -> None:
        try:
            carry_out(path, self._store(), self._store())
        except Refused:
            path.rename(path.with_suffix(".refused"))
            raise

    def _take_job(self, folder: Path) -> None:
        job, attempt = job_of(folder), newest_attempt(folder)
        if job is None or attempt is None:
            return
        if self._offsets.load(f"job-{job.id}").get("done") != attempt.number:
            if is_step(job):
                take_step(job, attempt, self._store(), self._offsets)
            elif has_store(job) or job.command:
                take_user(job, attempt, self._store, self._offsets)
        if attempt.is_over:
            self._rest[folder] = time.monotonic() + FINISHED_INTERVAL_S

    def _guarded(self, path: Path, take: Callable[[Path], None]) -> None:
        try:
            take(path)
            self._troubles.pop(path, None)
        except (DatahallError, OSError, sqlite3.Error, ValueError, LookupError, TypeError) as error:
            if self._troubles.get(path) != str(error):
                log.warning("%s: %s", path, error)
            self._troubles[path] = str(error)


def watch_command(home: Path) -> list[str]:
    """What the control plane starts as a child of its own; it ends with its parent, or in order on SIGTERM."""
    return [sys.executable, "-m", "datahall.models.tracking.ingest", "--home", str(home), "--watch", str(home / "jobs")]


def job_folders(jobs: Path) -> list[Path]:
    """All jobs, oldest first."""
    found = [path for path in jobs.iterdir() if path.name.isdigit()] if jobs.is_dir() else []
    return sorted(found, key=lambda path: int(path.name))


def watch(ingest: Ingest, jobs: Path, *, interval_s: float, stop: threading.Event) -> None:
    """Pass after pass until `stop` is set or our parent is gone; then a last one."""
    parent = os.getppid()
    while not stop.wait(interval_s) and os.getppid() == parent:
        ingest.take(job_folders(jobs))
    ingest.take(job_folders(jobs))


def own(home: Path, *, patience_s: float = LOCK_PATIENCE_S) -> int:
    """Become the one process that takes in. Raises Conflict when another does for long, Unavailable."""
    try:
        (home / "tracking").mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(home / "tracking" / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise files.unwritable(home, error) from error
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                what = "another process takes runs into this store"
                raise Conflict(Problem("TRACK-005", str(home), what, "let it, or end it first")) from None
        time.sleep(0.1)


def open_mlflow(home: Path) -> Store:
    """The store of `home`. Raises Unavailable, also when MLflow is not installed."""
    try:
        from datahall.models.tracking.mlflow_store import MlflowStore
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        what = f"runs wait to be taken in, but the Python package `{package}` is not installed"
        fix = "run pip install 'datahall[models]'; nothing is lost meanwhile"
        raise Unavailable(Problem("TRACK-006", str(home), what, fix)) from error
    return MlflowStore(home)


def make_template(home: Path) -> None:
    """Make the template for users' jobs, in a process of its own: ours has no need of MLflow yet."""
    if importlib.util.find_spec("mlflow") and not template_path(home).is_file():
        command = [sys.executable, "-m", "datahall.models.tracking.template", str(template_path(home))]
        subprocess.run(command, check=False)  # noqa: S603 - our own program, no shell


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 another process does this already."""
    parser = argparse.ArgumentParser(prog="python -m datahall.models.tracking.ingest", description=__doc__.split("\n")[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--watch", type=Path, metavar="JOBS")
    parser.add_argument("--job-folder", type=Path, nargs="*", default=[])
    parser.add_argument("--interval", type=float, default=INTERVAL_S, metavar="SECONDS")
    words = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s tracking: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        own(words.home, patience_s=LOCK_PATIENCE_S)
    except DatahallError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the message of a command
        return error.exit_code
    ingest = Ingest(words.home, lambda: open_mlflow(words.home))
    ingest.take(words.job_folder)
    if words.watch:
        make_template(words.home)
        watch(ingest, words.watch, interval_s=words.interval, stop=stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
