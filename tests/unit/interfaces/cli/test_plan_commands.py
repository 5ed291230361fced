"""`plan`, `explain`, `check`, `validate`, `site`: what they say, what programs read, and every wrong turn in one sentence."""

import csv
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.infrastructure.weather.test_epw import epw_lines
from tests.unit.interfaces.conftest import Said

from datahall.infrastructure.starter import starters

Cli = Callable[..., Said]
HALLS = Path(__file__).parents[4] / "halls"
RACK, COOLED = str(HALLS / "rented-rack-4.yaml"), str(HALLS / "h100-64.yaml")
PLACE = re.compile(r"^✗ (?P<file>[^:]+):(?P<line>\d+)", re.MULTILINE)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def strict_json(text: str) -> Any:
    """Raises AssertionError on NaN and Infinity, which are no JSON."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


# --- what they say ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", starters())
def test_a_plan_is_json_that_any_program_reads(cli: Cli, name: str):
    """Given each worked hall, every figure of `--json` is a finite number with a unit and a reason."""
    said = cli("plan", str(HALLS / f"{name}.yaml"), "--json")
    found = strict_json(said.out)
    assert (said.code, said.err, found["hall"]) == (0, "", name)
    for figure in found["figures"].values():
        assert isinstance(figure["value"], int | float) and figure["unit"] and (figure["formula"] or figure["source"])
        assert all(name in found["figures"] for name in figure["inputs"])


def test_a_plan_in_a_pipe_is_lines_with_tabs(cli: Cli):
    """Given no terminal, each line is a subject, a tab and a text, without colour."""
    said = cli("plan", RACK)
    assert (said.code, said.err) == (0, "")
    lines = [line.split("\t") for line in said.out.splitlines()]
    assert all(len(line) == 2 for line in lines) and "\x1b" not in said.out
    assert lines[0][0] == "Hall" and lines[0][1].startswith("rented-rack-4: 2 racks, ")


def test_two_halls_stand_side_by_side(cli: Cli):
    """Given two halls, each line is a figure of both and their ratio; as JSON it is a list of both plans."""
    head, *lines = [line.split("\t") for line in cli("plan", RACK, COOLED).out.splitlines()]
    assert head == ["figure", "rented-rack-4", "h100-64", "second / first"]
    rows = {line[0]: line[1:] for line in lines}
    small, large, ratio = rows["Power: IT at full load"]
    assert float(ratio) == pytest.approx(float(large.removesuffix(" kW")) / float(small.removesuffix(" kW")), rel=0.01)
    found = strict_json(cli("plan", RACK, RACK, RACK, "--json").out)
    assert [plan["hall"] for plan in found] == ["rented-rack-4"] * 3


def test_a_report_is_written_beside_the_screen(cli: Cli, here: Path):
    """Given `-o`, the page stands on its own, and the screen is printed as well."""
    said = cli("plan", RACK, "-o", "report.html")
    assert (said.code, said.err) == (0, "wrote report.html\n")
    assert said.out.startswith("Hall\trented-rack-4")
    page = (here / "report.html").read_text(encoding="utf-8")
    assert page.startswith(("<!doctype html>", "<!DOCTYPE html>"))
    assert "rented-rack-4" in page and not re.search(r'(src|href)="https?:', page)


def test_explain_walks_back_to_lines_and_rows(cli: Cli):
    """Given a figure, its formula and inputs follow, down to a line of the hall file; as JSON, the same figures by name."""
    said = cli("explain", COOLED, "pue")
    assert said.code == 0
    assert re.match(r"pue = \d\.\d\d", said.out) and f"from {COOLED}:" in said.out
    found = strict_json(cli("explain", COOLED, "pue", "--json").out)
    assert next(iter(found)) == "pue" and set(found["pue"]["inputs"]) <= set(found)


def test_explain_without_a_figure_lists_all(cli: Cli):
    """Given no name, every figure is a line of name, value, unit and meaning; as JSON, it is what `plan --json` has."""
    rows = [line.split("\t") for line in cli("explain", RACK).out.splitlines()]
    assert all(len(row) == 4 for row in rows)
    found = strict_json(cli("explain", RACK, "--json").out)
    assert {row[0] for row in rows} == set(found) == set(strict_json(cli("plan", RACK, "--json").out)["figures"])


def test_an_unknown_figure_is_answered_with_near_ones(cli: Cli):
    """Given a misspelt figure, the near names are told."""
    said = cli("explain", COOLED, "peu")
    assert (said.code, said.out) == (2, "")
    assert "PLAN-001 the plan has no figure `peu`.\n  → Did you mean pue" in said.err


def test_check_says_yes_and_what_it_saw(cli: Cli):
    """Given a good hall, the answer is 0 and its size; as JSON, `ok` is true."""
    said = cli("check", RACK)
    assert (said.code, said.out) == (0, f"{RACK}: no problem found; 2 racks, 32 accelerators\n")
    assert strict_json(cli("check", RACK, "--json").out) == {"ok": True, "problems": [], "racks": 2, "accelerators": 32}


# --- all problems in one run ------------------------------------------------------------------------------------


def test_all_problems_come_in_the_order_of_the_file(cli: Cli):
    """Given ten planted faults, each command tells all ten at once, in order, each with its line and a way out."""
    path = str(Path(__file__).parents[3] / "e2e/ten_faults.yaml")
    told = []
    for words in (("plan", path), ("check", path), ("explain", path, "pue"), ("plan", path, "-o", "never.html")):
        said = cli(*words)
        assert (said.code, said.out) == (2, "")
        lines = [int(match["line"]) for match in PLACE.finditer(said.err)]
        assert len(lines) == 10 and lines == sorted(lines)
        assert said.err.count("  → ") == 10
        told.append(said.err)
    assert len(set(told)) == 1
    found = cli("check", path, "--json")
    problems = strict_json(found.out)["problems"]
    assert (found.code, len(problems), found.err) == (2, 10, "")
    assert all(set(problem) == {"code", "where", "what", "fix"} for problem in problems)


def test_several_bad_halls_are_told_together(cli: Cli, here: Path):
    """Given a hall that is missing and one that is none, both are told in one run."""
    (here / "list.yaml").write_text("- a\n")
    said = cli("plan", "nowhere.yaml", "list.yaml", RACK)
    assert (said.code, said.out) == (2, "")
    assert "nowhere.yaml: DOC-001" in said.err and "list.yaml:1: DOC-010" in said.err and said.err.count("✗") == 2


# --- what careless users name -----------------------------------------------------------------------------------

NO_HALL: dict[str, bytes | None] = {
    "folder": None,
    "empty.yaml": b"",
    "blank.yaml": b"# nothing\n",
    "binary.yaml": bytes(range(256)),
    "picture.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "list.yaml": b"- a\n- b\n",
    "text.yaml": b"hello\n",
    "number.yaml": b"42\n",
    "broken.yaml": b"name: [\n",
    "tabs.yaml": b"name:\n\t- x\n",
    "two.yaml": b"a: 1\n---\nb: 2\n",
    "utf16.yaml": "name: x\n".encode("utf-16"),
}


@pytest.mark.parametrize("name", NO_HALL)
@pytest.mark.parametrize("command", [("plan",), ("check",), ("explain",), ("site",), ("export", "infragraph")], ids=" ".join)
def test_what_is_no_hall_is_one_problem(cli: Cli, here: Path, command: tuple[str, ...], name: str):
    """Given a folder, an empty or binary file, a list, and so on, one problem names it, with exit code 2."""
    content = NO_HALL[name]
    (here / name).mkdir() if content is None else (here / name).write_bytes(content)
    said = cli(*command, name)
    assert (said.code, said.out, said.err.count("✗")) == (2, "", 1), said.err
    assert said.err.startswith(f"✗ {name}") and "DOC-0" in said.err and "Traceback" not in said.err


@pytest.mark.parametrize("command", [("plan",), ("check",), ("site",), ("validate", "--rows")], ids=" ".join)
@pytest.mark.parametrize("name", ["nowhere.yaml", "no/such/folder.yaml", "x" * 300, "new\nline.yaml", ""])
def test_a_name_that_leads_nowhere_is_one_problem(cli: Cli, here: Path, command: tuple[str, ...], name: str):
    """Given a file that is not there, a name that is too long, or none, one problem says so."""
    said = cli(*command, name)
    assert (said.code, said.out, said.err.count("✗")) == (2, "", 1), said.err
    assert "Traceback" not in said.err and "CLI-500" not in said.err


@pytest.mark.parametrize("command", [("plan",), ("check",), ("site",), ("validate", "--rows")], ids=" ".join)
def test_a_file_without_read_permission_is_one_problem(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
):
    """Given a file that may not be read (root may read all, so the opening is refused in its place), one problem says so."""

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    (here / "secret.yaml").write_text("schema_version: 1\n")
    monkeypatch.setattr(Path, "open", refused)
    said = cli(*command, "secret.yaml")
    assert (said.code, said.err.count("✗")) == (2, 1), said.err
    assert "secret.yaml: " in said.err and "cannot be read: Permission denied" in said.err


UNWRITABLE = {28: "Free some space", 13: "Give yourself write permission", 30: "Choose a folder on a file system"}


@pytest.mark.parametrize("number", UNWRITABLE)
@pytest.mark.parametrize("command", ["plan", "site"])
def test_a_page_that_cannot_be_written_is_one_problem(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch, command: str, number: int
):
    """Given a full disk, a folder of somebody else or a read-only one, one problem says so and nothing half is left."""

    def refused(*_: Any, **__: Any) -> None:
        raise OSError(number, "no")

    subject = RACK if command == "plan" else str(HALLS.parent / "examples/sites-16.yaml")
    monkeypatch.setattr("datahall.foundation.files.os.open", refused)
    said = cli(command, subject, "-o", "page.html")
    assert (said.code, said.out, said.err.count("✗")) == (1, "", 1), said.err
    assert "page.html: FILE-001 could not be written: no." in said.err and UNWRITABLE[number] in said.err
    assert list(here.iterdir()) == []


def test_a_page_below_a_file_is_one_problem(cli: Cli, here: Path):
    """Given an output path whose folder is a file, one problem says so."""
    (here / "file").write_text("x")
    said = cli("plan", RACK, "-o", "file/report.html")
    assert (said.code, said.out, said.err.count("✗")) == (1, "", 1)
    assert "file/report.html: FILE-001 could not be written" in said.err


# --- validate ---------------------------------------------------------------------------------------------------


def test_rows_of_a_table_are_told_apart_by_their_header(cli: Cli, here: Path):
    """Given published rows in a CSV file, they stand beside ours, as a table and as JSON."""
    rows = [{"family": "fat tree", "parameter": "x"}]
    with (here / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    said = cli("validate", "--rows", "rows.csv", "--json")
    assert said.code == 0 and isinstance(strict_json(said.out), dict)


def test_shipped_tables_need_nothing_else(cli: Cli):
    """Given a fresh clone, the tables that come with Datahall are compared, one line a row, and summed up."""
    said = cli("validate", "--tables", "fabric")
    assert said.code == 0
    assert "rows computed" in said.out.splitlines()[-1]
    assert isinstance(strict_json(cli("validate", "--tables", "fabric, facility", "--json").out), dict)


@pytest.mark.parametrize(("tables", "told"), [("fabrics", "did you mean fabric"), ("", "choose one of"), ("fabric,", "``")])
def test_an_unknown_table_lists_what_there_is(cli: Cli, tables: str, told: str):
    """Given a misspelt table, or none, one problem says which there are."""
    said = cli("validate", "--tables", tables)
    assert (said.code, said.out, said.err.count("✗")) == (2, "", 1)
    assert "REG-001 there is no table named" in said.err and told in said.err.lower()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "PLAN-012"),
        (b"a,b\n", "PLAN-012"),
        (b"a,b\n1,2\n", "PLAN-013"),
        (bytes(range(256)), "PLAN-011"),
        (None, "PLAN-011"),
    ],
)
def test_rows_that_are_none_are_one_problem(cli: Cli, here: Path, content: bytes | None, code: str):
    """Given an empty file, a header alone, a foreign header, bytes, or a folder, one problem says so."""
    (here / "rows.csv").mkdir() if content is None else (here / "rows.csv").write_bytes(content)
    for words in ((), ("--json",)):
        said = cli("validate", "--rows", "rows.csv", *words)
        assert (said.code, said.err.count("✗")) == (2, 1), said.err
        told = [problem["code"] for problem in json.loads(said.out)["problems"]] if words else [code] if not said.out else []
        assert told == [code]
        assert f"rows.csv{':1' if code == 'PLAN-013' else ''}: {code}" in said.err and "Errno" not in said.err


# --- site -------------------------------------------------------------------------------------------------------


def test_a_site_choice_is_json_and_a_page(cli: Cli, here: Path):
    """Given the worked example, places are ranked; as JSON it is valid, and `-o` writes a page."""
    path = str(HALLS.parent / "examples/sites-16.yaml")
    said = cli("site", path, "-o", "sites.html")
    assert (said.code, "wrote sites.html" in said.err) == (0, True)
    assert (here / "sites.html").stat().st_size > 10_000
    assert isinstance(strict_json(cli("site", path, "--json").out), dict)


# --- libraries that are not installed ---------------------------------------------------------------------------


def test_weather_from_an_epw_file_without_pvlib_names_the_extra(cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch):
    """Given a plain installation, a hall with an EPW file says which package is missing and which extra brings it."""
    text = Path(COOLED).read_text(encoding="utf-8")
    assert text.count("  weather: {builtin: temperate}") == 1
    (here / "hall.yaml").write_text(text.replace("{builtin: temperate}", "{file: my.epw}"), encoding="utf-8")
    (here / "my.epw").write_text("\n".join(epw_lines()) + "\n")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pvlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pvlib", None)
    said = cli("plan", "hall.yaml")
    assert (said.code, said.out, said.err.count("✗")) == (1, "", 1), said.err
    assert "EXTRA-001 the Python package `pvlib` is not installed.\n  → Run `pip install 'datahall[plan]'`." in said.err


@pytest.mark.parametrize("name", starters())
def test_the_worked_halls_plan_on_a_plain_installation(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str):
    """Given no library of any extra, each worked hall is planned all the same."""
    for library in ("pvlib", "pandas", "networkx", "scipy", "pymcdm", "infragraph"):
        for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == library]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, library, None)
    said = cli("plan", str(HALLS / f"{name}.yaml"))
    assert said.code == 0, said.err
