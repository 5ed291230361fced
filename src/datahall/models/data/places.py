"""Where a source's files are looked up: beside the recipe, in DATAHALL_SHARED, in the download cache, at their URLs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from datahall.foundation.digest import file_digest
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.models.data.spec import Download
from datahall.platform.home import Home


def cache_folder() -> Path:
    """What may be deleted at any time: `cache` in the home folder, so that nothing is left elsewhere."""
    return Home.from_environment().root / "cache"


_CALLERS: ContextVar[str] = ContextVar("datahall_shared", default="")


@contextmanager
def shared_by_caller(folder: str) -> Iterator[None]:
    """Within the block, DATAHALL_SHARED is the caller's: a server's own environment knows nothing of its clients'."""
    token = _CALLERS.set(folder)
    try:
        yield
    finally:
        _CALLERS.reset(token)


def shared_folder() -> Path | None:
    """The folder of shared data that DATAHALL_SHARED names, if it does."""
    shared = _CALLERS.get() or os.environ.get("DATAHALL_SHARED")
    return Path(shared).expanduser() if shared else None


def kept_at(download: Download) -> Path:
    """Where a download is kept; its checksum is in the path, so equal names do not collide."""
    return cache_folder() / "downloads" / download.sha256[:12] / download.file


def candidates(name: str, *, folder: Path, downloads: Sequence[Download] = ()) -> list[Path]:
    """Places where `name` may stand, in the order in which they are tried."""
    path = Path(name).expanduser()
    found = [path] if path.is_absolute() else [folder / path]
    if not path.is_absolute() and (shared := shared_folder()) is not None:
        found.append(shared / path)
    return [*found, *(kept_at(download) for download in matching(name, downloads))]


def matching(name: str, downloads: Sequence[Download]) -> list[Download]:
    """The downloads that would provide `name`."""
    return [download for download in downloads if download.file == Path(name).name]


def present(name: str, *, folder: Path, downloads: Sequence[Download] = ()) -> Path | None:
    """The first place where `name` stands now. Raises Refused when the path cannot be a path."""
    try:
        return next((path for path in candidates(name, folder=folder, downloads=downloads) if path.exists()), None)
    except (OSError, ValueError) as error:
        what = f"cannot be looked up: {getattr(error, 'strerror', None) or error}"
        raise Refused(Problem("DATA-002", repr(name[:200]), what, "check the path and its permissions")) from None


def find(name: str, *, folder: Path, downloads: Sequence[Download] = ()) -> Path:
    """The file or folder `name`, downloaded when it stands nowhere and the recipe says from where.

    Raises Missing with every place that was looked at, Refused when its bytes are not those that the recipe declares.
    """
    path, declared = present(name, folder=folder, downloads=downloads), matching(name, downloads)
    if path is not None:
        if declared:
            check(path, declared[0])
        return path
    if not declared:
        raise Missing(_nowhere(name, folder))
    return fetch(declared[0], looked_at=candidates(name, folder=folder, downloads=downloads))


def check(path: Path, download: Download) -> None:
    """Raises Refused when the file is not the one that the recipe declares."""
    if path.is_file() and (seen := file_digest(path)) != download.sha256:
        what = f"its SHA-256 is {seen}, but the recipe declares {download.sha256} for {download.file}"
        raise Refused(Problem("DATA-004", str(path), what, "move the file away, or correct `sha256` in the recipe"))


def _nowhere(name: str, folder: Path) -> Problem:
    tried = " or ".join(str(path) for path in candidates(name, folder=folder))
    hint = "" if shared_folder() or Path(name).is_absolute() else ", or set DATAHALL_SHARED to the folder it is relative to"
    return Problem("DATA-002", name, f"there is no such file: looked for {tried}", f"put it there, correct the path{hint}")


def fetch(download: Download, *, looked_at: Sequence[Path] = ()) -> Path:
    """Download one file into the cache and check it. Raises Missing that says, offline, what to put where."""
    import pooch  # 0.3 s, and only needed here

    pooch.get_logger().setLevel("ERROR")
    target, failures = kept_at(download), []
    for url in download.urls:
        try:
            pooch.retrieve(url, f"sha256:{download.sha256}", fname=target.name, path=target.parent)
            return target
        except (OSError, ValueError) as error:
            failures.append(f"{url}: {str(error).splitlines()[0][:200] if str(error) else type(error).__name__}")
    tried = f"looked for {' and '.join(map(str, looked_at))}; " if looked_at else ""
    raise Missing(
        Problem(
            "DATA-002",
            download.file,
            f"{tried}downloading failed ({'; '.join(failures)})",
            f"get it from {' or '.join(download.urls)}, SHA-256 {download.sha256}, and put it at {target}",
        )
    )
