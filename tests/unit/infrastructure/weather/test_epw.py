"""Weather from EPW files: a whole one is made here, then broken in one place."""

from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.infrastructure.spec import Site, Weather
from datahall.infrastructure.weather import WeatherYear, weather_of
from datahall.infrastructure.weather.epw import MONTH_DAYS

HEAD = [
    "LOCATION,Nowhere,XX,ZZZ,made,000000,10.5,-20.25,-1.0,300.0",
    "DESIGN CONDITIONS,0",
    "TYPICAL/EXTREME PERIODS,0",
    "GROUND TEMPERATURES,0",
    "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
    "COMMENTS 1,made",
    "COMMENTS 2,made",
    "DATA PERIODS,1,1,Data,Sunday,1/ 1,12/31",
]
ZEROS = ",".join(["0"] * 25)


def epw_lines() -> list[str]:
    return HEAD + [
        f"2021,{m},{d},{h},0,?,{h}.0,1.0,40,97000,{ZEROS}"
        for m, days in enumerate(MONTH_DAYS, 1)
        for d in range(1, days + 1)
        for h in range(1, 25)
    ]


def year_from(folder: Path, lines: list[str]) -> WeatherYear:
    (folder / "w.epw").write_text("\n".join(lines) + "\n")
    return weather_of(Site(weather=Weather(file="w.epw")), folder)


def test_an_epw_brings_its_place_and_its_pressure(tmp_path: Path) -> None:
    """Given an EPW file whose temperature is the hour's number, hours and position are read as they stand."""
    year = year_from(tmp_path, epw_lines())
    assert (year.hours, year.latitude_deg, year.longitude_deg, year.elevation_m, year.utc_offset_h) == (
        8760,
        10.5,
        -20.25,
        300,
        -1,
    )
    assert year.dry_bulb_c[:3].tolist() == [1, 2, 3] and set(year.humidity_ratio) == {0.4} and set(year.pressure_pa) == {97000}
    assert year.source == "w.epw (Nowhere)"


def test_a_leap_year_is_taken_as_it_is(tmp_path: Path) -> None:
    """Given an EPW file of a leap year, 8,784 hours are accepted."""
    lines = epw_lines()
    at = len(HEAD) + 59 * 24
    extra = [line.replace("2021,2,28,", "2021,2,29,") for line in lines[at - 24 : at]]
    assert year_from(tmp_path, [line.replace("2021,", "2020,", 1) for line in [*lines[:at], *extra, *lines[at:]]]).hours == 8784


@pytest.mark.parametrize(
    ("line", "old", "new", "told"),
    [
        (1, "LOCATION", "PLACE", "w.epw:1: INF-301 is not an EPW file: it begins with 'PLACE,Nowhere,XX,ZZZ,made,0000'"),
        (1, "-20.25", "west", "w.epw:1: INF-301 LOCATION lacks latitude, longitude"),
        (8, "DATA PERIODS", "DATA", "w.epw:8: INF-301 is not an EPW file: line 8 should be DATA PERIODS"),
        (12, ",4.0,", ",99.9,", "w.epw:12: INF-304 dry bulb is missing (99.9)"),
        (12, ",40,", ",999,", "w.epw:12: INF-304 relative humidity is missing (999)"),
        (12, ",97000,", ",999999,", "w.epw:12: INF-304 pressure is missing (999999)"),
        (12, ",4.0,", ",-95,", "w.epw:12: INF-304 dry bulb is -95; plausible is -90 to 60"),
        (12, ",4.0,", ",nan,", "w.epw:12: INF-304 dry bulb is missing (nan)"),
        (12, ",4.0,", ",warm,", "w.epw:12: INF-301 an hour should have 35 columns with numbers"),
        (12, "2021,1,1,4,", "2021,1,1,3,", "w.epw:12: INF-303 month/day hour 1/1 3 stands where 1/1 4 should"),
        (12, "2021,1,1,4,0,?,4.0,1.0,40,97000," + ZEROS, "", "w.epw:12: INF-301 an hour should have 35 columns"),
    ],
)
def test_one_fault_is_one_problem_with_its_line(tmp_path: Path, line: int, old: str, new: str, told: str) -> None:
    """Given an EPW file with one line changed, that line is told, and nothing else."""
    lines = epw_lines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    with pytest.raises(Refused, match="INF-30") as caught:
        year_from(tmp_path, lines)
    [problem] = caught.value.problems
    assert told in str(problem)


def test_a_year_that_ends_too_soon_is_refused(tmp_path: Path) -> None:
    """Given an EPW file without its last day, the count is told at its last line; an empty file is no EPW."""
    with pytest.raises(Refused, match=r"w.epw:8744: INF-303 w.epw has 8736 hours, but a year has 8760 or 8784"):
        year_from(tmp_path, epw_lines()[:-24])
    with pytest.raises(Refused, match="is not an EPW file: it begins with ''"):
        year_from(tmp_path, [])


@pytest.mark.shared
def test_real_files_are_read(shared: Path) -> None:
    """Given the nine EPW files of the reference data, each is a whole year of plausible weather."""
    folder = shared / "data" / "site-weather-epw"
    files = sorted(folder.glob("*.epw"))
    assert len(files) == 9
    for file in files:
        year = weather_of(Site(weather=Weather(file=file.name)), folder)
        assert year.hours == 8760 and (year.wet_bulb_c <= year.dry_bulb_c + 1e-6).all()
