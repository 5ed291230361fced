"""What a command may write over: its own pages, but no input, and nothing that somebody else wrote."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.infrastructure.test_netbox import RACK
from tests.unit.interfaces.conftest import Said

from datahall.infrastructure.starter import starter

Cli = Callable[..., Said]
HALL = starter("rented-rack-4")
WRITERS = {
    "plan": ("plan", "hall.yaml"),
    "site": ("site", "sites.yaml"),
    "export": ("export", "infragraph", "hall.yaml", "--fabric", "compute"),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hall that names a catalogue, a candidates file that names the hall, and links to both."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts.yaml").write_text("racks: []\n")
    (tmp_path / "hall.yaml").write_text(f"{HALL}\ncatalog: [parts.yaml]\n")
    site = "{place: x, latitude_deg: 1, longitude_deg: 2, utc_offset_h: 0, elevation_m: 0, weather: {builtin: temperate}}"
    criteria = "[{measure: pue, weight: 1}]"
    candidates = f"[{{name: a, site: {site}}}, {{name: b, site: {site}}}]"
    (tmp_path / "sites.yaml").write_text(
        f"schema_version: 1\nname: s\nhall: hall.yaml\ncandidates: {candidates}\ncriteria: {criteria}\n"
    )
    (tmp_path / "link.html").symlink_to("hall.yaml")
    os.link(tmp_path / "hall.yaml", tmp_path / "same.html")
    return tmp_path


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("target", ["hall.yaml", "./hall.yaml", "link.html", "same.html", "parts.yaml"])
def test_an_input_is_never_written_over(cli: Cli, here: Path, command: str, target: str):
    """Given an output that is the hall, by any name, or a file that it names, it is kept, whatever is forced."""
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    for more in ((), ("--force",)):
        said = cli(*WRITERS[command], "-o", target, *more)
        assert (said.code, said.out, said.err.count("✗")) == (2, "", 1), said.err
        assert f"{target.removeprefix('./')}: FILE-003 this is " in said.err and "Name another file" in said.err
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before


def test_the_candidates_are_an_input_too(cli: Cli, here: Path):
    """Given the candidates file as output, it is kept."""
    assert "sites.yaml: FILE-003" in cli("site", "sites.yaml", "-o", "sites.yaml", "--force").err


def test_an_imported_file_is_not_written_over(cli: Cli, here: Path):
    """Given NetBox's file as output, it is kept even when forced."""
    (here / "rack.yaml").write_text(RACK)
    said = cli("import", "netbox", "rack.yaml", "-o", "rack.yaml", "--force")
    assert (said.code, (here / "rack.yaml").read_text()) == (2, RACK)
    assert "rack.yaml: FILE-003" in said.err


@pytest.mark.parametrize("command", ["plan", "export"])
@pytest.mark.parametrize("content", ["mine", "<!doctype html>\n<title>Holidays</title>", ""])
def test_a_file_of_another_is_replaced_only_by_force(cli: Cli, here: Path, command: str, content: str):
    """Given a file that the command did not write, it is kept unless forced; its own earlier one is replaced without a word."""
    (here / "out").write_text(content)
    said = cli(*WRITERS[command], "-o", "out")
    assert (said.code, said.out, said.err.count("✗")) == (1, "", 1), said.err
    assert "out: FILE-004 a file is there that this command did not write" in said.err and "--force" in said.err
    assert (here / "out").read_text() == content
    for more in (("--force",), ()):
        assert cli(*WRITERS[command], "-o", "out", *more).code == 0
    assert "Datahall" in (here / "out").read_text()


@pytest.mark.parametrize("command", ["plan", "export"])
def test_a_folder_that_is_not_there_is_not_made(cli: Cli, here: Path, command: str):
    """Given an output in a misspelt folder, one problem names the folder, and none is made."""
    said = cli(*WRITERS[command], "-o", "reprots/new/out.html")
    assert (said.code, said.out, said.err.count("✗")) == (2, "", 1), said.err
    assert "FILE-005 there is no folder reprots/new" in said.err and not (here / "reprots").exists()


def test_a_name_that_is_too_long_is_one_problem(cli: Cli, here: Path):
    """Given a name that no file can have, one problem says so."""
    said = cli("plan", "hall.yaml", "-o", "x" * 300)
    assert (said.code, said.out, said.err.count("✗")) == (1, "", 1), said.err
    assert "FILE-001 could not be written: File name too long" in said.err
