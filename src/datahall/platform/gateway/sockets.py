"""Where replicas listen: short paths in a folder that only this user may enter."""

import hashlib
import os
import stat
from pathlib import Path

from datahall.foundation.errors import Problem, Unavailable

MAX_SOCKET_PATH_BYTES = 107
"""Linux: `sun_path` holds 108 bytes with the closing zero (man 7 unix)."""


def run_folder(home: Path) -> Path:
    """The folder for the sockets of the hall that keeps its state in `home`, made when missing, 0700.

    Not in `home` itself: a socket's path may have 107 bytes only. The same home gives the same folder, so that a control
    plane that was started anew finds the replicas that still run. Raises Unavailable when the folder is not ours alone.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    parent = Path(base) if base and Path(base).is_dir() and len(base) < 60 else Path("/tmp")  # noqa: S108 - checked below
    folder = parent / f"datahall-{os.getuid()}-{_short(str(home.resolve()))}"
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        what = "is not a folder of yours that nobody else may enter"
        raise Unavailable(Problem("GATE-050", str(folder), what, "remove it, or set XDG_RUNTIME_DIR to a folder of your own"))
    return folder


def socket_path(folder: Path, replica: str) -> str:
    """Where the replica listens. Raises Unavailable when `folder` is too long for a socket."""
    path = str(folder / f"{_short(replica)}.sock")
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        what = f"is too long for a unix socket ({MAX_SOCKET_PATH_BYTES} bytes at most)"
        raise Unavailable(Problem("GATE-051", path, what, "set XDG_RUNTIME_DIR to a shorter folder"))
    return path


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
