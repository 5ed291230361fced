"""A trace file in memory: bounded, unpacked, hashed."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from datahall.foundation.errors import Missing, Problem, Refused, TooLarge
from datahall.foundation.units import bytes_text

CHUNK_BYTES = 1 << 20
BOMB_RATIO, BOMB_FROM_BYTES = 200, 64 << 20
"""Traces of text shrink to a fifth or a tenth; what shrinks to a 200th of itself and is large is a trap."""
HEAD_BYTES = 65_536


@dataclass(frozen=True)
class Source:
    """A file's unpacked bytes, its name and the hash of the file as it lies there."""

    name: str
    data: bytes
    sha256: str

    @property
    def head(self) -> bytes:
        """Enough of the beginning to tell what it is."""
        return self.data[:HEAD_BYTES]


def load_source(path: Path, *, limit_bytes: int) -> Source:
    """Read a file, unpacking gzip, at most `limit_bytes` in memory.

    Raises Missing when it is not there, Refused when it is no regular file, empty or damaged, TooLarge beyond the limit.
    """
    name = str(path)
    if not path.exists():
        raise Missing(Problem("TWIN-002", name, "there is no such file", "check the path"))
    if not path.is_file():
        raise Refused(Problem("TWIN-002", name, "this is a folder, a device or a pipe, not a file", "name a file"))
    if path.stat().st_size > limit_bytes:
        raise _too_large(name, limit_bytes)
    raw = path.read_bytes()
    data = _unpacked(path, name, limit_bytes) if raw[:2] == b"\x1f\x8b" else raw
    if not data.strip():
        raise Refused(Problem("TWIN-002", name, "the file is empty", "name a file with jobs"))
    return Source(name, data, hashlib.sha256(raw).hexdigest())


def _unpacked(path: Path, name: str, limit_bytes: int) -> bytes:
    try:
        with path.open("rb") as packed, gzip.open(packed) as file:
            return _bounded(file, packed, name, limit_bytes)
    except (OSError, EOFError, zlib.error) as error:
        what = f"the gzip file is cut or damaged: {error}"
        raise Refused(Problem("TWIN-003", name, what, "copy or download it again")) from None


def _bounded(file: gzip.GzipFile, packed: IO[bytes], name: str, limit_bytes: int) -> bytes:
    parts, size = [], 0
    while chunk := file.read(CHUNK_BYTES):
        parts.append(chunk)
        size += len(chunk)
        if size > limit_bytes:
            raise _too_large(name, limit_bytes)
        if size > BOMB_FROM_BYTES and size > BOMB_RATIO * packed.tell():
            what = f"it unpacks to more than {size // max(1, packed.tell())} times its size: no log of jobs does"
            raise TooLarge(Problem("TWIN-004", name, what, "look at it before you trust it; unpack it by hand if it is right"))
    return b"".join(parts)


def _too_large(name: str, limit_bytes: int) -> TooLarge:
    what = f"it has more than {bytes_text(limit_bytes)} unpacked, which is the limit"
    return TooLarge(Problem("TWIN-004", name, what, "read a part of it, or raise limit_bytes"))
