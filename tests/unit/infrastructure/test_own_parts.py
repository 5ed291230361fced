"""A hall's own catalogue files: rows that come first, and faults that are told once, where they stand."""

from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.infrastructure.catalog.own import own_parts, read_own
from datahall.infrastructure.checks import load_hall
from datahall.infrastructure.spec import Hall
from datahall.planner.load import load

RACK = "{name: mine, units: 42, empty_weight_kg: 100, width_m: 0.6, depth_m: 1.2, unit: kg, source: data sheet, date: 2026-11}"
SERVER = (
    "{name: box, units: 2, sockets: 1, cores: 8, threads: 16, memory_bytes: 64 GiB, unit: W, source: measured, date: 2026-11"
)
HALL = "schema_version: 1\nname: h\ncatalog: [parts.yaml]\nracks: [{name: r1, part: mine, contents: [{part: box, count: 4}]}]\n"


def hall_with(tmp_path: Path, parts: str) -> Path:
    (tmp_path / "parts.yaml").write_text(parts)
    (tmp_path / "hall.yaml").write_text(HALL)
    return tmp_path / "hall.yaml"


def test_own_rows_may_stand_in_racks(tmp_path: Path) -> None:
    """Given a catalogue file beside the hall with a rack and a server, the hall that names them has no problem."""
    hall = load_hall(hall_with(tmp_path, f"racks: [{RACK}]\nservers: [{SERVER}, peak_power_w: 500}}]\nswitches: []\n"))
    parts, problems = own_parts(hall, tmp_path)
    assert (parts.servers[0].name, parts.racks[0].name, problems) == ("box", "mine", ())


def test_a_faulty_row_is_told_once_and_where_it_stands(tmp_path: Path) -> None:
    """Given a server without its power, the catalogue's line is named; that the hall names the server is no second fault."""
    path = hall_with(tmp_path, f"racks: [{RACK}]\nservers:\n  - {SERVER}}}\n")
    with pytest.raises(Refused, match="SPEC-002") as caught:
        load_hall(path)
    [problem] = caught.value.problems
    assert problem.where == f"{tmp_path}/parts.yaml:3 servers[0].peak_power_w"


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "\x00"])
def test_a_file_that_is_no_catalogue_is_told_once(tmp_path: Path, text: str) -> None:
    """Given a file that is no YAML, or no mapping, the only problem is that, whatever the hall names."""
    with pytest.raises(Refused, match=r"parts\.yaml") as caught:
        load_hall(hall_with(tmp_path, text))
    assert len(caught.value.problems) == 1


def test_a_row_or_a_file_that_stands_twice(tmp_path: Path) -> None:
    """Given a rack that stands twice, and a file that is named twice, each is told."""
    (tmp_path / "parts.yaml").write_text(f"racks: [{RACK},\n  {RACK}]\n")
    hall = Hall(schema_version=1, name="h", catalog=("parts.yaml", "parts.yaml"))
    found = read_own(hall, tmp_path)
    assert [(p.code, p.where) for p in found.problems] == [
        ("INF-122", f"{tmp_path}/parts.yaml:2 racks[1].name"),
        ("INF-123", "catalog[1]"),
    ]


def test_a_missing_file_lists_near_ones(tmp_path: Path) -> None:
    """Given a misspelt file name, the near one is offered."""
    (tmp_path / "parts.yaml").write_text("racks: []\n")
    _, [problem] = own_parts(Hall(schema_version=1, name="h", catalog=("part.yaml",)), tmp_path)
    assert problem.code == "INF-121" and "near: parts.yaml" in problem.fix


SECRETS = [
    "hunter2: 1\nswordfish: {a: 2}\n",
    "root:*:19000:0\nhunter2:$6$swordfish:19000\n",
    "hunter2: swordfish\nhunter2: swordfish\n",
    "*hunter2",
    "a: !!int hunter2\n",
    "- hunter2\n",
    "? [hunter2]\n: swordfish\n",
    "servers: hunter2\n",
    "racks: [{name: hunter2, units: swordfish}]\n",
    "switches: [{name: hunter2, swordfish: 1}]\nlinks: hunter2\n",
    "a: &hunter2 [*hunter2]\n",
    "a: [\nhunter2: ]swordfish\n",
]


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("linked", [False, True])
def test_a_file_from_elsewhere_is_not_repeated(tmp_path: Path, text: str, linked: bool) -> None:
    """Given a file outside the hall's folder, by its path or by a link, problems name lines and kinds, but no word of it."""
    folder = tmp_path / "hall"
    folder.mkdir()
    (tmp_path / "shadow").write_text(text)
    (folder / "link.yaml").symlink_to(tmp_path / "shadow")
    name = "link.yaml" if linked else "../shadow"
    (folder / "hall.yaml").write_text(f"schema_version: 1\nname: h\ncatalog: [{name}]\nracks: [{{name: r1, part: x}}]\n")
    with pytest.raises(Refused, match=name) as caught:
        load(folder / "hall.yaml")
    told = str(caught.value)
    assert "hunter2" not in told and "swordfish" not in told and "root" not in told.replace(str(tmp_path), "")


def test_a_missing_field_of_a_shared_catalogue_is_named(tmp_path: Path) -> None:
    """Given a catalogue beside the hall's folder, the field that a row lacks is named as ever: its name is ours."""
    (tmp_path / "parts.yaml").write_text(f"servers:\n  - {SERVER}}}\n")
    folder = tmp_path / "hall"
    folder.mkdir()
    _, [problem] = own_parts(Hall(schema_version=1, name="h", catalog=("../parts.yaml",)), folder)
    assert problem.where.endswith("parts.yaml:2 servers[0].peak_power_w") and problem.code == "SPEC-002"


def test_a_file_below_the_hall_gets_its_near_match(tmp_path: Path) -> None:
    """Given a misspelt kind in the hall's own folder, the near one is offered."""
    (tmp_path / "parts.yaml").write_text("rack: []\n")
    _, [problem] = own_parts(Hall(schema_version=1, name="h", catalog=("parts.yaml",)), tmp_path)
    assert str(problem).endswith("unknown field `rack`. Did you mean `racks`?")
