"""CSV files of hours: read once, kept small, with the line of each row."""

import csv
import difflib
import functools
import itertools
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.infrastructure.weather.lines import lines_of
from datahall.infrastructure.weather.psychrometrics import Series

MAX_COLUMNS = 1000
MAX_CELLS = 20_000_000
PART_ROWS = 10_000
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
        """Each label as a time, with its offset from UTC where it names one; None where it is none."""
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
    """Line in the file on which each row begins."""
    quotes: bool = True
    """Whether problems may repeat what stands in it: not for a file from outside the hall's folder, which may be no table."""

    @property
    def rows(self) -> Rows:
        return np.arange(len(self.lines), dtype=np.intp)

    def where(self, row: int) -> str:
        return f"{self.path}:{self.lines[row]}"

    def quoted(self, text: str) -> str:
        """A cell's text for a problem, or what stands for it."""
        return f"`{text[:40]}`" if self.quotes else "a text that is not repeated here"


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
def table_at(path: Path, status: tuple[int, int], *, quotes: bool = True) -> Table:
    """The CSV file at `path`, which may end in .gz; read once while its `status_of` stays the same.

    quotes: whether problems may repeat what stands in the file.
    Raises Refused when it is no text, not a table, or too large for a year of hours.
    """
    rows = _rows(path)
    header = [name.strip() for name in next(rows, (1, []))[1]]
    if not any(header):
        raise Refused(Problem("INF-301", f"{path}:1", f"the file has no header line ({status[1]} bytes)", "name a CSV file"))
    if len(header) > MAX_COLUMNS:
        what = f"the header has {len(header):,} columns, but at most {MAX_COLUMNS:,} are read"
        raise Refused(Problem("INF-301", f"{path}:1", what, "keep the columns that the hall uses"))
    made = _Made(len(header))
    while part := list(itertools.islice(rows, PART_ROWS)):
        _refuse_uneven(path, part, len(header), made)
        made.add(part)
    columns = [Column(tuple(number), np.array(codes, dtype=np.int32)) for number, codes in zip(*made.cells, strict=True)]
    return Table(path, dict(zip(header, columns, strict=True)), np.array(made.lines, dtype=np.intp), quotes)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, each with the line on which it begins."""
    reader = csv.reader(lines_of(path))
    begins = 1
    try:
        for row in reader:
            if row or begins == 1:
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        what, fix = f"the row that begins here cannot be read: {error}", "close its quotes, or name a CSV file with commas"
        raise Refused(Problem("INF-301", f"{path}:{begins}", what, fix)) from None


def _refuse_uneven(path: Path, part: Sequence[tuple[int, list[str]]], width: int, made: "_Made") -> None:
    for line, row in part:
        if len(row) != width:
            what = f"the row has {len(row)} columns, but the header has {width}"
            raise Refused(Problem("INF-301", f"{path}:{line}", what, "complete the row, or name a CSV file with commas"))
    if (len(made.lines) + len(part)) * width > MAX_CELLS:
        what = f"the file has more than {MAX_CELLS:,} cells"
        fix = "keep one year, and the places and columns that the hall uses"
        raise Refused(Problem("INF-301", f"{path}:{part[-1][0]}", what, fix))


class _Made:
    """Columns in the making: texts by number are kept once, however long the file is."""

    def __init__(self, width: int) -> None:
        self.lines = array("q")
        self.cells: tuple[list[dict[str, int]], list[array[int]]] = ([{} for _ in range(width)], [])
        self.cells[1].extend(array("i") for _ in range(width))

    def add(self, part: Sequence[tuple[int, list[str]]]) -> None:
        self.lines.extend(line for line, _ in part)
        for number, codes, values in zip(*self.cells, zip(*(row for _, row in part), strict=True), strict=True):
            for label in dict.fromkeys(values):
                number.setdefault(label, len(number))
            codes.extend(map(number.__getitem__, values))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def column_problems(table: Table, wanted: Mapping[str, str]) -> Iterator[Problem]:
    """INF-302 for each column that is not there. wanted: column -> the place that names it."""
    for name, where in wanted.items():
        if name not in table.columns:
            close = difflib.get_close_matches(name, list(table.columns), n=3)
            names = f"did you mean {' or '.join(close)}?" if close else f"columns: {', '.join(list(table.columns)[:20])}"
            if not table.quotes:
                names = "check the name; those of a file outside the hall's folder are not told"
            yield Problem("INF-302", where, f"{table.path.name} has no column `{name}`", names)


def rows_with(table: Table, only: Mapping[str, str], *, where: str) -> Rows:
    """Rows in which each column holds the wanted text. Raises Refused when there are none; the columns must be there."""
    kept = np.ones(len(table.lines), dtype=bool)
    for name, value in only.items():
        column = table.columns[name]
        if value not in column.labels:
            close = difflib.get_close_matches(value, column.labels, n=3) or column.labels[:20]
            what = f"no row of {table.path.name} has `{value}` in `{name}`"
            fix = f"choose one of {', '.join(close)}" if table.quotes else "check the text and the column"
            raise Refused(Problem("INF-302", where, what, fix))
        kept &= column.codes == column.labels.index(value)
    if not kept.any():
        what = f"no row of {table.path.name} has {' and '.join(f'{k}: {v}' for k, v in only.items())}"
        raise Refused(Problem("INF-302", where, what, "keep fewer conditions under `only`"))
    return np.flatnonzero(kept)
