"""Files that are no year of hours: huge ones, broken ones, and ones that are none of the hall's business."""

import gzip
import random
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.infrastructure.weather.test_epw import HEAD, epw_lines, year_from

from datahall.foundation.errors import Refused
from datahall.infrastructure.spec import HourlyFile, Site, Weather
from datahall.infrastructure.weather import hourly_series, weather_of


def refused(folder: Path, file: str, column: str = "a") -> str:
    """What the one problem of that file says."""
    with pytest.raises(Refused, match="INF-30") as caught:
        hourly_series(HourlyFile(file=file, column=column), folder, hours=8760, utc_offset_h=0)
    [problem] = caught.value.problems
    return str(problem)


# --- too large --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"a\n" + b"\n" * 60_000_000, "b.csv.gz:1000001: INF-301 the file has more than 1,000,000 lines"),
        (b"a,b\n" + b"1,2\n" * 1_500_000, "b.csv.gz:1000001: INF-301 the file has more than 1,000,000 lines"),
        (b"a\n" + b"x" * 60_000_000, "b.csv.gz:2: INF-301 the file has a line of more than 1,048,576 characters"),
        (b"a,b\n" + (b"x" * 100_000 + b",1\n") * 700, "INF-301 the file has more than 64 MiB, unpacked"),
        (b"a" + b"," * 1000 + b"\n", "b.csv.gz:1: INF-301 the header has 1,001 columns, but at most 1,000"),
        (b"a" + b"," * 999 + b"\n" + (b"," * 999 + b"\n") * 25_000, "INF-301 the file has more than 20,000,000 cells"),
    ],
    ids=["newlines", "rows", "line", "bytes", "columns", "cells"],
)  # fmt: skip
def test_a_packed_file_is_not_unpacked_beyond_its_limits(tmp_path: Path, text: bytes, told: str) -> None:
    """Given a small .gz file that unpacks to far too much, one problem says which limit, and little memory was taken."""
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(text, compresslevel=1))
    del text
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert told in refused(tmp_path, "b.csv.gz")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 300_000


def test_an_endless_line_in_an_epw_is_one_problem(tmp_path: Path) -> None:
    """Given an EPW file of one line, or of very many, the limit is told."""
    (tmp_path / "w.epw").write_bytes(b"LOCATION" + b"," * 2_000_000)
    with pytest.raises(Refused, match=r"w\.epw:1: INF-301 the file has a line of more than 1,048,576 characters"):
        weather_of(Site(weather=Weather(file="w.epw")), tmp_path)
    with pytest.raises(Refused, match=r"w\.epw:10001: INF-301 the file has more than 10,000 lines"):
        year_from(tmp_path, [*epw_lines(), *[""] * 2000, "x"])


# --- broken -----------------------------------------------------------------------------------------------------


def test_a_quote_that_is_never_closed_is_one_problem(tmp_path: Path) -> None:
    """Given a cell that begins with a quote and swallows the rest of the file, the line of the quote is told."""
    (tmp_path / "q.csv").write_text("a,b\n1,2\n" + '3,"4\n' + "5,6\n" * 50_000)
    assert "q.csv:3: INF-301 the row that begins here cannot be read: field larger than field limit" in refused(
        tmp_path, "q.csv"
    )


def test_rows_after_a_cell_of_two_lines_keep_their_line(tmp_path: Path) -> None:
    """Given a quoted line end in a cell, a short row after it is named by its own line."""
    (tmp_path / "q.csv").write_text('a,b\n1,"x\ny"\n3\n')
    assert "q.csv:4: INF-301 the row has 1 columns" in refused(tmp_path, "q.csv")


@pytest.mark.parametrize(
    ("line", "old", "new", "told"),
    [
        (12, "2021,1,", "2021,nan,", "w.epw:12: INF-301 an hour should have 35 columns with numbers: year to hour"),
        (12, "2021,1,", "2021,inf,", "w.epw:12: INF-301 an hour should have 35 columns with numbers: year to hour"),
        (12, "2021,1,", "2021,1.5,", "w.epw:12: INF-301 an hour should have 35 columns with numbers: year to hour"),
        (12, "2021,", "99999,", "w.epw:12: INF-301 an hour should have 35 columns with numbers: year to hour"),
        (12, "97000,", "97000,0,", "w.epw:12: INF-301 an hour should have 35 columns, but this one has 36"),
        (12, "97000," + "0," * 22, "97000,", "w.epw:12: INF-301 an hour should have 35 columns, but this one has 13"),
        (1, "10.5", "nan", "w.epw:1: INF-301 latitude in LOCATION is nan, but on earth it is -90 to 90"),
        (1, "-1.0", "99", "w.epw:1: INF-301 time zone in LOCATION is 99, but on earth it is -12 to 14"),
        (1, "300.0", "1e999", "w.epw:1: INF-301 elevation in LOCATION is inf"),
    ],
)
def test_what_pandas_would_stumble_over_is_told_with_its_line(tmp_path: Path, line: int, old: str, new: str, told: str) -> None:
    """Given an EPW file with a number that is none, or too many columns, that line is the one problem."""
    lines = epw_lines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    with pytest.raises(Refused, match="INF-30") as caught:
        year_from(tmp_path, lines)
    [problem] = caught.value.problems
    assert told in str(problem)


def test_a_leap_day_needs_a_leap_year(tmp_path: Path) -> None:
    """Given 29 February 2021, the line of that day is told."""
    lines = epw_lines()
    at = len(HEAD) + 59 * 24
    extra = [line.replace("2021,2,28,", "2021,2,29,") for line in lines[at - 24 : at]]
    with pytest.raises(Refused, match=rf"w\.epw:{at + 1}: INF-303 2021 has no 29 February"):
        year_from(tmp_path, [*lines[:at], *extra, *lines[at:]])


def test_quotes_in_remarks_swallow_nothing(tmp_path: Path) -> None:
    """Given a remark with an open quote, and one in a flag, the year is read all the same."""
    lines = epw_lines()
    lines[5], lines[20] = 'COMMENTS 1,"made', lines[20].replace("?", '"')
    assert year_from(tmp_path, lines).dry_bulb_c[:3].tolist() == [1, 2, 3]


def _flip(text: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(text))
    return text[:at] + bytes([dice.randrange(256)]) + text[at + 1 :]


def _cut(text: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(text))
    return text[:at] + text[at + dice.randrange(200) :]


def _plant(text: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(text))
    word = dice.choice(
        [b"nan", b"-inf", b"1e999", b'"', b",", b"\n", b"\r", b"\0", b"\x0c", b"1_0", "٣\u2028".encode(), b"9" * 400]
    )
    return text[:at] + word + text[at:]


@pytest.mark.parametrize("change", [_flip, _cut, _plant])
def test_a_mangled_epw_is_a_year_or_a_problem(tmp_path: Path, change: Callable[[bytes, random.Random], bytes]) -> None:
    """Given an EPW file with its head or an hour mangled at random, it is read or refused: nothing else is raised."""
    dice = random.Random(change.__name__)
    lines = epw_lines()
    for number in range(25):
        near = len(HEAD) + dice.randrange(3, 50)
        head, rest = "\n".join(lines[:near]).encode(), "\n".join(["", *lines[near:], ""]).encode()
        (tmp_path / f"{number}.epw").write_bytes(change(head, dice) + rest)
        try:
            assert weather_of(Site(weather=Weather(file=f"{number}.epw")), tmp_path).hours == 8760
        except Refused as error:
            assert len(error.problems) <= 3 and all(problem.code.startswith("INF-30") for problem in error.problems)


# --- none of the hall's business --------------------------------------------------------------------------------

SECRETS = [
    ("s.csv", "hunter2,pass\nswordfish,1\n"),
    ("s.csv", "time,a\nswordfish,hunter2\n"),
    ("s.csv", "time,a\n2023-01-01,hunter2\nswordfish,1\n"),
    ("s.csv", "time,a\n" + "".join(f"{place},1\n" for place in ["hunter2", "swordfish"] * 4500)),
    ("s.epw", "hunter2:swordfish:19000\n"),
]


@pytest.mark.parametrize(("name", "text"), SECRETS)
@pytest.mark.parametrize("linked", [False, True])
def test_a_file_from_elsewhere_is_not_repeated(tmp_path: Path, name: str, text: str, linked: bool) -> None:
    """Given a file outside the hall's folder, by its path or by a link, problems name lines and kinds, but no word of it."""
    hall, elsewhere = tmp_path / "hall", tmp_path / "elsewhere"
    hall.mkdir()
    elsewhere.mkdir()
    (elsewhere / name).write_text(text)
    (hall / name).symlink_to(elsewhere / name)
    path = name if linked else f"../elsewhere/{name}"
    site = Site(elevation_m=0, utc_offset_h=0, weather=Weather(file=path, dry_bulb_column="a", humidity_column="a"))
    for read in (
        lambda: weather_of(site, hall),
        lambda: hourly_series(HourlyFile(file=path, column="a"), hall, hours=8760, utc_offset_h=0),
        lambda: hourly_series(HourlyFile(file=path, column="a", only={"time": "hunter"}), hall, hours=8760, utc_offset_h=0),
    ):
        with pytest.raises(Refused, match="INF-30") as caught:
            read()
        assert "hunter2" not in str(caught.value) and "swordfish" not in str(caught.value)


def test_a_file_beside_the_hall_is_quoted(tmp_path: Path) -> None:
    """Given the same file in the hall's folder, problems say what stands there."""
    (tmp_path / "s.csv").write_text("time,a\n2023-01-01T00:00,hunter2\n")
    with pytest.raises(Refused, match="`a` is hunter2"):
        hourly_series(HourlyFile(file="s.csv", column="a"), tmp_path, hours=8760, utc_offset_h=0)
