"""Working folders and logs of jobs that ended long ago: deleted on request, their rows and artifacts stay."""

import os
import shutil
from pathlib import Path

from sqlalchemy import Engine, select

from datahall.foundation.files import is_locked
from datahall.platform.store import schema
from datahall.platform.store.queries import LIVE, reading

CHUNK = 500


def prune_job_folders(engine: Engine, jobs: Path, *, ended_before_s: float) -> tuple[int, int]:
    """Delete `jobs/<id>` of every job that ended before then. Returns how many, and the bytes freed.

    A folder with a living shim stays, whatever the database says: better a folder too many than a worker without one.
    """
    numbers = [int(path.name) for path in jobs.iterdir() if path.name.isdigit()] if jobs.is_dir() else []
    count = freed = 0
    for start in range(0, len(numbers), CHUNK):
        for number in _ended(engine, numbers[start : start + CHUNK], ended_before_s):
            folder = jobs / str(number)
            if not any(is_locked(lock) for lock in folder.glob("attempts/*/*/lock")):
                freed += _size_bytes(folder)
                shutil.rmtree(folder, ignore_errors=True)
                count += 1
    return count, freed


def _ended(engine: Engine, numbers: list[int], before_s: float) -> list[int]:
    table = schema.jobs
    over = table.c.state.not_in(LIVE) & (table.c.ended_s < before_s)
    with reading(engine) as connection:
        return list(connection.execute(select(table.c.id).where(table.c.id.in_(numbers) & over)).scalars())


def _size_bytes(folder: Path) -> int:
    return sum((Path(parent) / name).lstat().st_size for parent, _, names in os.walk(folder, onerror=None) for name in names)
