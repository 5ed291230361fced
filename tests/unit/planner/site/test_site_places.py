import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.infrastructure.spec import Site
from datahall.planner.site.hazards import hazard_score
from datahall.planner.site.latency import mean_round_trip_s
from datahall.planner.site.means import hours_of, month_hour_means, regions_of
from datahall.planner.site.places import real_path
from datahall.planner.site.spec import Hazards, Means, Users

HEADER = "region,quantity,month," + ",".join(f"h{hour:02}" for hour in range(24)) + "\n"


def test_paths_are_relative_or_from_the_environment(tmp_path):
    """Given a plain path, a variable that is set, one that is not but has a default, each leads where it says."""
    there = {"DATAHALL_SHARED": str(tmp_path / "data")}
    assert real_path("a/b.csv", tmp_path, where="x") == tmp_path / "a/b.csv"
    assert real_path("${DATAHALL_SHARED}/b.csv", tmp_path, where="x", environment=there) == tmp_path / "data/b.csv"
    assert real_path("${DATAHALL_SHARED:-../d}/b.csv", tmp_path, where="x", environment={}) == tmp_path.parent / "d/b.csv"
    assert real_path("${DATAHALL_SHARED:-../d}/b.csv", tmp_path, where="x", environment=there) == tmp_path / "data/b.csv"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${HOME}/x.csv", "HOME may not be used"),
        ("${DATAHALL_SHARED}/x.csv", "not set, and the path gives no default"),
        ("${DATAHALL_SHARED:-d}/../../etc/passwd", "leads out of the folder"),
        ("a/${DATAHALL_SHARED}/x.csv", "is no path"),
        ("${DATAHALL_A:-d}/${DATAHALL_B}/x.csv", "is no path"),
        ("$HOME/x.csv", "is no path"),
    ],
)
def test_other_paths_are_refused(tmp_path, text, said):
    """Given a path that would tell another variable, leave its folder, or hide a second variable, it is refused."""
    with pytest.raises(Refused, match=f"SITE-010.*{said}"):
        real_path(text, tmp_path, where="sites.yaml:3", environment={})


def test_means_of_means_are_the_means():
    """Given a year made from monthly means, its means by month and hour are those again; a leap year has its day counted."""
    means = np.arange(288.0).reshape(12, 24)
    hours = hours_of(means)
    assert hours.shape == (8760,)
    assert month_hour_means(hours) == pytest.approx(means)
    leap = np.zeros(8784)
    leap[59 * 24 : 60 * 24] = 29.0  # 29 February alone
    assert month_hour_means(leap)[1] == pytest.approx(np.ones(24))
    assert month_hour_means(leap).sum() == pytest.approx(24)


def climate_files(folder, *, rows: str) -> Means:
    (folder / "climate.csv").write_text(HEADER + rows)
    (folder / "annual.csv").write_text("region,carbon_kgco2e_per_kwh,price_per_kwh\nX,0.3,\n")
    return Means(climate="climate.csv", annual="annual.csv", source="a test file")


def year_rows(value: str, *, months: int = 12) -> str:
    return "".join(
        f"X,{quantity},{month},{','.join([value if quantity == 'dry_bulb_c' else '0.5'] * 24)}\n"
        for quantity in ("dry_bulb_c", "humidity_ratio")
        for month in range(1, months + 1)
    )


def test_a_mean_year_is_weather_of_8760_hours(tmp_path):
    """Given 20 C at 50 % all year, the wet bulb is near 13.7 C, and the weather says that it is no hours."""
    regions = regions_of(climate_files(tmp_path, rows=year_rows("20")), tmp_path, where=("a", "b"))
    weather = regions.weather("X", Site(elevation_m=0, utc_offset_h=1))
    assert weather.hours == 8760
    # Stull 2011, doi:10.1175/JAMC-D-11-0143.1: 13.7 C at 20 C and 50 %, within 0.3 K.
    assert weather.wet_bulb_c == pytest.approx(np.full(8760, 13.7), abs=0.3)
    assert "not hours" in weather.source
    assert regions.annual == {"X": {"carbon_kgco2e_per_kwh": 0.3}}


@pytest.mark.parametrize(
    ("rows", "said"),
    [(year_rows("warm"), "no month of 24 numbers"), (year_rows("20", months=11), "no dry_bulb_c for month 12")],
)
def test_means_with_holes_are_refused(tmp_path, rows, said):
    """Given a climate file with a word for a number, or without December, the hole is named."""
    with pytest.raises(Refused, match=f"SITE-011.*{said}"):
        regions_of(climate_files(tmp_path, rows=rows), tmp_path, where=("a", "b"))


def test_means_that_are_not_there_are_told(tmp_path):
    """Given neither file of means, both are told, each at its place."""
    with pytest.raises(Refused, match="INF-301") as caught:
        regions_of(Means(climate="c.csv", annual="a.csv", source="a test file"), tmp_path, where=("s:1", "s:2"))
    assert [problem.where for problem in caught.value.problems] == ["s:1", "s:2"]


def test_round_trips_are_weighted_over_users():
    """Given users at the site and users in New York, 5,570 km away, the mean round trip is that of the weights."""
    here = Users(place="London", latitude_deg=51.5074, longitude_deg=-0.1278)
    far = Users(place="New York", latitude_deg=40.7128, longitude_deg=-74.0060, weight=3)
    site = Site(latitude_deg=51.5074, longitude_deg=-0.1278)
    # network_rtt.csv: median 1.86 x light in fibre, 200 km/ms: 2 x 5,570 / 200 x 1.86 = 103.6 ms.
    assert mean_round_trip_s(site, [far]) == pytest.approx(0.1036, rel=2e-3)
    assert mean_round_trip_s(site, [here, far]) == pytest.approx(0.75 * 0.1036, rel=2e-3)
    assert mean_round_trip_s(site, []) is None
    assert mean_round_trip_s(Site(), [far]) is None


def test_more_hazards_never_lower_the_score():
    """Given hazards of 0.1 and 0.2, together they score 0.28; none known is no score, and none at all is 0."""
    assert hazard_score(Hazards(earthquake=0.1, flood=0.2, source="test")) == pytest.approx(0.28)
    assert hazard_score(Hazards(earthquake=0.1, flood=0.2, storm=0.0, source="test")) == pytest.approx(0.28)
    assert hazard_score(Hazards(storm=0.0, source="test")) == 0
    assert hazard_score(Hazards(source="test")) is None
    assert hazard_score(None) is None
