"""One control plane for each database: a claim that ends with the process, however that ends.

Two homes may name the same database by DATAHALL_DATABASE; two writers would then hand out the same job numbers.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, text

from datahall.foundation import files
from datahall.foundation.errors import Conflict, Problem
from datahall.platform.store.database import database_name, engine_of, in_words, migrate, this_process

LOCK_KEY = 0x6461746168616C6C
"""`datahall` in ASCII: the number of PostgreSQL's advisory lock."""
HOLDER = text(
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (l.classid::bigint << 32 | l.objid::bigint) = :key"
)

Release = Callable[[], None]


def claimed_database(url: str) -> tuple[Engine, Release]:
    """A database of the newest shape that nobody else writes to. Raises Conflict, Refused, Unavailable."""
    engine = engine_of(url)
    with in_words(engine):
        release = claim(engine)
        try:
            migrate(engine)
        except BaseException:
            release()
            raise
    return engine, release


def claim(engine: Engine) -> Release:
    """Become the one writer of this database; what is returned gives it up. Raises Conflict naming the other writer."""
    return _claim_postgresql(engine) if engine.dialect.name == "postgresql" else _claim_file(engine)


def _claim_postgresql(engine: Engine) -> Release:
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}).scalar_one():
            connection.detach()  # the lock lives as long as this connection, so no pool may take it back
            return connection.close
        holder = connection.execute(HOLDER, {"key": LOCK_KEY}).scalar()
    except BaseException:
        connection.close()
        raise
    connection.close()
    raise _taken(engine, str(holder or "another control plane"))


def _claim_file(engine: Engine) -> Release:
    path = engine.url.database
    if not path or path == ":memory:":
        return lambda: None
    try:
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise files.unwritable(Path(path), error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 100, 0).decode(errors="replace")
        os.close(lock)
        raise _taken(engine, holder or "another control plane") from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, this_process().encode(), 0)

    def release() -> None:
        with contextlib.suppress(OSError):
            os.close(lock)

    return release


def _taken(engine: Engine, holder: str) -> Conflict:
    fix = "end that one with `datahall down`, or give this one a database of its own with DATAHALL_DATABASE"
    return Conflict(Problem("STORE-004", database_name(engine), f"{holder} is writing to it", fix))
