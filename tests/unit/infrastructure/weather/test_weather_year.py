"""The weather of a site, from files and from built-in climates."""

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.infrastructure.spec import Grid, HourlyFile, Site, Weather
from datahall.infrastructure.weather import WeatherYear, hourly_series, weather_of

Row = tuple[datetime, float, float]


def hours(count: int, *, year: int) -> list[datetime]:
    return [datetime(year, 1, 1) + timedelta(hours=h) for h in range(count)]


def table(rows: Iterator[str] | list[str], header: str = "time,temp_c,rh_pct") -> str:
    return "\n".join((header, *rows, ""))


def plain(count: int = 8760, *, year: int = 2023) -> list[str]:
    """Rows whose temperature tells the hour of the day."""
    return [f"{t:%Y-%m-%d %H:%M:%S},{t.hour},50" for t in hours(count, year=year)]


def csv_year(folder: Path, text: str, **fields: object) -> WeatherYear:
    (folder / "w.csv").write_text(text)
    return weather_of(Site(elevation_m=0, utc_offset_h=0, weather=Weather(file="w.csv"), **fields), folder)


def problem_of(folder: Path, text: str) -> str:
    with pytest.raises(Refused, match=r"INF-30") as caught:
        csv_year(folder, text)
    [problem] = caught.value.problems
    return str(problem).removeprefix(f"{folder}/")


def test_a_csv_year_is_read_with_its_humidity(tmp_path: Path) -> None:
    """Given 8,760 hours of 50 % humidity whose temperature is the hour of the day, each series has them in order."""
    year = csv_year(tmp_path, table(plain()))
    assert (year.hours, year.source, year.notes) == (8760, "w.csv", ())
    assert year.dry_bulb_c[:25].tolist() == [*range(24), 0] and set(year.humidity_ratio) == {0.5}
    assert (year.wet_bulb_c < year.dry_bulb_c).all() and (year.dew_point_c < year.wet_bulb_c).all()
    with pytest.raises(ValueError, match="read-only"):
        year.dry_bulb_c[0] = 99


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows[:100] + rows[103:], "w.csv:102: INF-303 3 hours are missing before 2023-01-05 07:00"),
        (lambda rows: [*rows[:10], *rows[9:]], "w.csv:12: INF-303 the hour 2023-01-01 09:00 stands above already"),
        (lambda rows: [*rows[:5], rows[6], rows[5], *rows[7:]], "w.csv:7: INF-303 1 hour is missing"),
        (lambda rows: rows[::-1], "w.csv:3: INF-303 2023-12-31 22:00 comes after 2023-12-31 23:00"),
        (lambda rows: rows[:8000], "w.csv:8001: INF-303 w.csv has 8000 hours, but a year has 8760 or 8784"),
        (lambda rows: rows[24:], "w.csv:2: INF-303 the first hour is 2023-01-02 00:00. Begin with"),
        (lambda rows: [*rows[:3], "x,1,1", *rows[4:]], "w.csv:5: INF-303 `x` in `time` is no time"),
        (
            lambda rows: [*rows[:3], rows[3].replace("03:00", "02:30"), *rows[4:]],
            "w.csv:5: INF-303 2023-01-01 02:30 is only 30",
        ),
        (lambda rows: [*rows[:3], rows[3].replace(",3,", ",,"), *rows[4:]], "w.csv:5: INF-304 `temp_c` is empty"),
        (lambda rows: [r.replace(",7,", ",nan,") for r in rows], "w.csv:9: INF-304 `temp_c` is nan, and so 364 more rows"),
        (lambda rows: [*rows[:3], rows[3].replace(",3,", ",999,"), *rows[4:]], "is 999; plausible is -90 to 60"),
        (lambda rows: [*rows[:3], rows[3].replace(",50", ",-1"), *rows[4:]], "`rh_pct` is -1; plausible is 0 to 105"),
        (
            lambda rows: [*rows[:3], "2023-01-01 03:00,3", *rows[4:]],
            "w.csv:5: INF-301 the row has 2 columns, but the header has 3",
        ),
        (lambda _: [], "w.csv: INF-303 w.csv has a header, but no rows"),
    ],
)
def test_what_is_wrong_with_the_hours_is_told_at_its_line(
    tmp_path: Path, change: Callable[[list[str]], list[str]], told: str
) -> None:
    """Given a year with one fault planted, exactly one problem names the line of the weather file, and what it holds."""
    assert told in problem_of(tmp_path, table(change(plain())))


def test_every_fault_of_a_file_is_told_in_one_run(tmp_path: Path) -> None:
    """Given a repeated hour, an empty temperature and a humidity of 200 %, all three are told."""
    rows = plain()
    rows[4], rows[6], rows[7] = rows[3], "2023-01-01 06:00,,50", "2023-01-01 07:00,7,200"
    with pytest.raises(Refused, match="INF-303") as caught:
        csv_year(tmp_path, table(rows))
    assert [p.where.rsplit(":", 1)[1] for p in caught.value.problems] == ["6", "8", "9"]


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    """Given a blank line within the file, and a faulty value after it, the value's line is still right."""
    rows = plain()
    rows[5] = rows[5].replace(",5,", ",500,")
    assert "w.csv:8: INF-304" in problem_of(tmp_path, table([*rows[:2], "", *rows[2:]]))


@pytest.mark.parametrize(
    ("weather", "told"),
    [
        (Weather(file="x.csv"), "site.weather.file: INF-301"),
        (Weather(file="."), "is not a file"),
        (Weather(file="w.csv\0"), "INF-301"),
        (Weather(file="w.csv", humidity_column="rh"), "site.weather.humidity_column: INF-302 w.csv has no column `rh`"),
        (Weather(file="w.csv", dry_bulb_column="temp"), "has no column `temp`. Did you mean temp_c"),
        (Weather(file="w.csv", only={"time": "noon"}), "site.weather.only: INF-302 no row of w.csv has `noon` in `time`"),
        (Weather(), "site.weather: INF-305 weather names neither a file nor a built-in year"),
        (Weather(file="w.csv", builtin="cold"), "weather names both a file and a built-in year"),
        (Weather(builtin="arctic"), "site.weather.builtin: INF-305 there is no built-in year `arctic`. Choose one of"),
        (None, "site.weather: INF-305 there is no weather"),
        (Weather(file="empty.csv"), "INF-301 the file has no header line"),
        (Weather(file="binary.csv"), "INF-301 the file is no UTF-8 text"),
        (Weather(file="fake.csv.gz"), "INF-301 the file cannot be read: Not a gzipped file"),
    ],
)
def test_what_is_wrong_with_the_declaration_is_told_at_its_place(tmp_path: Path, weather: Weather | None, told: str) -> None:
    """Given a hall that names a file, column or climate which is not there, its own line is told, with near names."""
    (tmp_path / "w.csv").write_text(table(plain()))
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "fake.csv.gz").write_text("no gzip")
    with pytest.raises(Refused, match="INF-30") as caught:
        weather_of(Site(weather=weather), tmp_path)
    assert told in str(caught.value)


def test_one_place_of_many_is_kept(tmp_path: Path) -> None:
    """Given two places in one gzipped file, `only` keeps one; without it the problem says which there are."""
    rows = [f"{place},{row}" for place in ("here", "there") for row in plain()]
    (tmp_path / "w.csv.gz").write_bytes(gzip.compress(table(rows, "place,time,temp_c,rh_pct").encode()))
    site = Site(elevation_m=0, utc_offset_h=0, weather=Weather(file="w.csv.gz", only={"place": "there"}))
    assert weather_of(site, tmp_path).hours == 8760
    with pytest.raises(Refused, match=r"only: \{place: here\}`; there are here, there"):
        weather_of(Site(weather=Weather(file="w.csv.gz")), tmp_path)
    with pytest.raises(Refused, match=r"has `ther` in `place`. Choose one of there, here"):
        weather_of(Site(weather=Weather(file="w.csv.gz", only={"place": "ther"})), tmp_path)


def test_a_year_without_elevation_or_offset_says_what_it_assumed(tmp_path: Path) -> None:
    """Given a CSV file and a site that say neither height nor time zone, sea level and UTC are noted as assumed."""
    (tmp_path / "w.csv").write_text(table(plain()))
    year = weather_of(Site(weather=Weather(file="w.csv")), tmp_path)
    assert [note.split(":")[0] for note in year.notes] == [
        "air pressure is that at sea level",
        "local time is taken as UTC",
    ]


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    """Given a weather file that is written anew, the next reading sees the new hours."""
    assert csv_year(tmp_path, table(plain())).dry_bulb_c[5] == 5
    warmer = [f"{t:%Y-%m-%d %H:%M:%S},{t.hour + 10},50" for t in hours(8760, year=2023)]
    assert csv_year(tmp_path, table(warmer)).dry_bulb_c[5] == 15


def test_the_leap_day_is_left_out_where_others_have_none(tmp_path: Path) -> None:
    """Given weather of 8,784 hours and carbon of 8,760, 29 February is left out of the weather, and that is noted."""
    (tmp_path / "c.csv").write_text(table([f"{t:%Y-%m-%dT%H:%M},{t.month}" for t in hours(8760, year=2023)], "time,g"))
    carbon = HourlyFile(file="c.csv", column="g", scale=0.001)
    leap = table([f"{t:%Y-%m-%dT%H:%M},{t.day},50" for t in hours(8784, year=2024)])
    year = csv_year(tmp_path, leap, grid=Grid(carbon_kgco2e_per_kwh=carbon))
    assert year.hours == 8760 and year.notes == ("29 February is left out of the weather: c.csv has none",)
    assert year.dry_bulb_c[59 * 24 - 1] == 28 and year.dry_bulb_c[59 * 24] == 1
    series = hourly_series(carbon, tmp_path, hours=year.hours, utc_offset_h=0)
    assert series[59 * 24 - 1] == 0.002 and series[59 * 24] == 0.003


def test_the_leap_day_is_left_out_of_a_longer_series(tmp_path: Path) -> None:
    """Given weather of 8,760 hours and carbon of 8,784, the carbon of 29 February is left out, and that is noted."""
    (tmp_path / "c.csv").write_text(table([f"{t:%Y-%m-%dT%H:%M},{t.day}" for t in hours(8784, year=2024)], "time,g"))
    carbon = HourlyFile(file="c.csv", column="g")
    year = csv_year(tmp_path, table(plain()), grid=Grid(carbon_kgco2e_per_kwh=carbon))
    assert year.notes == ("29 February is left out of c.csv: the weather year has none",)
    series = hourly_series(carbon, tmp_path, hours=8760, utc_offset_h=0)
    assert len(series) == 8760 and series[59 * 24 - 1] == 28 and series[59 * 24] == 1
    with pytest.raises(Refused, match=r"c\.csv has 8760 hours, but the weather year has 8784"):
        (tmp_path / "c.csv").write_text(table([f"{t:%Y-%m-%dT%H:%M},1" for t in hours(8760, year=2023)], "time,g"))
        hourly_series(carbon, tmp_path, hours=8784, utc_offset_h=0)


@pytest.mark.parametrize(("offset_h", "first"), [(0, 0.0), (2, 22.0), (-3, 3.0), (5.5, 18.5)])
def test_utc_series_begin_at_local_midnight(tmp_path: Path, offset_h: float, first: float) -> None:
    """Given a UTC series that tells its hour, local midnight at UTC+2 has what UTC had at 22:00; half hours are means."""
    (tmp_path / "c.csv").write_text(table([f"{t:%Y-%m-%dT%H:%M},{t.hour}" for t in hours(8760, year=2023)], "time,h"))
    file = HourlyFile(file="c.csv", column="h", time="utc")
    assert hourly_series(file, tmp_path, hours=8760, utc_offset_h=offset_h)[0] == first


def test_negative_prices_are_prices(tmp_path: Path) -> None:
    """Given a market that pays for what is drawn, the price is taken as it is, times the scale."""
    (tmp_path / "p.csv").write_text(table(["-20.5"] * 8760, "usd_mwh"))
    series = hourly_series(HourlyFile(file="p.csv", column="usd_mwh", scale=0.001), tmp_path, hours=8760, utc_offset_h=0)
    assert series.tolist() == [pytest.approx(-0.0205)] * 8760


def test_built_in_climates_are_years_and_say_that_they_are_no_place() -> None:
    """Given each built-in climate, it is 8,760 plausible hours, the same at every run, and noted as invented."""
    for name, (coldest, warmest) in {
        "temperate": (-10, 35),
        "cold": (-30, 35),
        "hot-dry": (0, 48),
        "hot-humid": (20, 35),
    }.items():
        year = weather_of(Site(weather=Weather(builtin=name)), Path())
        assert year.hours == 8760 and coldest < year.dry_bulb_c.min() < year.dry_bulb_c.max() < warmest
        assert year.humidity_ratio.min() > 0 and year.humidity_ratio.max() <= 1 and "not a place on earth" in year.notes[0]
    means = np.array([weather_of(Site(weather=Weather(builtin="temperate")), Path()).dry_bulb_c.mean()])
    assert means == pytest.approx(11.0, abs=0.1)


def test_a_built_in_year_takes_the_sites_position() -> None:
    """Given a site that says where it is, a built-in year stands there."""
    site = Site(latitude_deg=48, longitude_deg=11, elevation_m=500, utc_offset_h=1, weather=Weather(builtin="cold"))
    year = weather_of(site, Path())
    assert (year.latitude_deg, year.longitude_deg, year.elevation_m, year.utc_offset_h) == (48, 11, 500, 1)
