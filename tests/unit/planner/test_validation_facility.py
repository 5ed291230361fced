"""Published PUE and WUE beside ours: which weather and class stand for a region, and what is said where none does."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from datahall.planner.validation.facility import published, rows
from datahall.planner.validation.facility_classes import class_of, known, station_of

SINGAPORE = {"region": "x", "location": "Singapore", "lat_lon": "1.3,103.8", "pue": "1.30", "wue_L_per_kWh": "2.0"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Reference data with the weather of one region: 28 C and 80 % humidity in every hour of a year."""
    (tmp_path / "site-hourly").mkdir()
    start = datetime(2024, 1, 1)
    hours = (f"SG,{start + timedelta(hours=h):%Y-%m-%dT%H:%M},28,80" for h in range(8784))
    file = tmp_path / "site-hourly" / "weather_2024.csv.gz"
    import gzip

    file.write_bytes(gzip.compress("\n".join(("region,time,temp_c,rh_pct", *hours)).encode()))
    return tmp_path


def test_a_row_with_weather_is_computed_and_judged(folder: Path) -> None:
    """Given Singapore with 2 L/kWh and its weather at hand, a tower plant is assumed, and both figures are judged."""
    pue, wue = rows(folder, [SINGAPORE])
    assert (pue.quantity, wue.quantity, pue.baseline) == ("PUE", "WUE, L/kWh", None)
    assert pue.ours is not None and 1.2 < pue.ours < 1.35 and wue.ours is not None and 2.0 < wue.ours < 3.0
    assert pue.hit is True and wue.hit is True and "towers" in pue.note and "the pair hits" in pue.note


def test_the_constant_is_the_median_of_the_other_rows(folder: Path) -> None:
    """Given three rows, each is compared with the median of the two others, never with itself."""
    table = [SINGAPORE | {"pue": pue} for pue in ("1.1", "1.2", "1.6")]
    assert [row.baseline for row in rows(folder, table) if row.quantity == "PUE"] == pytest.approx([1.4, 1.35, 1.15])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"location": "Iceland", "lat_lon": "64.1,-21.9"}, "no weather within 150 km; the nearest is London, 1"),
        ({"location": "?", "lat_lon": "north"}, "lat_lon is not two numbers"),
        ({"location": "?", "lat_lon": "nan,5"}, "lat_lon is no place on earth"),
        ({"location": "?", "lat_lon": ""}, "lat_lon is not two numbers"),
        ({"location": "?", "lat_lon": "91,0"}, "lat_lon is no place on earth"),
        ({"location": "Phoenix", "lat_lon": "33.4,-112"}, "the weather of Phoenix is not at hand; set DATAHALL_SHARED"),
        ({"location": "Tokyo", "lat_lon": "35.7,139.7"}, "no row of weather_2024.csv.gz has `JP-TK` in `region`"),
    ],
)
def test_a_row_without_weather_says_so(folder: Path, change: dict[str, str], told: str) -> None:
    """Given a region far from any weather, without coordinates, or whose file is gone, it is not computed, and not judged."""
    found = rows(folder, [SINGAPORE | change])
    assert len(found) == 2 and all(told in row.note and row.ours is None and row.hit is None for row in found)


def test_design_values_and_defaults_are_not_judged(folder: Path) -> None:
    """Given a design value, and a WUE that a provider states five times, figures are computed but no hit is told."""
    [pue, wue] = rows(folder, [SINGAPORE | {"note": "1.12 repeated = Azure design value, not operating"}])
    assert pue.ours is not None and pue.hit is None and wue.hit is None
    five = rows(folder, [SINGAPORE | {"provider": "AWS"}] * 5)
    assert {row.hit for row in five if row.quantity == "PUE"} == {True}
    assert {row.hit for row in five if row.quantity != "PUE"} == {None}


def test_a_row_with_one_figure_has_one_line(folder: Path) -> None:
    """Given a PUE alone, there is one line; given neither figure, none."""
    assert [row.quantity for row in rows(folder, [SINGAPORE | {"wue_L_per_kWh": ""}])] == ["PUE"]
    assert rows(folder, [SINGAPORE | {"wue_L_per_kWh": "", "pue": "-"}]) == []


def test_the_class_follows_from_what_is_published() -> None:
    """Given water use and PUE, one rule says which of four classes is assumed."""
    assert class_of({"wue_L_per_kWh": "0.7"}).name == "tower"
    assert class_of({"wue_L_per_kWh": "0.1", "pue": "1.25"}).name == "dry"
    assert class_of({"wue_L_per_kWh": "0.1", "pue": "1.1"}).name == "air_evaporative"
    assert class_of({"provider": "Google Cloud", "pue": "1.1"}).name == "warm_tower"
    assert len(known().classes) == 4


def test_wrong_coordinates_do_not_hide_a_place_that_is_named() -> None:
    """Given Dallas with the coordinates of Oregon, as published, the name counts; a distance is told else."""
    station, how = station_of({"location": "Dallas", "lat_lon": "44.9221,-123.313"})
    assert station is not None and station.name == "Dallas" and how == "weather of Dallas, by its name"
    assert station_of({"location": "Georgia", "lat_lon": "33.76,-84.401"})[1] == "weather of Atlanta, 15 km away"


def test_published_rows_without_weather_are_listed_but_not_computed(tmp_path: Path) -> None:
    """Given a fresh clone without the reference data, each published figure has its line and says what it would take."""
    found = rows(tmp_path)
    assert len(found) >= 36 and all(row.ours is None and "not at hand" in row.note for row in found)
    assert all(row["source"] for row in published())


@pytest.mark.shared
def test_published_rows_beat_the_constant(shared: Path) -> None:
    """Given the reference data, our PUE and WUE are nearer to what is published than the median of the other rows."""
    found = [row for row in rows(shared / "data") if row.hit is not None]
    for quantity in ("PUE", "WUE, L/kWh"):
        judged = [row for row in found if row.quantity == quantity]
        ours = sum(abs(row.ours - row.published) for row in judged if row.ours is not None)
        constant = sum(abs(row.baseline - row.published) for row in judged if row.baseline is not None)
        assert len(judged) >= 10 and ours < 0.75 * constant
