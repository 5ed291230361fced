"""Published PUE and WUE beside ours: which weather and class stand for a region, and what is said where none does."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from datahall.infrastructure.spec import Site
from datahall.infrastructure.weather import WeatherYear
from datahall.infrastructure.weather.year import year_of
from datahall.planner.validation.cells import PLACE
from datahall.planner.validation.facility import published, rows
from datahall.planner.validation.facility_classes import class_of, known, station_of
from datahall.planner.validation.facility_climate import mean_weather

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
    assert {"a default of the provider" in row.note for row in five if row.quantity == "PUE"} == {False}
    assert {"a default of the provider" in row.note for row in five if row.quantity != "PUE"} == {True}


def test_a_row_has_a_line_for_each_figure_and_at_least_one(folder: Path) -> None:
    """Given a PUE alone, there is one line; given neither figure, one that says so and where."""
    assert [row.quantity for row in rows(folder, [SINGAPORE | {"wue_L_per_kWh": ""}])] == ["PUE"]
    [line] = rows(folder, [SINGAPORE | {"wue_L_per_kWh": "", "pue": "-", PLACE: "mine.csv:4"}])
    assert (line.published, line.ours, line.note) == (None, None, "mine.csv:4: gives neither PUE nor WUE")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pue": "abc"}, "pue is `abc`, not a finite number"),
        ({"pue": "inf"}, "pue is `inf`, not a finite number"),
        ({"pue": "0.9"}, "impossible: no PUE is below 1"),
        ({"wue_L_per_kWh": "nan"}, "wue_L_per_kWh is `nan`, not a finite number"),
        ({"wue_L_per_kWh": "-0.1"}, "impossible: no WUE is below 0"),
    ],
)
def test_a_figure_that_cannot_be_is_told_and_not_judged(folder: Path, change: dict[str, str], told: str) -> None:
    """Given a figure that is no number or below what any hall has, its line says so; it is no part of the others' constant."""
    pue, wue = rows(folder, [SINGAPORE | change])
    wrong, right = (pue, wue) if "pue" in change else (wue, pue)
    assert (wrong.hit, wrong.error_ratio, right.hit) == (None, None, True)
    assert told in wrong.note and told not in right.note
    first, *_ = rows(folder, [SINGAPORE, SINGAPORE | change, SINGAPORE | {"pue": "1.4"}])
    assert first.baseline == pytest.approx(1.4 if "pue" in change else 1.35)


def year(dew_point_c: float) -> WeatherYear:
    """A year in which each hour has a dry bulb of 30 C and this dew point."""
    humidity_ratio = np.exp(17.62 * dew_point_c / (243.12 + dew_point_c)) / np.exp(17.62 * 30 / (243.12 + 30))
    flat = {"latitude_deg": None, "longitude_deg": None, "elevation_m": 0.0, "utc_offset_h": 0.0, "source": "made for a test"}
    return year_of(np.full(8760, 30.0), np.full(8760, humidity_ratio), np.full(8760, 101325.0), **flat)


@pytest.mark.parametrize(
    ("provider", "dry", "humid"),
    [
        ("Google Cloud", "warm_tower", "warm_tower"),
        ("Amazon Web Services", "air_evaporative", "tower"),
        ("Microsoft Azure", "air_evaporative", "tower"),
        ("", "tower", "tower"),
    ],
)
def test_the_class_follows_from_provider_and_climate(provider: str, dry: str, humid: str) -> None:
    """Given dew points below and above what outside air may have, one rule says which of three classes is assumed."""
    assert class_of({"provider": provider}, year(10))[0].name == dry
    assert class_of({"provider": provider}, year(24))[0].name == humid
    assert len(known().classes) == 3


@pytest.mark.parametrize(("pue", "wue"), [("1.05", "0.01"), ("1.3", "0.1"), ("1.3", "2.5"), ("", "0.9")])
def test_no_class_is_chosen_from_the_figures_that_it_is_judged_by(folder: Path, pue: str, wue: str) -> None:
    """Given the same place with other published figures, ours and the assumption stay the same."""
    ours = {row.quantity: (row.ours, row.note.split("; the pair")[0]) for row in rows(folder, [SINGAPORE])}
    changed = rows(folder, [SINGAPORE | {"pue": pue, "wue_L_per_kWh": wue}])
    assert changed
    for row in changed:
        assert (row.ours, row.note.split("; the pair")[0]) == ours[row.quantity]


def test_two_constants_stand_beside_ours(folder: Path) -> None:
    """Given rows of two providers, one constant is of all other rows, one of the provider's; both are judged like ours."""
    table = [SINGAPORE | {"provider": who, "pue": pue} for who, pue in (("A", "1.30"), ("A", "1.34"), ("B", "1.6"))]
    first, _, last = (row for row in rows(folder, table) if row.quantity == "PUE")
    assert (first.baseline, first.baseline_hit) == (pytest.approx(1.47), False)
    assert (first.peer_baseline, first.peer_baseline_hit) == (pytest.approx(1.34), True)
    assert (last.peer_baseline, last.peer_baseline_hit, first.tolerance) == (None, None, "within 0.05")


def test_wrong_coordinates_do_not_hide_a_place_that_is_named() -> None:
    """Given Dallas with the coordinates of Oregon, as published, the name counts; a distance is told else."""
    station, how = station_of({"location": "Dallas", "lat_lon": "44.9221,-123.313"})
    assert station is not None and station.name == "Dallas" and how == "weather of Dallas, by its name"
    assert station_of({"location": "Georgia", "lat_lon": "33.76,-84.401"})[1] == "weather of Atlanta, 15 km away"


def test_a_fresh_clone_computes_what_its_means_allow(tmp_path: Path) -> None:
    """Given no reference data, most figures are computed from monthly means and say so; the rest say what they lack."""
    found = rows(tmp_path)
    computed = [row for row in found if row.ours is not None]
    assert len(found) >= 36 and len(computed) >= 25
    assert all("monthly means, not hours" in row.note for row in computed)
    assert all("not at hand; set DATAHALL_SHARED" in row.note for row in found if row.ours is None)
    assert all(row["source"] for row in published())


def test_the_means_that_ship_are_those_of_the_example() -> None:
    """Given the worked example of sixteen sites, its climate and ours are the same figures."""
    file = Path(__file__).parents[3] / "examples/sites-16/climate.csv"
    with file.open() as lines:
        theirs = [row for row in csv.DictReader(lines) if row["region"] == "JP-TK" and row["quantity"] == "dry_bulb_c"]
    weather = mean_weather("JP-TK", Site(elevation_m=10))
    assert weather is not None and mean_weather("US-AZ", Site()) is None
    assert weather.dry_bulb_c[:24].tolist() == [float(theirs[0][f"h{hour:02}"]) for hour in range(24)]
    assert weather.dry_bulb_c[-24:].tolist() == [float(theirs[11][f"h{hour:02}"]) for hour in range(24)]


@pytest.mark.shared
def test_means_choose_the_classes_that_hours_choose(shared: Path, tmp_path: Path) -> None:
    """Given both, every row that means allow has the class of its hours, and a PUE within 0.03 of theirs."""
    pairs = list(zip(rows(shared / "data"), rows(tmp_path), strict=True))
    both = [(a, b) for a, b in pairs if b.ours is not None and a.quantity == "PUE"]
    assert len(both) >= 12
    for hours, means in both:
        assert hours.note.split(",")[0] == means.note.split(",")[0] and hours.ours is not None
        assert means.ours == pytest.approx(hours.ours, abs=0.03)


@pytest.mark.shared
def test_published_rows_beat_the_constant(shared: Path) -> None:
    """Given the reference data, ours are nearer to what is published than the median of the other rows, by a tenth."""
    found = [row for row in rows(shared / "data") if row.hit is not None]
    for quantity in ("PUE", "WUE, L/kWh"):
        judged = [row for row in found if row.quantity == quantity]
        ours = sum(abs(row.ours - row.published) for row in judged if row.ours is not None)
        constant = sum(abs(row.baseline - row.published) for row in judged if row.baseline is not None)
        assert len(judged) >= 10 and ours < 0.9 * constant
