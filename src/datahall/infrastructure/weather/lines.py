"""Lines of text files, packed or not, read one by one and within limits: a small .gz file may unpack to anything."""

import gzip
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from datahall.foundation.errors import Problem, Refused

MAX_BYTES = 64 * 1024 * 1024
"""Of the file unpacked: a year of 40 places has about 35 MB."""
MAX_LINES = 1_000_000
"""Hours of a hundred places."""
MAX_LINE_BYTES = 1024 * 1024


def lines_of(path: Path, *, max_lines: int = MAX_LINES) -> Iterator[str]:
    r"""A file's lines, unpacked where it ends in .gz, each with `\n` at its end.

    Raises Refused when it is no gzip file, no UTF-8 text, or too large; what is over a limit is not read.
    """
    if path.exists() and not path.is_file():  # a pipe that nobody writes to would be waited for
        raise _not_read(path, "is a folder, a device or a pipe")
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as text:
            yield from _bounded(path, text, max_lines)
    except (OSError, EOFError, zlib.error) as error:
        raise _not_read(path, f"cannot be read: {error}") from None
    except UnicodeDecodeError:
        raise _not_read(path, "is no UTF-8 text") from None


def _bounded(path: Path, text: TextIO, max_lines: int) -> Iterator[str]:
    size = 0
    for number in itertools.count(1):
        line = text.readline(MAX_LINE_BYTES + 1)
        if not line:
            return
        size += len(line)
        if number > max_lines:
            raise _too_large(path, number, f"more than {max_lines:,} lines")
        if len(line) > MAX_LINE_BYTES:
            raise _too_large(path, number, f"a line of more than {MAX_LINE_BYTES:,} characters")
        if size > MAX_BYTES:
            raise _too_large(path, number, f"more than {MAX_BYTES // 2**20} MiB, unpacked")
        yield line


def _too_large(path: Path, line: int, what: str) -> Refused:
    fix = "keep one year, and the places and columns that the hall uses"
    return Refused(Problem("INF-301", f"{path}:{line}", f"the file has {what}", fix))


def _not_read(path: Path, reason: str) -> Refused:
    fix = "name a CSV or EPW file, packed as .gz or not at all"
    return Refused(Problem("INF-301", str(path), f"the file {reason}", fix))
