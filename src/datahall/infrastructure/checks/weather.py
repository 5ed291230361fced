"""Rules about files of hours: what their reader refuses, told with all else that is wrong, at the line of the file."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem, Refused
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.spec import Site
from datahall.infrastructure.weather import hourly_series, weather_of
from datahall.infrastructure.weather.series import series_of
from datahall.infrastructure.weather.year import COMMON_YEAR_H


def readable_hours(context: Context) -> Iterator[Problem]:
    """INF-301: files of weather, carbon and prices are there, and are EPW files or CSV tables."""
    yield from _refused(context, "INF-301")


def known_columns(context: Context) -> Iterator[Problem]:
    """INF-302: files of hours have the columns and the place that the hall names."""
    yield from _refused(context, "INF-302")


def whole_years(context: Context) -> Iterator[Problem]:
    """INF-303: files of hours hold each hour of one year once, in order; 8,760 or 8,784 of them."""
    yield from _refused(context, "INF-303")


def plausible_hours(context: Context) -> Iterator[Problem]:
    """INF-304: no hour is missing, no number, or beyond records on earth; a kWh emits 0 to 3 kg; prices may be negative."""
    yield from _refused(context, "INF-304")


def one_source_of_weather(context: Context) -> Iterator[Problem]:
    """INF-305: weather is one file or one built-in year, which exists."""
    yield from _refused(context, "INF-305")


CHECKS: tuple[Check, ...] = (readable_hours, known_columns, whole_years, plausible_hours, one_source_of_weather)


def _refused(context: Context, code: str) -> Iterator[Problem]:
    """What the readers say under this code, each once; nothing where the hall names no hours."""
    site = context.hall.site
    if site is not None:
        problems = dict.fromkeys((*_of_weather(context, site), *_of_series(context, site)))
        yield from (problem for problem in problems if problem.code == code)


def _of_weather(context: Context, site: Site) -> tuple[Problem, ...]:
    if site.weather is None:
        return ()
    try:
        weather_of(site, context.folder, where=context.where)
    except Refused as refused:
        return refused.problems
    return ()


def _of_series(context: Context, site: Site) -> Iterator[Problem]:
    for path, file, limits in series_of(site):
        place = context.where(path)
        try:
            hourly_series(file, context.folder, hours=COMMON_YEAR_H, utc_offset_h=0.0, where=place, limits=limits)
        except Refused as refused:
            yield from refused.problems
