"""A real platform with its HTTP face in this process, and a token for every role."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from datahall.interfaces.bootstrap import Platform
from datahall.interfaces.cli.main import entry
from datahall.interfaces.server import Server, embedded
from datahall.platform.home import Home
from datahall.platform.identity import Role


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("platform") / "home"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATAHALL_DATABASE", "DATAHALL_URL", "DATAHALL_TOKEN"):
            patch.delenv(name, raising=False)
        patch.setenv("DATAHALL_HOME", str(root))
        patch.setattr("datahall.interfaces.sidecar.Sidecar.start", lambda _sidecar: None)  # its imports take seconds
        with embedded(Home(root)) as made:
            for tenant in ("vision", "speech"):
                made.platform.identity.make_tenant(tenant, by="test")
            yield made


@pytest.fixture(scope="module")
def platform(server: Server) -> Platform:
    return server.platform


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    """A client without a token."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def token(platform: Platform) -> Callable[..., dict[str, str]]:
    """Headers of somebody: `token("member")`, `token("admin", "speech")`."""

    def make(role: str, tenant: str = "vision", **words: Any) -> dict[str, str]:
        _, secret = platform.identity.make_token(f"a-{role}", tenant=tenant, role=Role(role), by="test", **words)
        return {"Authorization": f"Bearer {secret}"}

    return make


@pytest.fixture(scope="module")
def admin(token: Callable[..., dict[str, str]]) -> dict[str, str]:
    return token("admin", "default")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file, to be stored."""
    made = tmp_path / "folder"
    made.mkdir()
    (made / "a.txt").write_text("hello")
    return made


@dataclass(frozen=True, slots=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Runs a command in this process, as if in a pipe."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["datahall", *words])
        handlers = list(logging.root.handlers)
        with pytest.raises(SystemExit) as ended:
            entry()
        for handler in set(logging.root.handlers) - set(handlers):
            handler.close()
        logging.root.handlers[:] = handlers  # `up` logs to the terminal, which is gone after this
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run
