"""Reading what a worker wrote, across rotated files."""

from pathlib import Path

from datahall.foundation.errors import Missing, Problem

MAX_CHUNK_BYTES = 1024 * 1024


def log_files(job: Path, *, attempt: int, rank: int) -> list[Path]:
    """The worker's log files, oldest first."""
    folder = job / "attempts" / str(attempt) / str(rank)
    older = sorted(folder.glob("output.log.*"), key=lambda path: -int(path.suffix[1:]))
    newest = folder / "output.log"
    return [*older, *([newest] if newest.exists() else [])]


def read_log(job: Path, *, attempt: int, rank: int, offset: int, limit: int = MAX_CHUNK_BYTES) -> tuple[bytes, int]:
    """Bytes from `offset` of all files together, and where to go on. A negative offset counts from the end."""
    paths = log_files(job, attempt=attempt, rank=rank)
    sizes = [path.stat().st_size for path in paths]
    at = max(0, sum(sizes) + offset) if offset < 0 else min(offset, sum(sizes))
    start, data = at, b""
    for path, size in zip(paths, sizes, strict=True):
        if start < size and len(data) < limit:
            with path.open("rb") as file:
                file.seek(start)
                data += file.read(min(size - start, limit - len(data)))
        start = max(0, start - size)
    return data, at + len(data)


def check_rank(job_id: int, *, workers: int, rank: int, attempts: int, attempt: int) -> None:
    """Raises Missing when there is no such worker or attempt."""
    if not 0 <= rank < workers:
        raise Missing(Problem("LOG-001", f"job {job_id}", f"has no worker {rank}", f"choose 0 to {workers - 1}"))
    if not 1 <= attempt <= max(attempts, 1):
        raise Missing(Problem("LOG-002", f"job {job_id}", f"has no attempt {attempt}", f"choose 1 to {attempts}"))
