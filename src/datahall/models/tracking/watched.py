"""Which job folders need a look now: jobs that are over and taken in cost a `stat` now and then, and nothing else."""

import time
from collections.abc import Iterator
from pathlib import Path

SWEEP_INTERVAL_S = 30.0
"""Jobs that are over are looked at this often: a retry would be a new attempt."""


class WatchedJobs:
    """The folders below `jobs`, each due in every pass until it is `done`, and again once it has a new attempt."""

    def __init__(self, jobs: Path) -> None:
        self._jobs = jobs
        self._listed_ns = -1
        self._live: dict[int, Path] = {}
        self._done: dict[int, tuple[Path, int]] = {}
        self._sweep_at_s = 0.0

    def due(self) -> list[Path]:
        """Oldest first."""
        self._list()
        if time.monotonic() >= self._sweep_at_s:
            self._sweep()
        return [self._live[number] for number in sorted(self._live)]

    def done(self, folder: Path, attempts_ns: int) -> None:
        """Nothing more comes of it. attempts_ns: `attempts_ns` of the folder, from before it was read."""
        if self._live.pop(int(folder.name), None) is not None:
            self._done[int(folder.name)] = (folder, attempts_ns)

    def _list(self) -> None:
        """Take in new folders, and forget those that were removed."""
        try:
            changed_ns = self._jobs.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed_ns == self._listed_ns:
            return
        found = {int(path.name): path for path in job_folders(self._jobs)}
        self._done = {number: kept for number, kept in self._done.items() if number in found}
        self._live = {number: path for number, path in found.items() if number not in self._done}
        # A file system's clock ticks slowly: what is made within the same tick as this listing would be missed.
        self._listed_ns = changed_ns if time.time_ns() - changed_ns > 1_000_000_000 else -1

    def _sweep(self) -> None:
        for number, (folder, seen_ns) in list(self._done.items()):
            if attempts_ns(folder) != seen_ns:
                del self._done[number]
                self._live[number] = folder
        self._sweep_at_s = time.monotonic() + SWEEP_INTERVAL_S


def job_folders(jobs: Path) -> list[Path]:
    """All jobs, oldest first."""
    return sorted(_numbered(jobs), key=lambda path: int(path.name))


def attempts_ns(folder: Path) -> int:
    """Changes with every attempt of the job; 0 before the first."""
    try:
        return (folder / "attempts").stat().st_mtime_ns
    except OSError:
        return 0


def _numbered(jobs: Path) -> Iterator[Path]:
    return (path for path in jobs.iterdir() if path.name.isdigit()) if jobs.is_dir() else iter(())
