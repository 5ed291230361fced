"""Text with one row per line as cells, split by whole-array operations: a million rows in a second or two.

n: rows that have as many cells as the head. Rows with more or fewer are findings.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.findings import Findings

MAX_CELL = 4096
"""Bytes of one cell. An array is as wide as its widest cell: one endless cell must not take the memory of all."""
CHUNK_ROWS = 1 << 16
NEWLINE, RETURN, SPACE = 10, 13, 32

Cells = NDArray[np.bytes_]
Offsets = NDArray[np.signedinteger[Any]]


def texts_of(cells: Cells) -> NDArray[np.str_]:
    """Text without blanks around it, as an array; bytes that are no UTF-8 are escaped."""
    try:
        return np.strings.strip(cells.astype(np.str_))  # the fast way takes ASCII only
    except UnicodeDecodeError:
        return np.array([cell.decode("utf-8", "backslashreplace").strip() for cell in cells.tolist()], np.str_)


@dataclass(frozen=True)
class Table:
    """Where each cell begins and ends in the file's bytes: (n, columns) each."""

    names: tuple[str, ...]
    data: NDArray[np.uint8]
    starts: Offsets
    ends: Offsets
    lines: NDArray[np.int64]
    """Line of each row, the first line of the file being 1."""
    rows_read: int
    """Rows that were there, well formed or not."""

    def __len__(self) -> int:
        return len(self.lines)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def cells(self, column: str | int) -> Cells:
        """Text of a column as an array of bytes of one width, (n,)."""
        place = self.names.index(column) if isinstance(column, str) else column
        starts, ends = self.starts[:, place], self.ends[:, place]
        width = max(1, int((ends - starts).max(initial=0)))
        out = np.zeros((len(starts), width), np.uint8)
        for first in range(0, len(starts), CHUNK_ROWS):
            part = slice(first, first + CHUNK_ROWS)
            index = starts[part, None] + np.arange(width, dtype=starts.dtype)
            inside = index < ends[part, None]
            out[part] = np.where(inside, self.data[np.minimum(index, len(self.data) - 1)], 0)
        return out.view(f"S{width}").reshape(-1)

    def texts(self, column: str | int) -> list[str]:
        """The same as text, without blanks around it; bytes that are no UTF-8 are escaped."""
        cells = self.cells(column).tolist()
        table = {cell: cell.decode("utf-8", "backslashreplace").strip() for cell in set(cells)}
        return list(map(table.__getitem__, cells))


def delimited(data: bytes, findings: Findings, *, delimiter: str = ",") -> Table:
    """A table whose first line names the columns. Quoted cells are understood, slower."""
    text = data.removeprefix(b"\xef\xbb\xbf")
    head, _, _ = text.partition(b"\n")
    names = tuple(name.strip().strip('"').lower() for name in head.decode("utf-8", "backslashreplace").split(delimiter))
    if b'"' in text:
        return _quoted(text, names, findings, delimiter)
    array, begins, stops, lines = _lines(text, comment=None)
    begins, stops, lines = begins[1:], stops[1:], lines[1:]
    places = np.flatnonzero(array == ord(delimiter)).astype(begins.dtype)
    first, seen = _counts(places, begins, stops)
    good = seen == len(names) - 1
    _tell_cut(findings, ~good, lines, seen + 1, len(names))
    begins, stops, lines, first = begins[good], stops[good], lines[good], first[good]
    starts = np.empty((len(lines), len(names)), begins.dtype)
    ends = np.empty_like(starts)
    ends[:, :-1] = places[first[:, None] + np.arange(len(names) - 1)]
    starts[:, 0], starts[:, 1:], ends[:, -1] = begins, ends[:, :-1] + 1, stops
    return _without_endless(Table(names, array, starts, ends, lines, len(seen)), findings)


def blank_separated(data: bytes, findings: Findings, *, columns: int, comment: str) -> Table:
    """A table without a head: `columns` cells with blanks between them; lines that begin with `comment` are left out."""
    array, begins, stops, lines = _lines(data, comment=ord(comment))
    blank = array <= SPACE
    before = np.concatenate([[True], blank[:-1]])
    heads = np.flatnonzero(~blank & before)
    tails = np.flatnonzero(~blank & np.concatenate([blank[1:], [True]])) + 1
    first, seen = _counts(heads, begins, stops)
    there = seen > 0
    good = seen == columns
    _tell_cut(findings, there & ~good, lines, seen, columns)
    index = first[good][:, None] + np.arange(columns)
    names = tuple(str(place + 1) for place in range(columns))
    table = Table(names, array, heads[index], tails[index], lines[good], int(there.sum()))
    return _without_endless(table, findings)


def need_columns(table: Table, names: Sequence[str], findings: Findings, *, kind: str) -> None:
    """Raises Refused when a column is not there, or twice."""
    lacking = [name for name in names if name not in table]
    if lacking:
        what = f"this is no {kind}: it has the columns {', '.join(table.names[:20])[:400]}, but not {', '.join(lacking)}"
        raise Refused(Problem("TWIN-005", f"{findings.name}:1", what, "name the right file or its format, or add the columns"))
    twice = sorted({name for name in table.names if table.names.count(name) > 1})
    if twice:
        what = f"the column {twice[0]} is there more than once"
        raise Refused(Problem("TWIN-005", f"{findings.name}:1", what, "rename one of them"))


def _lines(data: bytes, *, comment: int | None) -> tuple[NDArray[np.uint8], Offsets, Offsets, Offsets]:
    """The bytes, and begin, end and number of each line that is not blank."""
    array = np.frombuffer(data if data.endswith(b"\n") else data + b"\n", np.uint8)
    stops = np.flatnonzero(array == NEWLINE)
    begins = np.concatenate([[0], stops[:-1] + 1])
    stops = stops - ((array[stops - 1] == RETURN) & (stops > begins))
    kept = stops > begins
    if comment is not None:
        kept &= array[begins] != comment
    small = np.int32 if len(array) < 2**30 else np.int64  # half the memory to move, of what is the largest here
    return array, begins[kept].astype(small), stops[kept].astype(small), np.flatnonzero(kept) + 1


def _counts(places: Offsets, begins: Offsets, stops: Offsets) -> tuple[Offsets, Offsets]:
    """Of places inside each line: number of the first, and how many."""
    first = np.searchsorted(places, begins)
    return first, np.searchsorted(places, stops) - first


def _tell_cut(findings: Findings, bad: NDArray[np.bool_], lines: Offsets, seen: Offsets, columns: int) -> None:
    def told(row: int) -> str:
        return f"the row has {seen[row]} fields, but {columns} are needed: it is cut, or has a separator inside a field"

    findings.rows("TWIN-006", bad, lines, phrase="cut, or with the wrong number of fields", told=told)


def _without_endless(table: Table, findings: Findings) -> Table:
    longest = (table.ends - table.starts).max(axis=1, initial=0)
    bad = longest > MAX_CELL
    if not bad.any():
        return table

    def told(row: int) -> str:
        return f"a field has {longest[row]} bytes, but {MAX_CELL} are the limit"

    findings.rows("TWIN-006", bad, table.lines, phrase="with an endless field", told=told)
    good = ~bad
    return Table(table.names, table.data, table.starts[good], table.ends[good], table.lines[good], table.rows_read)


def _quoted(text: bytes, names: tuple[str, ...], findings: Findings, delimiter: str) -> Table:
    """The slow way, through the csv module: the cells are laid out anew, one after the other."""
    reader = csv.reader(io.StringIO(text.decode("utf-8", "backslashreplace"), newline=""), delimiter=delimiter)
    rows: list[list[bytes]] = []
    lines: list[int] = []
    counted = 0
    next(reader)
    for row in _rows(reader, findings):
        counted += bool(row)
        if len(row) == len(names):
            rows.append([cell.encode() for cell in row])
            lines.append(reader.line_num)
        elif row:
            what = f"the row has {len(row)} fields, but {len(names)} are needed"
            findings.row("TWIN-006", reader.line_num, what, phrase="cut, or with the wrong number of fields")
    lengths = np.array([[len(cell) for cell in row] for row in rows], np.int64).reshape(-1, len(names))
    ends = lengths.cumsum().reshape(lengths.shape)
    array = np.frombuffer(b"".join(cell for row in rows for cell in row) + b"\n", np.uint8)
    table = Table(names, array, ends - lengths, ends, np.array(lines, np.int64), counted)
    return _without_endless(table, findings)


def _rows(reader: Any, findings: Findings) -> Any:
    try:
        yield from reader
    except csv.Error as error:
        what = f"the quotes do not close: {error}"
        raise Refused(Problem("TWIN-006", f"{findings.name}:{reader.line_num}", what, "mend the quotes")) from None
