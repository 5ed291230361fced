"""CSV files of hours: read once, kept small, with the line of each row."""

import csv
import difflib
import functools
import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.infrastructure.weather.psychrometrics import Series

MAX_BYTES = 256 * 1024 * 1024
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Column:
    """Each row's text as a number into the distinct texts: a year of 16 places takes 4 bytes a cell."""

    labels: tuple[str, ...]
    codes: NDArray[np.int32]

    @functools.cached_property
    def _values(self) -> Series:
        return np.array([_number(label) for label in self.labels], dtype=np.float64)

    @functools.cached_property
    def times(self) -> tuple[datetime | None, ...]:
        """Each label as a time, in UTC where it names its zone; None where it is none."""
        return tuple(_time(label) for label in self.labels)

    def numbers(self, rows: Rows) -> Series:
        """Values of these rows; NaN where the text is no number."""
        return self._values[self.codes[rows]]

    def text(self, row: int) -> str:
        return self.labels[int(self.codes[row])]

    @property
    def is_text(self) -> bool:
        """Whether no cell is a number."""
        return bool(np.isnan(self._values).all())


@dataclass(frozen=True)
class Table:
    """A CSV file with one header line."""

    path: Path
    columns: Mapping[str, Column]
    lines: NDArray[np.intp]
    """Line in the file of each row; a quoted line end inside a cell would shift it."""

    @property
    def rows(self) -> Rows:
        return np.arange(len(self.lines), dtype=np.intp)

    def where(self, row: int) -> str:
        return f"{self.path}:{self.lines[row]}"


def status_of(path: Path, *, where: str | None = None) -> tuple[int, int]:
    """Modification time and size, by which a file that was read before is known again. Raises Refused when there is none."""
    try:
        status = path.stat()
        is_file = path.is_file()
    except (OSError, ValueError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
        raise Refused(Problem("INF-301", where or str(path), f"{path}: {reason}", _near_file(path))) from None
    if not is_file:
        raise Refused(Problem("INF-301", where or str(path), f"{path} is not a file", "name a CSV or EPW file"))
    return status.st_mtime_ns, status.st_size


def _near_file(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return "check the path; it is relative to the hall file"
    close = difflib.get_close_matches(path.name, names, n=3)
    return f"check the path; near: {', '.join(close)}" if close else "check the path; it is relative to the hall file"


@functools.lru_cache(maxsize=8)
def table_at(path: Path, status: tuple[int, int]) -> Table:
    """The CSV file at `path`, which may end in .gz; read once while its `status_of` stays the same.

    Raises Refused when it is no text or not a table.
    """
    # Tuples, since the garbage collector stops walking tuples of texts: a third off a file of 140,000 rows.
    rows = list(map(tuple, csv.reader(text_of(path).splitlines())))
    if not rows or len(rows[0]) < 1 or not any(rows[0]):
        raise Refused(Problem("INF-301", f"{path}:1", f"the file has no header line ({status[1]} bytes)", "name a CSV file"))
    header = [name.strip() for name in rows[0]]
    kept = [i for i in range(1, len(rows)) if rows[i]]
    for i in kept:
        if len(rows[i]) != len(header):
            what = f"the row has {len(rows[i])} columns, but the header has {len(header)}"
            raise Refused(Problem("INF-301", f"{path}:{i + 1}", what, "complete the row, or name a CSV file with commas"))
    cells: Iterable[tuple[str, ...]] = zip(*(rows[i] for i in kept), strict=True) if kept else [()] * len(header)
    columns = {name: _column(values) for name, values in zip(header, cells, strict=True)}
    return Table(path, columns, np.array(kept, dtype=np.intp) + 1)


def text_of(path: Path) -> str:
    """A file's text, unpacked. Raises Refused when it is no gzip file, no UTF-8 text, or larger than 256 MiB."""
    if path.exists() and not path.is_file():  # a pipe that nobody writes to would be waited for
        raise _not_read(path, "is a folder, a device or a pipe")
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) <= MAX_BYTES:
            return data.decode("utf-8-sig")
        reason = f"has more than {MAX_BYTES} bytes"
    except (OSError, EOFError, zlib.error) as error:
        reason = f"cannot be read: {error}"
    except UnicodeDecodeError as error:
        reason = f"is no UTF-8 text (byte {error.start})"
    raise _not_read(path, reason)


def _not_read(path: Path, reason: str) -> Refused:
    fix = "name a CSV or EPW file, packed as .gz or not at all"
    return Refused(Problem("INF-301", str(path), f"the file {reason}", fix))


def _column(values: tuple[str, ...]) -> Column:
    number = {label: i for i, label in enumerate(dict.fromkeys(values))}
    codes = np.fromiter(map(number.__getitem__, values), dtype=np.int32, count=len(values))
    return Column(tuple(number), codes)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def column_problems(table: Table, wanted: Mapping[str, str]) -> Iterator[Problem]:
    """INF-302 for each column that is not there. wanted: column -> the place that names it."""
    for name, where in wanted.items():
        if name not in table.columns:
            close = difflib.get_close_matches(name, list(table.columns), n=3)
            names = f"did you mean {' or '.join(close)}?" if close else f"columns: {', '.join(list(table.columns)[:20])}"
            yield Problem("INF-302", where, f"{table.path.name} has no column `{name}`", names)


def rows_with(table: Table, only: Mapping[str, str], *, where: str) -> Rows:
    """Rows in which each column holds the wanted text. Raises Refused when there are none; the columns must be there."""
    kept = np.ones(len(table.lines), dtype=bool)
    for name, value in only.items():
        column = table.columns[name]
        if value not in column.labels:
            close = difflib.get_close_matches(value, column.labels, n=3) or column.labels[:20]
            what = f"no row of {table.path.name} has `{value}` in `{name}`"
            raise Refused(Problem("INF-302", where, what, f"choose one of {', '.join(close)}"))
        kept &= column.codes == column.labels.index(value)
    if not kept.any():
        what = f"no row of {table.path.name} has {' and '.join(f'{k}: {v}' for k, v in only.items())}"
        raise Refused(Problem("INF-302", where, what, "keep fewer conditions under `only`"))
    return np.flatnonzero(kept)
