"""Opening the database: pragmas, migrations, and what went wrong in words."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from datahall.foundation.errors import Problem, Refused, Unavailable

LOCK_WAIT_S = 5.0
MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str) -> Engine:
    """An engine on a database of the newest shape. Raises Refused on a bad URL, Unavailable when it cannot be used."""
    engine = engine_of(url)
    with in_words(engine):
        migrate(engine)
    return engine


@contextlib.contextmanager
def in_words(engine: Engine) -> Iterator[None]:
    """For opening: whatever fails inside closes the engine, and a failure of the database becomes Unavailable."""
    try:
        yield
    except BaseException as error:
        engine.dispose()
        if isinstance(error, DBAPIError):
            raise unavailable(error, engine) from error
        raise


def engine_of(url: str) -> Engine:
    """An engine that has not connected yet. Raises Refused on a bad URL."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "postgresql":
            named = {"application_name": this_process()}
            driver = parsed.set(drivername="postgresql+psycopg")
            return create_engine(driver, pool_size=4, pool_pre_ping=True, connect_args=named)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise _bad_url(str(error)) from None
    if backend != "sqlite":
        raise _bad_url(f"the backend is {backend}")
    engine = create_engine(parsed, connect_args={"timeout": LOCK_WAIT_S, "check_same_thread": False})
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _bad_url(seen: str) -> Refused:
    fix = "use sqlite:////path/to/file.db or postgresql://user@host/name (extra: datahall[postgres])"
    return Refused(Problem("STORE-001", "database URL", f"cannot be used: {seen}", fix))


def _pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, so that a reader never upgrades into a deadlock
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    mode = "" if connection.get_execution_options().get("datahall_read") else " IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN{mode}")


def migrate(engine: Engine) -> None:
    """Bring the tables up to this version's shape, in one transaction a step. Raises Refused when they are newer."""
    from alembic import command  # noqa: PLC0415 - takes 0.4 s to import; only a start needs it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        if _current(connection) == newest:
            return
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            fix = "run the newer Datahall that made it, or point DATAHALL_HOME elsewhere"
            raise Refused(Problem("STORE-002", database_name(engine), f"was made by another version: {error}", fix)) from None


def _current(connection: Any) -> str | None:
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above

    return MigrationContext.configure(connection).get_current_revision()


def unavailable(error: DBAPIError, engine: Engine) -> Unavailable:
    """A database error in words: locked, full, read-only, damaged."""
    text = str(error.orig)
    fixes = {
        "locked": "close the other program that writes to it (`fuser` names it)",
        "full": "free some space; nothing that was acknowledged is lost",
        "readonly": "give yourself write permission on the file and its folder",
        "malformed": "restore it from a backup",
        "not a database": "move the file away or point DATAHALL_HOME elsewhere",
        "unable to open": "check that the folder exists and may be written",
    }
    fix = next((fix for word, fix in fixes.items() if word in text), "check that it runs and can be reached")
    return Unavailable(Problem("STORE-003", database_name(engine), first_line(text), fix))


def first_line(text: str) -> str:
    """What a driver says goes on over several lines; the first one names the trouble."""
    return next(iter(text.strip().splitlines()), "it failed without a word")[:300]


def this_process() -> str:
    """How another control plane sees this one: `datahall on host, process 17`."""
    return f"datahall on {os.uname().nodename[:30]}, process {os.getpid()}"


def database_name(engine: Engine) -> str:
    """The file or the database, without any password."""
    return engine.url.database or engine.url.render_as_string(hide_password=True)


def private_file(path: Path) -> None:
    """Make sure that a database file exists and only its owner may read it, before SQLite makes it 0644."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
