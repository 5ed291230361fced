"""`init --like`, `import`, `export`: what is written is read again by the command that comes next."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.infrastructure.test_netbox import RACK, SERVER
from tests.unit.interfaces.conftest import Said

from datahall.infrastructure.starter import starters

Cli = Callable[..., Said]
FITTED = ("--sockets", "2", "--cores", "112", "--threads", "224", "--memory-bytes", "2 TiB")
GPUS = ("--accelerator", "H100 80GB HBM3", "--accelerators", "8")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, with one device type and one rack type of NetBox in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "server.yaml").write_text(SERVER)
    (tmp_path / "rack.yaml").write_text(RACK)
    return tmp_path


# --- init --like ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in starters() if name != "gb200-16k"])
def test_a_worked_hall_plans_where_it_was_written(cli: Cli, here: Path, name: str):
    """Given `init --like`, the file passes every check, and is planned from any folder."""
    assert cli("init", "--like", name, "new/place/hall.yaml").code == 0
    assert cli("check", "new/place/hall.yaml").code == 0
    said = cli("plan", "new/place/hall.yaml", "--json")
    assert (said.code, json.loads(said.out)["hall"]) == (0, name)


def test_a_worked_hall_does_not_replace_what_is_there(cli: Cli, here: Path):
    """Given a hall file already there, it is kept unless forced."""
    (here / "hall.yaml").write_text("mine")
    said = cli("init", "--like", "laptop")
    assert (said.code, said.err.split(".\n")[0]) == (1, "✗ hall.yaml: INIT-001 is there already")
    assert (here / "hall.yaml").read_text() == "mine"
    assert cli("init", "--like", "laptop", "--force").code == 0
    assert "laptop" in (here / "hall.yaml").read_text()


@pytest.mark.parametrize(("like", "fix"), [("h100-521", "Did you mean `h100-512`"), ("zzz", "Choose one of gb200-16k")])
def test_an_unknown_worked_hall_is_answered_with_near_ones(cli: Cli, here: Path, like: str, fix: str):
    """Given a name that is none, nothing is written, and the near names or all are told."""
    said = cli("init", "--like", like)
    assert said.code == 2
    assert f"INIT-002 there is no worked hall `{like}`" in said.err and fix in said.err
    assert not (here / "hall.yaml").exists()


# --- NetBox -----------------------------------------------------------------------------------------------------

WITH_OWN = """\
schema_version: 1
name: own
catalog: [parts.yaml]
rooms: [{name: hall, width_m: 10, depth_m: 10, height_m: 4, rows: [{name: a, positions: 4}]}]
racks:
  - {name: r1, row: a, part: example-r48, contents: [{part: example-ai-8000-gen2, count: 2}]}
"""


def test_netbox_files_become_a_catalogue_that_a_hall_can_name(cli: Cli, here: Path):
    """Given a device type and a rack type, both rows stand in one file, and a hall that names it is checked and counted."""
    assert cli("import", "netbox", "server.yaml", "rack.yaml", "-o", "parts.yaml", *FITTED, *GPUS).code == 0
    (here / "hall.yaml").write_text(WITH_OWN)
    said = cli("check", "hall.yaml", "--json")
    assert json.loads(said.out) == {"ok": True, "problems": [], "racks": 1, "accelerators": 16}, said.out


def test_without_a_file_to_write_the_rows_are_printed(cli: Cli, here: Path):
    """Given no `-o`, the catalogue file goes to stdout and nothing else does."""
    said = cli("import", "netbox", "rack.yaml")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("# From the NetBox") and "racks:" in said.out and "servers:" not in said.out


def test_all_that_is_missing_is_told_at_once(cli: Cli, here: Path):
    """Given a device type, a file that is not there, and one that is no YAML, each is told with the option that mends it."""
    (here / "broken.yaml").write_bytes(b"\x00\xff")
    said = cli("import", "netbox", "server.yaml", "nowhere.yaml", "broken.yaml")
    assert said.code == 2
    for name in ("sockets", "cores", "threads", "memory_bytes"):
        assert f"INF-133 a NetBox device type does not say `{name}`" in said.err
        assert f"`--{name.replace('_', '-')} " in said.err
    assert "nowhere.yaml: DOC-001" in said.err and "broken.yaml: DOC-004" in said.err
    assert said.err.count("✗") == 6


def test_options_that_do_not_fit_are_told_once(cli: Cli, here: Path):
    """Given two wrong options and an accelerator of no catalogue, each is one problem, however many files there are."""
    said = cli("import", "netbox", "server.yaml", "--sockets", "0", "--memory-bytes", "lots")
    assert (said.code, said.err.count("✗")) == (2, 2)
    (here / "two.yaml").write_text(SERVER.replace("gen2", "gen3"))
    unknown = ("--accelerator", "H100 80GB HBM", "--accelerators", "8")
    said = cli("import", "netbox", "server.yaml", "two.yaml", *FITTED, *unknown)
    assert (said.code, said.err.count("INF-134")) == (2, 1)


def test_two_files_of_one_slug_are_not_mixed_up(cli: Cli, here: Path):
    """Given the same device type twice, the second is named with the first."""
    (here / "copy.yaml").write_text(SERVER)
    said = cli("import", "netbox", "server.yaml", "copy.yaml", *FITTED)
    assert said.code == 2
    assert "copy.yaml: INF-137 its slug `example-ai-8000-gen2` is that of server.yaml too" in said.err


def test_an_edited_catalogue_is_not_overwritten(cli: Cli, here: Path):
    """Given a catalogue file that is there, it stays unless forced."""
    (here / "parts.yaml").write_text("mine")
    assert cli("import", "netbox", "rack.yaml", "-o", "parts.yaml").code == 1
    assert (here / "parts.yaml").read_text() == "mine"
    assert cli("import", "netbox", "rack.yaml", "-o", "parts.yaml", "--force").code == 0


# --- InfraGraph -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fabric.yaml", "fabric.json"])
def test_a_fabric_goes_out_and_comes_back(cli: Cli, here: Path, name: str):
    """Given the compute fabric of 64 nodes, its InfraGraph file has the same servers, switches and links."""
    cli("init", "--like", "h100-64")
    said = cli("export", "infragraph", "hall.yaml", "--fabric", "compute", "-o", name)
    assert (said.code, said.err) == (0, f"wrote {name}: 64 servers, 24 switches, 1,024 links\n")
    counted = json.loads(cli("import", "infragraph", name, "--json").out)
    assert (counted["servers"], counted["endpoints_per_server"]) == (64, 8)
    assert counted["switches"] == {"leaf": 16, "spine": 8}
    assert counted["links"] == {"server-leaf": 512, "leaf-spine": 512}
    rows = cli("import", "infragraph", name).out.splitlines()
    assert "servers\t64" in rows and "leaf-spine links\t512" in rows and "rate of a line\t400 Gbit/s" in rows


def test_a_fabric_may_go_through_a_pipe(cli: Cli, here: Path):
    """Given no `-o`, the file goes to stdout."""
    cli("init", "--like", "rented-rack-4")
    said = cli("export", "infragraph", "hall.yaml", "--fabric", "compute")
    (here / "piped.yaml").write_text(said.out)
    assert json.loads(cli("import", "infragraph", "piped.yaml", "--json").out)["servers"] == 4


@pytest.mark.parametrize(
    ("like", "words", "told"),
    [
        ("h100-64", (), "EXPORT-002 the hall has 3 fabrics: compute, storage, management"),
        ("h100-64", ("--fabric", "compte"), "EXPORT-001 the hall has no fabric `compte`.\n  → Did you mean `compute`?"),
        ("laptop", (), "EXPORT-001 the hall has no fabric"),
    ],
)
def test_which_fabric_is_meant_must_be_clear(cli: Cli, here: Path, like: str, words: tuple[str, ...], told: str):
    """Given several fabrics, none, or one that is misspelt, one problem says which there are."""
    cli("init", "--like", like)
    said = cli("export", "infragraph", "hall.yaml", *words)
    assert (said.code, said.err.count("✗"), said.out) == (2, 1, "")
    assert told in said.err


@pytest.mark.parametrize("text", ["hello: 3\n", "- a\n- b\n", ""])
def test_what_is_no_infragraph_is_named_by_its_file(cli: Cli, here: Path, text: str):
    """Given another file, one problem names it."""
    (here / "other.yaml").write_text(text)
    said = cli("import", "infragraph", "other.yaml")
    assert (said.code, said.err.count("✗")) == (2, 1)
    assert "other.yaml: NET-021 " in said.err


def test_without_the_library_its_extra_is_named(cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch):
    """Given an installation without InfraGraph, import and export name the extra that brings it."""
    cli("init", "--like", "rented-rack-4")
    monkeypatch.setitem(sys.modules, "infragraph", None)
    (here / "fabric.yaml").write_text("name: x\n")
    for words in (("import", "infragraph", "fabric.yaml"), ("export", "infragraph", "hall.yaml", "--fabric", "compute")):
        said = cli(*words)
        assert (said.code, said.err.count("✗")) == (1, 1)
        assert "EXTRA-001" in said.err and "pip install 'datahall[infragraph]'" in said.err
