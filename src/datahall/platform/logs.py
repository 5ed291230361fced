"""Reading what a worker wrote, across rotated files."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from datahall.foundation import files
from datahall.foundation.errors import Missing, Problem

MAX_CHUNK_BYTES = 1024 * 1024
TRIES = 20


def log_files(folder: Path) -> list[Path]:
    """The worker's log files, oldest first."""
    older = sorted(folder.glob("output.log.[0-9]*"), key=lambda path: -int(path.suffix[1:]))
    newest = folder / "output.log"
    return [*older, *([newest] if newest.exists() else [])]


def read_log(job: Path, *, attempt: int, rank: int, offset: int, limit: int = MAX_CHUNK_BYTES) -> tuple[bytes, int]:
    """Bytes from `offset` on, counted from the worker's first, and where to go on. A negative offset counts from the end.

    What rotation has dropped meanwhile is skipped.
    """
    with _held(job / "attempts" / str(attempt) / str(rank)) as (gone, opened):
        sizes = [os.fstat(file.fileno()).st_size for file in opened]
        whole = gone + sum(sizes)
        at = max(gone, whole + offset) if offset < 0 else min(max(offset, gone), whole)
        start, data = at - gone, b""
        for file, size in zip(opened, sizes, strict=True):
            if start < size and len(data) < limit:
                file.seek(start)
                data += file.read(min(size - start, limit - len(data)))
            start = max(0, start - size)
        return data, at + len(data)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[tuple[int, list[BinaryIO]]]:
    """How many bytes are gone, and the files opened, as they were at one moment between two rotations."""
    for _ in range(TRIES):
        with contextlib.ExitStack() as stack:
            gone, oldest = _gone(folder)
            try:
                opened: list[BinaryIO] = [stack.enter_context(files.open_regular(path)) for path in log_files(folder)]
                still = [path.stat().st_ino for path in log_files(folder)]
            except FileNotFoundError:
                continue  # in the middle of a rotation
            inodes = [os.fstat(file.fileno()).st_ino for file in opened]
            same = inodes == still and _gone(folder) == (gone, oldest)
            if same and (oldest is None or inodes[:1] == [oldest]):
                yield gone, opened
                return
        time.sleep(0.001)
    raise Missing(Problem("LOG-003", str(folder), "the log turns over faster than it can be read", "ask again"))


def _gone(folder: Path) -> tuple[int, int | None]:
    """Bytes that rotation has dropped, and the inode of the oldest file that is left after that."""
    try:
        data = json.loads((folder / "gone.json").read_text(encoding="utf-8"))
        return int(data["bytes"]), int(data["oldest_inode"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, None


def check_rank(job_id: int, *, workers: int, rank: int, attempts: int, attempt: int) -> None:
    """Raises Missing when there is no such worker or attempt."""
    if not 0 <= rank < workers:
        raise Missing(Problem("LOG-001", f"job {job_id}", f"has no worker {rank}", f"choose 0 to {workers - 1}"))
    if not 1 <= attempt <= max(attempts, 1):
        most = max(attempts, 1)
        raise Missing(Problem("LOG-002", f"job {job_id}", f"has no attempt {attempt}", f"choose 1 to {most}"))
