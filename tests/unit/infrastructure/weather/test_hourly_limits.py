"""Hourly carbon and prices: what a kWh may emit or cost, and whose midnight the year begins at."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.infrastructure.checks import load_hall
from datahall.infrastructure.spec import HourlyFile, Site, Weather
from datahall.infrastructure.weather import hourly_series, weather_of
from datahall.infrastructure.weather.series import CARBON

HALL = """\
schema_version: 1
name: h
nodes: [{name: n1, cpu: {model: test, sockets: 1, cores: 2, threads: 2}, memory_bytes: 8 GiB}]
site:
  weather: {builtin: temperate}
  grid:
    CARBON_kgco2e_per_kwh: {file: c.csv, column: g}
"""
SINGAPORE = timezone(timedelta(hours=8))


def column(folder: Path, values: list[object], name: str = "c.csv") -> None:
    (folder / name).write_text("\n".join(["g", *map(str, values), ""]))


def stamped(folder: Path, times: list[str]) -> HourlyFile:
    rows = [f"{time},{i}" for i, time in enumerate(times)]
    (folder / "p.csv").write_text("\n".join(["time,p", *rows, ""]))
    return HourlyFile(file="p.csv", column="p")


@pytest.mark.parametrize("series", ["carbon", "market"])
@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            [0.3] * 8000 + [323] * 760,
            "c.csv:8002: INF-304 `g` is `323`, and so 759 more rows; plausible is 0 to 3. Write `scale: 0",
        ),
        ([0.3] * 5 + [-0.1] + [0.3] * 8754, "c.csv:7: INF-304 `g` is `-0.1`; plausible is 0 to 3. Correct the value: what"),
    ],
)
def test_grams_and_negative_emissions_are_refused_at_their_line(
    tmp_path: Path, series: str, values: list[object], told: str
) -> None:
    """Given hours of grams without a scale, or below nothing, in either series, the first such line is the one problem."""
    column(tmp_path, values)
    (tmp_path / "hall.yaml").write_text(HALL.replace("CARBON", series))
    with pytest.raises(Refused, match="INF-304") as caught:
        load_hall(tmp_path / "hall.yaml")
    [problem] = caught.value.problems
    assert told in str(problem)


def test_grams_with_their_scale_are_kilograms(tmp_path: Path) -> None:
    """Given the same hours with `scale: 0.001`, the hall is read, and the values are kilograms."""
    column(tmp_path, [323] * 8760)
    (tmp_path / "hall.yaml").write_text(HALL.replace("CARBON", "carbon").replace("column: g", "column: g, scale: 0.001"))
    load_hall(tmp_path / "hall.yaml")
    file = HourlyFile(file="c.csv", column="g", scale=0.001)
    series = hourly_series(file, tmp_path, hours=8760, utc_offset_h=0, limits=CARBON)
    assert np.allclose(series, 0.323)
    with pytest.raises(Refused, match=r"`323`, times `scale: 0.1`, and so 8759 more rows; .* Write `scale: 0.0001`"):
        hourly_series(file.model_copy(update={"scale": 0.1}), tmp_path, hours=8760, utc_offset_h=0, limits=CARBON)


def test_a_price_that_its_scale_makes_infinite_is_refused(tmp_path: Path) -> None:
    """Given a finite price and a scale whose product is beyond all floats, one problem names the line."""
    column(tmp_path, ["1e300"] * 8760)
    file = HourlyFile(file="c.csv", column="g", scale=1e200)
    with pytest.raises(Refused, match=r"c\.csv:2: INF-304 `g` is `1e300`, times `scale: 1e\+200`.*a finite number is needed"):
        hourly_series(file, tmp_path, hours=8760, utc_offset_h=0)


def test_stamps_with_an_offset_are_read_by_their_own_clock(tmp_path: Path) -> None:
    """Given hours stamped +08:00 from local midnight, a local year begins there; as UTC hours they begin too early."""
    times = [datetime(2023, 1, 1, tzinfo=SINGAPORE) + timedelta(hours=h) for h in range(8760)]
    file = stamped(tmp_path, [f"{t:%Y-%m-%dT%H:%M}+08:00" for t in times])
    assert hourly_series(file, tmp_path, hours=8760, utc_offset_h=8)[:2].tolist() == [0, 1]
    with pytest.raises(Refused, match=r"first hour is 2022-12-31 16:00. Begin with .*0:00 UTC.*, or write `time: local`"):
        hourly_series(file.model_copy(update={"time": "utc"}), tmp_path, hours=8760, utc_offset_h=8)


def test_utc_stamps_from_local_midnight_are_told_what_to_do(tmp_path: Path) -> None:
    """Given UTC stamps that begin at another place's midnight, the fix names both ways out."""
    times = [datetime(2022, 12, 31, 16, tzinfo=UTC) + timedelta(hours=h) for h in range(8760)]
    file = stamped(tmp_path, [f"{t:%Y-%m-%dT%H:%M}Z" for t in times])
    with pytest.raises(
        Refused, match=r"2022-12-31 16:00. Begin with the hour from 0:00 on 1 January, or write `time: utc` for"
    ):
        hourly_series(file, tmp_path, hours=8760, utc_offset_h=8)


def test_a_clock_that_changes_in_summer_is_followed(tmp_path: Path) -> None:
    """Given stamps of +01:00 that turn +02:00 in summer, each hour is there once, by the first stamp's clock."""
    zones = [timezone(timedelta(hours=1 + (2000 <= h < 7000))) for h in range(8760)]
    times = [datetime(2022, 12, 31, 23, tzinfo=UTC) + timedelta(hours=h) for h in range(8760)]
    file = stamped(tmp_path, [t.astimezone(zone).isoformat() for t, zone in zip(times, zones, strict=True)])
    assert hourly_series(file, tmp_path, hours=8760, utc_offset_h=1)[8759] == 8759


def test_a_time_before_all_years_is_no_time(tmp_path: Path) -> None:
    """Given a stamp that no clock of UTC can show, it is told as no time."""
    file = stamped(tmp_path, ["2023-01-01T00:00Z", "0001-01-01T00:00+23:00", *["2023-01-01T00:00Z"] * 8758])
    with pytest.raises(Refused, match=r"p\.csv:3: INF-303 `0001-01-01T00:00\+23:00` in `time` is no time"):
        hourly_series(file, tmp_path, hours=8760, utc_offset_h=0)


def test_weather_by_a_clock_of_its_own(tmp_path: Path) -> None:
    """Given weather stamped +08:00, its year begins at that midnight too."""
    times = [datetime(2023, 1, 1, tzinfo=SINGAPORE) + timedelta(hours=h) for h in range(8760)]
    rows = [f"{t.isoformat()},{t.hour},50" for t in times]
    (tmp_path / "w.csv").write_text("\n".join(["time,temp_c,rh_pct", *rows, ""]))
    year = weather_of(Site(elevation_m=0, utc_offset_h=8, weather=Weather(file="w.csv")), tmp_path)
    assert year.dry_bulb_c[:3].tolist() == [0, 1, 2]
