import functools
import json
import re

import pytest
import typer
from tests.unit.planner.site.conftest import pretended
from typer.testing import CliRunner

from datahall.interfaces.cli import site
from datahall.planner.site import choose as choosing
from datahall.planner.site.page import site_page


@pytest.fixture
def run(monkeypatch):
    """The command `datahall site`, with the stand-in hall."""
    monkeypatch.setattr(choosing, "rank_sites", functools.partial(choosing.rank_sites, built=pretended))
    app = typer.Typer()
    app.callback()(lambda: None)
    site.register(app)
    return lambda *words: CliRunner().invoke(app, ["site", *map(str, words)])


def test_the_page_stands_alone_and_tells_all(choose):
    """Given a choice with three sites, the page has the answer, every site and criterion, and loads nothing from anywhere."""
    page = site_page(choose())
    assert "north comes first of 3 sites" in page
    for words in ("middle", "south", "carbon", "What would change it", "PUE through the year", "Sources and assumptions"):
        assert words in page
    assert re.findall(r"""(?:src|href|@import|url)\s*[=(]""", page) == []
    assert "<script" not in page
    assert page.count('<svg class="heat"') == 3


def test_names_from_the_file_are_escaped(choose):
    """Given a place and a policy note with markup in them, the page shows them as text."""
    evil = "<script>alert(1)</script>"
    page = site_page(
        choose(
            ("      latitude_deg: 60", f"      place: '{evil}'\n      latitude_deg: 60"),
            ("    power_available_w: 3 kW", f"    policy: {{allowed: false, note: '{evil}'}}"),
        )
    )
    assert evil not in page
    assert page.count("&lt;script&gt;") >= 3


def test_the_page_of_no_choice_says_why(choose):
    """Given limits that exclude all, the page has the exclusions and no ranking."""
    page = site_page(choose(("criteria:", "constraints: {max_pue: 1.01}\ncriteria:")))
    assert "no site to choose" in page
    assert "Excluded" in page
    assert "<h2>Ranking</h2>" not in page


def test_the_command_ranks_and_writes_a_page(run, file, tmp_path):
    """Given the three sites, the command prints table and answer, writes the page, and ends well."""
    found = run(file, "-o", tmp_path / "sites.html")
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("north\t1.000 (1.)\t")
    assert "north comes first of 3 sites by TOPSIS" in found.stdout
    assert "note: weather: not known at all sites" in found.stderr
    assert (tmp_path / "sites.html").read_text().startswith("<!doctype html>")


def test_the_command_speaks_json(run, file):
    """Given --json, stdout is one JSON document with winner, sites, stability and what would change it."""
    found = json.loads(run(file, "--json").stdout)
    assert found["winner"] == "north"
    assert found["sites"][0]["around"]["topsis"]["first_ratio"] == 1.0
    assert {change["measure"] for change in found["what_would_change"]} == {c["measure"] for c in found["criteria"]}


def test_the_command_says_no_when_nothing_is_left(run, file):
    """Given limits that exclude all sites, the exit code is 1, who is out stands on stdout, the problem on stderr."""
    file.write_text(file.read_text().replace("criteria:", "constraints: {max_pue: 1.01}\ncriteria:", 1))
    found = run(file)
    assert found.exit_code == 1
    assert "north is out: 1.20 PUE, but at most 1.01 is allowed (max_pue)." in found.stdout
    assert "SITE-009" in found.stderr
