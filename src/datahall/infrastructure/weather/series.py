"""One hourly series from a CSV file: grid carbon, prices."""

import functools
from pathlib import Path as FilePath

import numpy as np

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.paths import Path
from datahall.infrastructure.spec import HourlyFile, Site
from datahall.infrastructure.weather.hours import empty_problem, fitted, problems_of_columns, shifted
from datahall.infrastructure.weather.psychrometrics import Series
from datahall.infrastructure.weather.table import Rows, Table, column_problems, rows_with, status_of, table_at


def hourly_series(file: HourlyFile, folder: FilePath, *, hours: int, utc_offset_h: float, where: str | None = None) -> Series:
    """The column's values times its scale, from local midnight of 1 January, [hours]. Negative values are allowed.

    folder: what the file's path is relative to. hours: 8760 or 8784, those of the weather year; 29 February is left out of a
    leap year where the weather has none. where: the place in the hall file that names the file.
    Raises Refused with every problem, each at the line of the file that it is about.
    """
    table, rows = _selected(file, folder, where)
    values = table.columns[file.column].numbers(rows) * file.scale
    local = shifted(values, utc_offset_h) if file.time == "utc" else values
    if len(local) < hours:
        what = f"{table.path.name} has {len(local)} hours, but the weather year has {hours}"
        fix = f"add 29 February, or use a weather year of {len(local)} hours"
        raise Refused(Problem("INF-303", where or str(table.path), what, fix))
    return fitted(local, hours)


def hours_in(file: HourlyFile, folder: FilePath) -> int | None:
    """How many hours of the wanted place the file holds: 8760 or 8784; None where it has a problem."""
    try:
        return len(_selected(file, folder, None)[1])
    except Refused:
        return None


def series_of(site: Site) -> tuple[tuple[Path, HourlyFile], ...]:
    """The hourly files that a site names beside its weather, each with its path in the hall file."""
    grid, tariff = site.grid, site.tariff
    named: tuple[tuple[Path, object], ...] = (
        (("site", "grid", "carbon_kgco2e_per_kwh"), grid and grid.carbon_kgco2e_per_kwh),
        (("site", "grid", "market_kgco2e_per_kwh"), grid and grid.market_kgco2e_per_kwh),
        (("site", "tariff", "energy_per_kwh"), tariff and tariff.energy_per_kwh),
    )
    return tuple((path, file) for path, file in named if isinstance(file, HourlyFile))


def _selected(file: HourlyFile, folder: FilePath, where: str | None) -> tuple[Table, Rows]:
    """The table and the rows to take, checked. Raises Refused."""
    path = folder / file.file
    return _checked(path, status_of(path, where=where), file.column, tuple(file.only.items()), where)


@functools.lru_cache(maxsize=256)
def _checked(
    path: FilePath, status: tuple[int, int], column: str, only: tuple[tuple[str, str], ...], where: str | None
) -> tuple[Table, Rows]:
    """`status` is part of the key: a file that changed is checked again."""
    place = where or str(path)
    table = table_at(path, status)
    if problems := list(column_problems(table, {column: place} | dict.fromkeys(dict(only), place))):
        raise Refused(problems)
    rows = rows_with(table, dict(only), where=place) if only else table.rows
    if problem := empty_problem(table, rows, place):
        raise Refused(problem)
    if problems := list(problems_of_columns(table, rows, {column: (-np.inf, np.inf)})):
        raise Refused(problems)
    return table, rows
