"""The process that takes runs, metrics, files and model versions into the store, exactly once, whatever is killed when.

    python -m datahall.models.tracking.ingest --home HOME --watch HOME/jobs      as they grow, until told to stop
    python -m datahall.models.tracking.ingest --home HOME --job-folder DIR …     what is there now, then end

It is a process of its own because MLflow takes a second and 150 MB to import, which happens at the first thing to take in.
Every write may be repeated without effect, and how far it has come is written down after each: so a kill between the two
means doing the last one again, and nothing else.
"""

import argparse
import contextlib
import ctypes
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
from datahall.models.tracking.job_folder import job_of, newest_attempt, newest_number
from datahall.models.tracking.offsets import Offsets
from datahall.models.tracking.requests import carry_out, waiting_requests
from datahall.models.tracking.step_jobs import is_step, take_step
from datahall.models.tracking.template import template_path
from datahall.models.tracking.user_jobs import has_store, take_user
from datahall.models.tracking.watched import WatchedJobs, attempts_ns

log = logging.getLogger(__name__)

INTERVAL_S = 1.0
LOCK_PATIENCE_S = 15.0
PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


class Store(Tracker, ModelRegistry, Protocol):
    """Both ports, as one adapter fills them."""


class Ingest:
    """One pass after another over requests and job folders."""

    def __init__(self, home: Path, open_store: Callable[[], Store]) -> None:
        """open_store: called when there is something to take in, and then once."""
        self._home, self._store = home, functools.cache(open_store)
        self._offsets = Offsets(home / "tracking" / "offsets")
        self._troubles: dict[Path, str] = {}

    def take(self, folders: Iterable[Path], over: Callable[[Path, int], None] = lambda _folder, _ns: None) -> None:
        """One pass. What goes wrong with one source is told once and tried again; the others go on.

        over: told of each folder of which nothing more comes, and its `attempts_ns`.
        """
        for folder in folders:
            seen_ns = attempts_ns(folder)  # before it is read: an attempt that begins meanwhile is not missed
            if self._guarded(folder, self._take_job):
                over(folder, seen_ns)
        for path in waiting_requests(self._home):  # after the jobs: a model's version names the run that made it
            self._guarded(path, self._take_request)

    def _take_request(self, path: Path) -> None:
        try:
            carry_out(path, self._store(), self._store())
        except Refused:
            path.rename(path.with_suffix(".refused"))
            raise

    def _take_job(self, folder: Path) -> bool:
        """Whether the job is over and all of it was taken in, now or before."""
        done = self._offsets.load(f"job-{folder.name}").get("done")
        if done is not None and done == newest_number(folder):
            return True
        job, attempt = job_of(folder), newest_attempt(folder)
        if job is None or attempt is None:
            return False
        if done != attempt.number:
            if is_step(job):
                take_step(job, attempt, self._store(), self._offsets)
            elif has_store(job) or job.command:
                take_user(job, attempt, self._store, self._offsets)
        return attempt.is_over

    def _guarded(self, path: Path, take: Callable[[Path], bool | None]) -> bool | None:
        try:
            result = take(path)
        except (DatahallError, OSError, sqlite3.Error, ValueError, LookupError, TypeError) as error:
            if self._troubles.get(path) != str(error):
                log.warning("%s: %s", path, error)
            self._troubles[path] = str(error)
            return None
        self._troubles.pop(path, None)
        return result


class Stop:
    """Set by a signal, and by the end of the parent."""

    def __init__(self, parent: int | None = None) -> None:
        """parent: the pid that started us, told by itself: asking for it here may be too late, and name who adopted us."""
        self._parent, self._asked = parent, threading.Event()

    def listen(self) -> None:
        """Stop on SIGTERM, on SIGINT and, on Linux at once, when the parent ends."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._asked.set())
        if self._parent is not None:
            with contextlib.suppress(OSError, AttributeError):  # elsewhere `wait` notices within its interval
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    def wait(self, timeout_s: float) -> bool:
        """Whether it is time to stop."""
        return self._is_orphan() or self._asked.wait(timeout_s) or self._is_orphan()

    def _is_orphan(self) -> bool:
        return self._parent is not None and os.getppid() != self._parent


def watch_command(home: Path, *, parent: int) -> list[str]:
    """What the process `parent`, the control plane, starts; it ends with it, or in order on SIGTERM."""
    words = ["--home", str(home), "--watch", str(home / "jobs"), "--parent", str(parent)]
    return [sys.executable, "-m", "datahall.models.tracking.ingest", *words]


def watch(ingest: Ingest, jobs: Path, *, interval_s: float, stop: Stop) -> None:
    """Pass after pass until `stop` is set; then a last one."""
    watched = WatchedJobs(jobs)
    while not stop.wait(interval_s):
        ingest.take(watched.due(), watched.done)
    ingest.take(watched.due(), watched.done)


def own(home: Path, *, patience_s: float = LOCK_PATIENCE_S, stop: Stop | None = None) -> int | None:
    """The lock that makes us the one process that takes in; None when `stop` came first.

    Raises Conflict when another takes in for longer than `patience_s`, Unavailable.
    """
    try:
        (home / "tracking").mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(home / "tracking" / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise files.unwritable(home, error) from error
    deadline, stop = time.monotonic() + patience_s, stop or Stop()
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                what = "another process takes runs into this store"
                raise Conflict(Problem("TRACK-005", str(home), what, "let it, or end it first")) from None
        if stop.wait(0.1):
            os.close(lock)
            return None


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
    parser.add_argument("--parent", type=int, metavar="PID", help="end when this process, which started us, has ended")
    parser.add_argument("--interval", type=float, default=INTERVAL_S, metavar="SECONDS")
    words = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s tracking: %(message)s")
    stop = Stop(words.parent)
    stop.listen()
    try:
        lock = own(words.home, patience_s=LOCK_PATIENCE_S, stop=stop)
    except DatahallError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the message of a command
        return error.exit_code
    if lock is None:
        return 0
    ingest = Ingest(words.home, lambda: open_mlflow(words.home))
    ingest.take(words.job_folder)
    if words.watch:
        make_template(words.home)
        watch(ingest, words.watch, interval_s=words.interval, stop=stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
