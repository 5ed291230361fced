"""Columns of text as numbers and times, whole arrays at once; what is no number is marked, not guessed."""

import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.twin.workload.findings import Findings
from datahall.twin.workload.table import Cells, Table

LIMIT = float(2**53)
"""Whole numbers beyond it are not exact as floats, and no time or size of a job comes near."""
FAR = float(2**62)
UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3, "m": 6e4, "min": 6e4, "h": 3.6e6, "d": 8.64e7}
WITH_UNIT = re.compile(r"^([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([a-z]+)$")
CLOCK = re.compile(r"^(?:(\d+)-)?(?:(\d+):)?(?:(\d+):)?(\d+)(?:\.(\d+))?$")


@dataclass(frozen=True)
class Numbers:
    """Values of a column, (n,); NaN where blank or bad."""

    values: NDArray[np.float64]
    blank: NDArray[np.bool_]
    bad: NDArray[np.bool_]

    def whole(self, scale: float = 1.0, *, none: int = -1) -> NDArray[np.int64]:
        """Rounded to whole numbers after scaling (halves to even); `none` where blank or bad."""
        return whole_of(self.values, scale, none=none)


def whole_of(values: NDArray[np.float64], scale: float = 1.0, *, none: int = -1) -> NDArray[np.int64]:
    """Rounded to whole numbers after scaling; `none` for NaN. What is too large for 64 bits stays far beyond reason."""
    there = np.isfinite(values)
    scaled = np.clip(np.where(there, values, 0.0) * scale, -FAR, FAR)
    return np.where(there, np.rint(scaled), float(none)).astype(np.int64)


def numbers(cells: Cells) -> Numbers:
    """Plain numbers. Fast when all are; one that is not makes the column go cell by cell."""
    blank = cells == b""
    filled = np.where(blank, b"nan", cells)
    try:
        values = filled.astype(np.float64)
    except ValueError:
        values = np.array([_number(cell) for cell in filled.tolist()], np.float64)
        blank = blank | (np.char.strip(cells) == b"")
    bad = ~blank & ~(np.abs(values) <= LIMIT)  # NaN compares false: `nan`, `inf` and words are all bad
    bad |= _with_underscore(cells)
    return Numbers(np.where(bad, np.nan, values), blank, bad)


def column_of(table: Table, name: str | int, findings: Findings, *, needed: bool = True, called: str = "") -> Numbers:
    """A column's numbers, its bad cells told. needed: a blank is bad too."""
    cells = table.cells(name)
    found = numbers(cells)
    return tell_bad(found, cells, table, findings, called=called or str(name), needed=needed)


def tell_bad(found: Numbers, cells: Cells, table: Table, findings: Findings, *, called: str, needed: bool) -> Numbers:
    """The same numbers, blanks being bad where they are needed, and each bad cell a finding."""
    bad = found.bad | (found.blank if needed else False)

    def told(row: int) -> str:
        seen = cells[row].decode("utf-8", "backslashreplace")[:60]
        return f"{called} is `{seen}`, but a number is needed" if seen else f"{called} is blank, but a number is needed"

    findings.rows("TWIN-007", bad, table.lines, phrase=f"with a {called} that is no number", told=told)
    return Numbers(found.values, found.blank, bad)


def spans_ms(cells: Cells, *, unit_ms: float) -> tuple[Numbers, NDArray[np.bool_]]:
    """Times in ms. Plain numbers are in `unit_ms`; `90s` or `1500ms` says its own unit and is flagged in the second array."""
    found = numbers(cells)
    values = found.values * unit_ms
    own = np.zeros(len(cells), np.bool_)
    for row in np.flatnonzero(found.bad).tolist():
        match = WITH_UNIT.match(cells[row].decode("utf-8", "backslashreplace").strip().lower())
        if match and match[2] in UNITS_MS:
            values[row], own[row] = float(match[1]) * UNITS_MS[match[2]], True
    return Numbers(values, found.blank, found.bad & ~own), own


def moments_ms(cells: Cells) -> Numbers:
    """Unix times in ms of `2017-10-09 07:01:55`, `2023-03-01T00:18:22+08:00` or Unix seconds; without a zone it is UTC."""
    plain = numbers(cells)
    if not plain.bad.any():
        return Numbers(plain.values * 1e3, plain.blank, plain.bad)
    values = each_once(cells, _moment_ms)
    blank = cells == b""
    return Numbers(values, blank, ~blank & np.isnan(values))


def each_once(cells: Cells, parse: Callable[[str], float]) -> NDArray[np.float64]:
    """`parse` of each different text, spread over the rows. NaN is what it says of nonsense."""
    texts = cells.tolist()
    table = {text: parse(text.decode("utf-8", "backslashreplace").strip()) for text in dict.fromkeys(texts)}
    return np.fromiter(map(table.__getitem__, texts), np.float64, len(texts))


def clock_ms(text: str) -> float:
    """`1-02:03:04`, `02:03:04`, `03:04.5` or `90` (seconds) in ms; NaN for anything else."""
    match = CLOCK.match(text)
    if not match:
        return math.nan
    days, first, second, last, part = match.groups()
    hours, minutes = (first, second) if second is not None else (None, first)
    whole = int(days or 0) * 86_400 + int(hours or 0) * 3_600 + int(minutes or 0) * 60 + int(last)
    return whole * 1e3 + float(f"0.{part or 0}") * 1e3


def _with_underscore(cells: Cells) -> NDArray[np.bool_]:
    """Python reads `1_000` as a number; no log writes one so."""
    found: NDArray[np.bool_] = (cells.view(np.uint8).reshape(len(cells), cells.dtype.itemsize) == ord("_")).any(axis=1)
    return found


def _number(cell: bytes) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.inf


def _moment_ms(text: str) -> float:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        found = _number(text.encode())
        return found * 1e3 if math.isfinite(found) else math.nan
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return zoned.timestamp() * 1e3
