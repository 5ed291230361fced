"""Files that are whole or absent: written beside their name, fsynced, renamed."""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from datahall.foundation.errors import Conflict, Missing, Problem, Refused, Unavailable


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path to write to; on success it takes the name `path`, on failure nothing is left.

    Raises Unavailable when the disk is full or may not be written.
    """
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.tmp")
    try:
        _refuse_devices(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink(missing_ok=True)


def _refuse_devices(path: Path) -> None:
    """A rename would put a file in the place of /dev/null."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.ENODEV, "it is a device or a pipe, not a file", str(path))


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `data` atomically. Raises Unavailable when the disk is full or may not be written."""
    with atomic_path(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write UTF-8 text atomically. Raises Unavailable like `write_bytes`."""
    write_bytes(path, text.encode(), mode=mode)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> Unavailable:
    """The error to raise when `path` could not be written."""
    fixes = {
        errno.ENOSPC: "free some space and run it again; what was there before is untouched",
        errno.EDQUOT: "free some of your disk quota and run it again; what was there before is untouched",
        errno.EACCES: "give yourself write permission there, or choose another folder",
        errno.EROFS: "choose a folder on a file system that can be written",
        errno.EISDIR: "name a file in that folder",
        errno.ENODEV: "name a file",
    }
    reason = error.strerror or str(error)
    return Unavailable(
        Problem("FILE-001", str(path), f"could not be written: {reason}", fixes.get(error.errno or 0, "check the path"))
    )


def open_regular(path: Path) -> BinaryIO:
    """Open a file that somebody else may have made. Raises OSError for pipes, devices and links, without waiting for them."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def regular_bytes(path: Path, *, limit: int) -> bytes:
    """At most `limit` bytes of such a file. Raises OSError like `open_regular`."""
    with open_regular(path) as file:
        return file.read(limit)


def is_locked(path: Path) -> bool:
    """Whether another process, or another opening of the file in this one, holds its lock."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def confined(folder: Path, relative: str) -> Path:
    """`folder / relative`, resolved, still inside `folder`. Raises Refused when it leads out of it."""
    problem = Problem(
        "FILE-002",
        relative[:200].replace("\0", "\\0"),
        "the path leads out of the folder it belongs to",
        "use a path inside the folder",
    )
    try:
        target = (folder / relative).resolve()
    except (ValueError, RuntimeError, OSError):  # a null character, a loop of links
        raise Refused(problem) from None
    if not target.is_relative_to(folder.resolve()):
        raise Refused(problem)
    return target


def is_within(folder: Path, path: Path) -> bool:
    """Whether `path`, with its links followed, stands in `folder` or below; a path that is no path does not."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (ValueError, RuntimeError, OSError):
        return False


def refuse_input(path: Path, inputs: Iterable[Path]) -> None:
    """Raises Refused when `path`, with its links followed, is one of the files that are read to make it."""
    for given in inputs:
        if _is_same(path, given):
            what = f"this is {given}, which is read: writing there would destroy it"
            raise Refused(Problem("FILE-003", str(path), what, "name another file to write to"))


def refuse_loss(path: Path, *, inputs: Iterable[Path], ours: Callable[[bytes], bool], force: bool) -> None:
    """Raises an error when writing to `path` would destroy an input or, unless forced, a file that is not one of `ours`.

    ours: tells by its content whether a file was written by the same command before. A folder that is not there is told
    too: a misspelt one is not made.
    """
    refuse_input(path, inputs)
    try:
        if not path.parent.exists():
            what = f"there is no folder {path.parent}"
            raise Missing(Problem("FILE-005", str(path), what, f"make it: mkdir -p {path.parent}; or choose another"))
        if not force and path.is_file() and not ours(path.read_bytes()):
            what = "a file is there that this command did not write"
            raise Conflict(Problem("FILE-004", str(path), what, "choose another name, or --force to replace it"))
    except (OSError, ValueError) as error:
        raise unwritable(path, error if isinstance(error, OSError) else OSError(errno.EINVAL, str(error))) from None


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one of them is not there
        return False
