"""Whether rows are the hours of one whole year, in order and with values; and the leap day."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

import numpy as np

from datahall.foundation.errors import Problem
from datahall.infrastructure.weather.psychrometrics import Series
from datahall.infrastructure.weather.table import Rows, Table
from datahall.infrastructure.weather.year import COMMON_YEAR_H, LEAP_DAY, LEAP_YEAR_H

HOUR = timedelta(hours=1)
Zone = Literal["local", "utc"]


def empty_problem(table: Table, rows: Rows, where: str) -> Problem | None:
    """INF-303 for a file that ends after its header."""
    if len(rows):
        return None
    return Problem(
        "INF-303", where, f"{table.path.name} has a header, but no rows", f"give {COMMON_YEAR_H} or {LEAP_YEAR_H} hours"
    )


def order_problem(table: Table, rows: Rows, *, zone: Zone | None = None) -> Problem | None:
    """INF-303 when the rows are not the hours of one year from 1 January; only the first breach, since one brings others.

    Hours are compared where a column that begins with `time` or `date` holds ISO 8601 times; else they are only counted.
    zone: whose midnight the year begins at, where the hall may choose; else it is the site's. A time with an offset is read as
    what the clock there shows, or as UTC.
    """
    times = _times(table, rows, zone)
    if isinstance(times, Problem):
        return times
    for i, (before, after) in enumerate(itertools.pairwise(times), start=1):
        if after - before != HOUR:
            return _step_problem(table, rows, (i, before, after))
    if times and (times[0].month, times[0].day, times[0].hour) != (1, 1, 0):
        what = f"the first hour is {times[0]:%Y-%m-%d %H:%M}"
        return Problem("INF-303", table.where(int(rows[0])), what, _begin(zone, times[0]))
    if len(rows) not in (COMMON_YEAR_H, LEAP_YEAR_H):
        what = f"{table.path.name} has {len(rows)} hours, but a year has {COMMON_YEAR_H} or {LEAP_YEAR_H}"
        return Problem("INF-303", table.where(int(rows[-1])), what, _one_place(table, rows) or "complete the year")
    return None


def _begin(zone: Zone | None, first: datetime) -> str:
    """How to mend a year that begins late or early; within a day of the right hour, a wrong zone is likely."""
    begin = f"begin with the hour from 0:00 {'UTC ' if zone == 'utc' else ''}on 1 January"
    new_year = first.replace(year=first.year + (first.month == 12), month=1, day=1, hour=0)
    if zone is None or abs(first - new_year) >= timedelta(hours=15):
        return begin
    other = "`time: local` for a year that begins at local midnight" if zone == "utc" else "`time: utc` for a year of UTC hours"
    return f"{begin}, or write {other}"


def _times(table: Table, rows: Rows, zone: Zone | None) -> list[datetime] | Problem:
    """The time of each row, all by one clock; none where no column tells it."""
    name = next((name for name in table.columns if name.lower().startswith(("time", "date"))), None)
    if name is None:
        return []
    column = table.columns[name]
    read = [column.times[code] for code in column.codes[rows]]
    if read[0] is None:
        return []
    # The first row's offset for all: where clocks change, the year is one of standard time all the same.
    clock = UTC if zone == "utc" else next((time.tzinfo for time in read if time and time.tzinfo), UTC)
    times = [time and _by(clock, time) for time in read]
    if None in times:
        row = int(rows[times.index(None)])
        what = f"{table.quoted(column.text(row))} in `{name}` is no time"
        return Problem("INF-303", table.where(row), what, "write 2024-12-31T23:00")
    return [time for time in times if time is not None]


def _by(clock: tzinfo, time: datetime) -> datetime | None:
    """What that clock shows; None beyond the years that there are."""
    try:
        return time.astimezone(clock).replace(tzinfo=None) if time.tzinfo else time
    except OverflowError:
        return None


def _step_problem(table: Table, rows: Rows, step: tuple[int, datetime, datetime]) -> Problem:
    i, before, after = step
    at = f"{after:%Y-%m-%d %H:%M}"
    hours = (after - before) / HOUR
    if hours > 1:
        what, fix = f"{hours - 1:g} {'hour is' if hours == 2 else 'hours are'} missing before {at}", "add what is missing"
    elif hours == 0:
        what, fix = f"the hour {at} stands above already", "keep one"
    elif hours < 0:
        what, fix = f"{at} comes after {before:%Y-%m-%d %H:%M}", "sort the rows by time"
    else:
        what, fix = f"{at} is only {hours * 60:g} min after the row before", "give one row for each hour"
    return Problem("INF-303", table.where(int(rows[i])), what, _one_place(table, rows) or fix)


def _one_place(table: Table, rows: Rows) -> str | None:
    """How to choose one place where the rows are those of many."""
    if len(rows) <= LEAP_YEAR_H:
        return None
    for name, column in table.columns.items():
        if table.quotes and 1 < len(column.labels) <= 1000 and column.is_text and not name.lower().startswith(("time", "date")):
            return f"keep one place, such as `only: {{{name}: {column.labels[0]}}}`; there are {', '.join(column.labels[:20])}"
    return "keep one year of one place"


def value_problem(table: Table, rows: Rows, name: str, *, low: float = -np.inf, high: float = np.inf) -> Problem | None:
    """INF-304 when a cell of the column is empty, no number, or outside low..high: the first, with how many there are."""
    values = table.columns[name].numbers(rows)
    wrong = ~(np.isfinite(values) & (values >= low) & (values <= high))
    if not wrong.any():
        return None
    count = int(wrong.sum())
    row = int(rows[int(np.argmax(wrong))])
    text = table.columns[name].text(row).strip()
    said = f"`{name}` is empty" if not text else f"`{name}` is {text[:40] if table.quotes else table.quoted(text)}"
    limits = "" if np.isinf(low) else f"; plausible is {low:g} to {high:g}"
    more = f", and so {count - 1} more rows" if count > 1 else ""
    return Problem(
        "INF-304", table.where(row), f"{said}{more}{limits}", "fill the gap, from the hours around it or another station"
    )


def shifted(series: Series, utc_offset_h: float) -> Series:
    """A year that begins at midnight UTC, as one that begins at local midnight; its ends meet.

    Where the offset is no whole hour, each hour is shared out between the two that it overlaps.
    """
    whole = int(np.floor(utc_offset_h))
    part = utc_offset_h - whole
    early = np.roll(series, whole)
    return early if part == 0 else (1 - part) * early + part * np.roll(series, whole + 1)


def fitted(series: Series, hours: int) -> Series:
    """The series in a year of this many hours: 29 February is left out of a leap year. Raises ValueError when it is shorter."""
    if len(series) == hours:
        return series
    if len(series) == LEAP_YEAR_H and hours == COMMON_YEAR_H:
        return np.delete(series, LEAP_DAY)
    raise ValueError(f"fitted: {len(series)} hours do not make a year of {hours}")


def problems_of_columns(
    table: Table, rows: Rows, limits: dict[str, tuple[float, float]], *, zone: Zone | None = None
) -> Iterator[Problem]:
    """Breaches of order and of values, at most one each. limits: column -> lowest and highest plausible value."""
    if problem := order_problem(table, rows, zone=zone):
        yield problem
    for name, (low, high) in limits.items():
        if problem := value_problem(table, rows, name, low=low, high=high):
            yield problem
