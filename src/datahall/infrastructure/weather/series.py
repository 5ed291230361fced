"""One hourly series from a CSV file: grid carbon, prices."""

import functools
from pathlib import Path as FilePath

import numpy as np

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.files import is_within
from datahall.foundation.paths import Path
from datahall.infrastructure.spec import HourlyFile, Site
from datahall.infrastructure.weather.hours import empty_problem, fitted, problems_of_columns, shifted
from datahall.infrastructure.weather.psychrometrics import Series
from datahall.infrastructure.weather.table import Rows, Table, column_problems, rows_with, status_of, table_at

Limits = tuple[float, float]
CARBON: Limits = (0.0, 3.0)
"""What a kWh may emit, kgCO2e; lignite alone is near 1.1, so that grams cannot pass for kilograms."""
ANY: Limits = (-np.inf, np.inf)
"""Prices may be negative, and are in many currencies; but they are finite."""


def hourly_series(
    file: HourlyFile,
    folder: FilePath,
    *,
    hours: int,
    utc_offset_h: float,
    where: str | None = None,
    limits: Limits = ANY,
) -> Series:
    """The column's values times its scale, from local midnight of 1 January, [hours].

    folder: what the file's path is relative to. hours: 8760 or 8784, those of the weather year; 29 February is left out of a
    leap year where the weather has none. where: the place in the hall file that names the file.
    limits: lowest and highest plausible value, after scaling.
    Raises Refused with every problem, each at the line of the file that it is about.
    """
    table, rows = _selected(file, folder, where)
    values = _scaled(table, rows, file, limits)
    local = shifted(values, utc_offset_h) if file.time == "utc" else values
    if len(local) < hours:
        what = f"{table.path.name} has {len(local)} hours, but the weather year has {hours}"
        fix = f"add 29 February, or use a weather year of {len(local)} hours"
        raise Refused(Problem("INF-303", where or str(table.path), what, fix))
    return fitted(local, hours)


def _scaled(table: Table, rows: Rows, file: HourlyFile, limits: Limits) -> Series:
    """The values times the scale. Raises Refused at the first that is beyond the limits."""
    low, high = limits
    with np.errstate(over="ignore"):  # an infinity is told below, with its line
        values = table.columns[file.column].numbers(rows) * file.scale
    wrong = ~(np.isfinite(values) & (values >= low) & (values <= high))
    if not wrong.any():
        return values
    i, count = int(np.argmax(wrong)), int(wrong.sum())
    text = table.quoted(table.columns[file.column].text(int(rows[i])).strip())
    times = "" if file.scale == 1 else f", times `scale: {file.scale:g}`"
    more = f", and so {count - 1} more rows" if count > 1 else ""
    allowed = f"plausible is {low:g} to {high:g}" if np.isfinite(high) else "a finite number is needed"
    what = f"`{file.column}` is {text}{times}{more}; {allowed}"
    raise Refused(Problem("INF-304", table.where(int(rows[i])), what, _other_scale(file, float(values[i]), limits)))


def _other_scale(file: HourlyFile, value: float, limits: Limits) -> str:
    low, high = limits
    if not np.isfinite(high):
        return "correct the value, or `scale`"
    if value < low:
        return "correct the value: what a kWh emits is not negative"
    return f"write `scale: {file.scale / 1000:g}` if the values are grams, or correct the value"


def hours_in(file: HourlyFile, folder: FilePath) -> int | None:
    """How many hours of the wanted place the file holds: 8760 or 8784; None where it has a problem."""
    try:
        return len(_selected(file, folder, None)[1])
    except Refused:
        return None


def series_of(site: Site) -> tuple[tuple[Path, HourlyFile, Limits], ...]:
    """The hourly files that a site names beside its weather, each with its path in the hall file and its limits."""
    grid, tariff = site.grid, site.tariff
    named: tuple[tuple[Path, object, Limits], ...] = (
        (("site", "grid", "carbon_kgco2e_per_kwh"), grid and grid.carbon_kgco2e_per_kwh, CARBON),
        (("site", "grid", "market_kgco2e_per_kwh"), grid and grid.market_kgco2e_per_kwh, CARBON),
        (("site", "tariff", "energy_per_kwh"), tariff and tariff.energy_per_kwh, ANY),
    )
    return tuple((path, file, limits) for path, file, limits in named if isinstance(file, HourlyFile))


def _selected(file: HourlyFile, folder: FilePath, where: str | None) -> tuple[Table, Rows]:
    """The table and the rows to take, checked. Raises Refused."""
    path = folder / file.file
    read = (path, status_of(path, where=where), is_within(folder, path))
    return _checked(read, file.model_dump_json(), where)


@functools.lru_cache(maxsize=256)
def _checked(read: tuple[FilePath, tuple[int, int], bool], file_json: str, where: str | None) -> tuple[Table, Rows]:
    """read: the path, its status, so that a file that changed is checked again, and whether problems may quote it."""
    path, status, quotes = read
    file = HourlyFile.model_validate_json(file_json)
    place, column, only = where or str(path), file.column, file.only
    table = table_at(path, status, quotes=quotes)
    if problems := list(column_problems(table, {column: place} | dict.fromkeys(only, place))):
        raise Refused(problems)
    rows = rows_with(table, only, where=place) if only else table.rows
    if problem := empty_problem(table, rows, place):
        raise Refused(problem)
    if problems := list(problems_of_columns(table, rows, {column: ANY}, zone=file.time)):
        raise Refused(problems)
    return table, rows
