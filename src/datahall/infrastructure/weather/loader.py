"""The weather year of a site, from whatever it names."""

import difflib
import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path as FilePath

import numpy as np

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.files import is_within
from datahall.foundation.paths import Path, dotted_path
from datahall.infrastructure.spec import Site, Weather
from datahall.infrastructure.weather.builtin import builtin_year, climates
from datahall.infrastructure.weather.epw import read_epw
from datahall.infrastructure.weather.hours import empty_problem, problems_of_columns
from datahall.infrastructure.weather.psychrometrics import pressure_at_pa
from datahall.infrastructure.weather.series import hours_in, series_of
from datahall.infrastructure.weather.table import Rows, Table, column_problems, rows_with, status_of, table_at
from datahall.infrastructure.weather.year import COMMON_YEAR_H, LEAP_YEAR_H, WeatherYear, year_of

HERE: Path = ("site", "weather")
DRY_BULB_C = (-90.0, 60.0)
"""Records on earth are -89.2 C and 56.7 C (WMO World Weather and Climate Extremes Archive)."""
HUMIDITY_PERCENT = (0.0, 105.0)
"""Stations report up to a few percent above saturation in fog."""


def weather_of(site: Site, folder: FilePath, *, where: Callable[[Path], str] = dotted_path) -> WeatherYear:
    """The site's weather year; read once per process while its file stays the same.

    folder: what the weather file's path is relative to. where: turns a path in the hall file into the place to tell.
    When the site also names an hourly carbon or price file of 8,760 hours, 29 February is left out of a leap weather year, so
    that all series are of one length. Raises Refused with every problem; those of the file with its line.
    """
    weather = site.weather
    if weather is None or (weather.file is None) == (weather.builtin is None):
        raise Refused(_which_problem(weather, where))
    if weather.builtin is not None:
        year = _placed(_builtin(weather.builtin, where), site)
    elif weather.file is not None:
        path = folder / weather.file
        status = status_of(path, where=where((*HERE, "file")))
        places = tuple(where((*HERE, field)) for field in ("dry_bulb_column", "humidity_column", "only"))
        site_json = site.model_dump_json(include=set(_PLACE))
        file = (path, status, is_within(folder, path))
        year = _file_year(file, weather.model_dump_json(), site_json, places)
    return _of_common_length(year, site, folder)


_PLACE = ("place", "latitude_deg", "longitude_deg", "elevation_m", "utc_offset_h")


def _which_problem(weather: Weather | None, where: Callable[[Path], str]) -> Problem:
    what = "there is no weather" if weather is None else "weather names both a file and a built-in year"
    if weather is not None and weather.file is None:
        what = "weather names neither a file nor a built-in year"
    fix = f"write one of `file: ….epw`, `file: ….csv` and `builtin: {'|'.join(climates())}`"
    return Problem("INF-305", where(HERE), what, fix)


def _builtin(name: str, where: Callable[[Path], str]) -> WeatherYear:
    if name not in climates():
        close = difflib.get_close_matches(name, climates(), n=1)
        fix = f"did you mean `{close[0]}`?" if close else f"choose one of {', '.join(climates())}"
        raise Refused(Problem("INF-305", where((*HERE, "builtin")), f"there is no built-in year `{name}`", fix))
    return builtin_year(name)


def _placed(year: WeatherYear, site: Site) -> WeatherYear:
    """A generated year with the site's position, where it says one."""
    elevation_m = year.elevation_m if site.elevation_m is None else site.elevation_m
    return replace(
        year,
        latitude_deg=site.latitude_deg,
        longitude_deg=site.longitude_deg,
        elevation_m=elevation_m,
        utc_offset_h=year.utc_offset_h if site.utc_offset_h is None else site.utc_offset_h,
    )


@functools.lru_cache(maxsize=64)
def _file_year(
    file: tuple[FilePath, tuple[int, int], bool], weather_json: str, site_json: str, places: tuple[str, ...]
) -> WeatherYear:
    """Keyed by all that the year depends on. file: its path, its status for its content, and whether to quote it."""
    path, status, quotes = file
    weather, site = Weather.model_validate_json(weather_json), Site.model_validate_json(site_json)
    if path.suffix.lower() == ".epw":
        return _epw_year(path, site, quotes=quotes)
    return _csv_year(table_at(path, status, quotes=quotes), weather, site, places)


def _epw_year(path: FilePath, site: Site, *, quotes: bool) -> WeatherYear:
    epw = read_epw(path, quotes=quotes)
    return year_of(
        epw.dry_bulb_c,
        epw.humidity_ratio,
        epw.pressure_pa,
        latitude_deg=epw.latitude_deg if site.latitude_deg is None else site.latitude_deg,
        longitude_deg=epw.longitude_deg if site.longitude_deg is None else site.longitude_deg,
        elevation_m=epw.elevation_m if site.elevation_m is None else site.elevation_m,
        utc_offset_h=epw.utc_offset_h if site.utc_offset_h is None else site.utc_offset_h,
        source=f"{path.name} ({epw.city})",
    )


def _csv_year(table: Table, weather: Weather, site: Site, places: tuple[str, ...]) -> WeatherYear:
    wanted = {weather.dry_bulb_column: places[0], weather.humidity_column: places[1]} | dict.fromkeys(weather.only, places[2])
    if problems := list(column_problems(table, wanted)):
        raise Refused(problems)
    rows = rows_with(table, weather.only, where=places[2]) if weather.only else table.rows
    limits = {weather.dry_bulb_column: DRY_BULB_C, weather.humidity_column: HUMIDITY_PERCENT}
    empty = empty_problem(table, rows, str(table.path))
    if problems := [empty] if empty else list(problems_of_columns(table, rows, limits)):
        raise Refused(problems)
    return _year_of_rows(table, rows, weather, site)


def _year_of_rows(table: Table, rows: Rows, weather: Weather, site: Site) -> WeatherYear:
    elevation_m, notes = site.elevation_m, list[str]()
    if elevation_m is None:
        elevation_m = 0.0
        notes.append(f"air pressure is that at sea level: neither {table.path.name} nor site.elevation_m tells the height")
    offset_s = _first(table, rows, "utc_offset_s")
    utc_offset_h = site.utc_offset_h if site.utc_offset_h is not None else (offset_s or 0.0) / 3600
    if site.utc_offset_h is None and offset_s is None:
        notes.append("local time is taken as UTC: neither the weather file nor site.utc_offset_h tells the offset")
    late = 0.0 if offset_s is None else utc_offset_h - offset_s / 3600
    dry_bulb, humidity = (
        np.roll(table.columns[name].numbers(rows), round(late)) for name in (weather.dry_bulb_column, weather.humidity_column)
    )
    only = ", ".join(weather.only.values())
    return year_of(
        dry_bulb,
        np.clip(humidity / 100, 0.001, 1.0),
        np.full(len(rows), pressure_at_pa(elevation_m)),
        latitude_deg=_first(table, rows, "latitude") if site.latitude_deg is None else site.latitude_deg,
        longitude_deg=_first(table, rows, "longitude") if site.longitude_deg is None else site.longitude_deg,
        elevation_m=elevation_m,
        utc_offset_h=utc_offset_h,
        source=table.path.name + (f" ({only})" if only else ""),
        notes=tuple(notes),
    )


def _first(table: Table, rows: Rows, name: str) -> float | None:
    """What the first row has in a column that some files have; None without it."""
    column = table.columns.get(name)
    value = np.nan if column is None else float(column.numbers(rows[:1])[0])
    return None if np.isnan(value) else value


def _of_common_length(year: WeatherYear, site: Site, folder: FilePath) -> WeatherYear:
    """Without 29 February where a series of the site has none; a note where it is left out of either."""
    lengths = {file.file: hours for _, file, _ in series_of(site) if (hours := hours_in(file, folder)) is not None}
    if year.hours == LEAP_YEAR_H and (short := [name for name, hours in lengths.items() if hours == COMMON_YEAR_H]):
        return year.without_leap_day(f"29 February is left out of the weather: {', '.join(short)} has none")
    if year.hours == COMMON_YEAR_H and (long := [name for name, hours in lengths.items() if hours == LEAP_YEAR_H]):
        note = f"29 February is left out of {', '.join(long)}: the weather year has none"
        return replace(year, notes=(*year.notes, note))
    return year
