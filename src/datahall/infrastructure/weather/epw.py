"""Weather from EPW files, read by pvlib."""

import calendar
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.extras import needs
from datahall.infrastructure.weather.lines import lines_of
from datahall.infrastructure.weather.psychrometrics import Series
from datahall.infrastructure.weather.year import COMMON_YEAR_H, LEAP_YEAR_H

HEADER_LINES = 8
COLUMNS = 35
MAX_LINES = 10_000
LAST_YEAR = 2200
PLACE = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
    "time zone": (-12.0, 14.0),
    "elevation": (-430.0, 6000.0),
}
"""As a hall's site may have them; in the order of the line."""
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
LIMITS: dict[str, tuple[int, float, float, float]] = {
    "dry bulb": (6, -90.0, 60.0, 99.9),
    "relative humidity": (8, 0.0, 110.0, 999.0),
    "pressure": (9, 50_000.0, 110_000.0, 999_999.0),
}
"""Column, plausible range, and the code for a missing value. Source: EnergyPlus Auxiliary Programs, EPW data dictionary;
its 31 to 120 kPa are narrowed, as 50 kPa is 5,500 m up. -89.2 C and 56.7 C are the records on earth (WMO)."""


@dataclass(frozen=True, slots=True)
class EpwYear:
    """What a plan takes from an EPW file."""

    dry_bulb_c: Series
    humidity_ratio: Series
    pressure_pa: Series
    latitude_deg: float
    longitude_deg: float
    elevation_m: float
    utc_offset_h: float
    city: str


def read_epw(path: Path, *, quotes: bool = True) -> EpwYear:
    """Dry bulb, humidity and pressure of an EPW file, by hour. Raises Refused with every problem, each with its line.

    quotes: whether problems may repeat what stands in a file that is no EPW.
    """
    lines = "".join(lines_of(path, max_lines=MAX_LINES)).rstrip().split("\n")
    if problems := list(_problems(path, lines, quotes=quotes)):
        raise Refused(problems)
    with needs("plan"):  # brings pandas: half a second that a plan without an EPW file does not need
        from pvlib import iotools  # noqa: PLC0415

    try:
        table, about = iotools.read_epw(io.StringIO(_plain(lines)))
    except Exception as error:  # noqa: BLE001 - pandas raises whatever its parsers do
        what = f"the file cannot be read as an EPW file ({type(error).__name__})"
        raise Refused(Problem("INF-301", str(path), what, "get the file again")) from None
    return EpwYear(
        dry_bulb_c=np.asarray(table["temp_air"], dtype=np.float64),
        humidity_ratio=np.minimum(np.asarray(table["relative_humidity"], dtype=np.float64) / 100, 1.0),
        pressure_pa=np.asarray(table["atmospheric_pressure"], dtype=np.float64),
        latitude_deg=float(about["latitude"]),
        longitude_deg=float(about["longitude"]),
        elevation_m=float(about["altitude"]),
        utc_offset_h=float(about["TZ"]),
        city=str(about["city"]),
    )


def _plain(lines: Sequence[str]) -> str:
    """The file as pandas cannot misread it: no quotes or remarks in the head, whole and plain numbers in the rows."""
    head = [lines[0], *["-"] * (HEADER_LINES - 2), "DATA PERIODS"]
    return "\n".join([*head, *(_plain_row(line.split(",")) for line in lines[HEADER_LINES:]), ""])


def _plain_row(row: Sequence[str]) -> str:
    whole, numbers = (str(int(float(text))) for text in row[:4]), (repr(float(text)) for text in row[6:10])
    return ",".join((*whole, "0", "-", *numbers, *("0" for _ in row[10:])))


def _problems(path: Path, lines: Sequence[str], *, quotes: bool) -> Iterator[Problem]:
    if problem := _header_problem(path, lines, quotes=quotes) or _place_problem(path, lines[0].split(",")):
        yield problem
        return
    rows = [line.split(",") for line in lines[HEADER_LINES:]]
    if problem := _shape_problem(path, rows) or _order_problem(path, rows):
        yield problem
        return
    for name, (column, low, high, missing) in LIMITS.items():
        values = np.array([row[column] for row in rows], dtype=np.float64)
        if problem := _value_problem(path, name, values, (low, high, missing)):
            yield problem


def _header_problem(path: Path, lines: Sequence[str], *, quotes: bool) -> Problem | None:
    if lines[0].split(",")[0] != "LOCATION":
        what = "is not an EPW file: it does not begin with LOCATION"
        if quotes:
            what = f"is not an EPW file: it begins with {lines[0][:30]!r}, not with LOCATION"
        return Problem("INF-301", f"{path}:1", what, "name an EPW file, or end a CSV file's name in .csv or .csv.gz")
    if len(lines) <= HEADER_LINES or not lines[HEADER_LINES - 1].startswith("DATA PERIODS"):
        what = f"is not an EPW file: line {HEADER_LINES} should be DATA PERIODS, with the hours after it"
        return Problem("INF-301", f"{path}:{min(len(lines), HEADER_LINES)}", what, "get the file again")
    return None


def _place_problem(path: Path, fields: Sequence[str]) -> Problem | None:
    """INF-301 when the head does not say where on earth the station stands."""
    if len(fields) != 10 or any(not _is_number(field) for field in fields[6:]):
        what = "LOCATION lacks latitude, longitude, time zone and elevation in its last four fields"
        return Problem("INF-301", f"{path}:1", what, "complete the line")
    for (name, (low, high)), text in zip(PLACE.items(), fields[6:], strict=True):
        if not low <= float(text) <= high:
            what = f"{name} in LOCATION is {float(text):g}, but on earth it is {low:g} to {high:g}"
            return Problem("INF-301", f"{path}:1", what, "correct the line")
    return None


def _shape_problem(path: Path, rows: Sequence[Sequence[str]]) -> Problem | None:
    for i, row in enumerate(rows):
        if len(row) != COLUMNS:
            what = f"an hour should have {COLUMNS} columns, but this one has {len(row)}"
            return Problem("INF-301", _line(path, i), what, "get the file again, or correct the line")
        if not (all(_is_number(row[column]) for column in (6, 7, 8, 9)) and all(map(_is_whole, row[:4]))):
            what = f"an hour should have {COLUMNS} columns with numbers: year to hour in the first four, temperature in the 7th"
            return Problem("INF-301", _line(path, i), what, "get the file again, or correct the line")
    return None


def _is_whole(text: str) -> bool:
    return _is_number(text) and float(text).is_integer() and 1 <= float(text) <= LAST_YEAR


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _order_problem(path: Path, rows: Sequence[Sequence[str]]) -> Problem | None:
    """INF-303 at the first hour that is not the one to come."""
    leap = [i for i, row in enumerate(rows) if int(float(row[1])) == 2 and int(float(row[2])) == 29]
    if leap and not calendar.isleap(year := int(float(rows[leap[0]][0]))):
        return Problem("INF-303", _line(path, leap[0]), f"{year} has no 29 February", "correct the year, or leave out the day")
    expected = _hours(leap=bool(leap))
    for i, (row, wanted) in enumerate(zip(rows, expected, strict=False)):
        seen = tuple(int(float(text)) for text in row[1:4])
        if seen != wanted:
            what = f"month/day hour {seen[0]}/{seen[1]} {seen[2]} stands where {wanted[0]}/{wanted[1]} {wanted[2]} should"
            return Problem("INF-303", _line(path, i), what, "give each hour once, in order")
    if len(rows) != len(expected):
        what = f"{path.name} has {len(rows)} hours, but a year has {COMMON_YEAR_H} or {LEAP_YEAR_H}"
        return Problem("INF-303", _line(path, len(rows) - 1), what, "complete the year")
    return None


def _hours(*, leap: bool) -> list[tuple[int, int, int]]:
    days = [d + (leap and month == 1) for month, d in enumerate(MONTH_DAYS)]
    return [(month, day, hour) for month, d in enumerate(days, 1) for day in range(1, d + 1) for hour in range(1, 25)]


def _value_problem(path: Path, name: str, values: Series, limits: tuple[float, float, float]) -> Problem | None:
    low, high, missing = limits
    wrong = ~((values >= low) & (values <= high))
    if not wrong.any():
        return None
    i = int(np.argmax(wrong))
    gone = math.isclose(values[i], missing) or math.isnan(values[i])
    said = f"{name} is missing ({values[i]:g})" if gone else f"{name} is {values[i]:g}; plausible is {low:g} to {high:g}"
    more = f", and so {int(wrong.sum()) - 1} more hours" if wrong.sum() > 1 else ""
    return Problem("INF-304", _line(path, i), said + more, "fill the gap, from the hours around it or another station")


def _line(path: Path, row: int) -> str:
    return f"{path}:{HEADER_LINES + 1 + row}"
