"""The sixteen regions of examples/sites-16.yaml, from hours where the reference data is, from means where it is not."""

import csv
import importlib.util
from pathlib import Path

import pytest

from datahall.planner.site.choose import rank_sites
from datahall.planner.site.result import SiteChoice

EXAMPLES = Path(__file__).parents[4] / "examples"


def by_means(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SiteChoice:
    monkeypatch.setenv("DATAHALL_SHARED", str(tmp_path / "nothing here"))
    return rank_sites(EXAMPLES / "sites-16.yaml")


def test_a_fresh_clone_ranks_from_means(monkeypatch, tmp_path):
    """Given no hourly files, sixteen regions are ranked from the shipped means, and the result says so everywhere."""
    choice = by_means(monkeypatch, tmp_path)
    assert len(choice.sites) + len({e.candidate for e in choice.excluded}) == 16
    assert choice.by_means
    assert {site.year.basis["weather"] for site in choice.sites} == {"monthly means"}
    assert any("monthly means, not hours" in note for note in choice.notes)
    assert {e.candidate for e in choice.excluded} == {"IN-WE", "JP-TK", "ZA"}
    pue = {site.name: site.figures["pue"] for site in choice.sites}
    assert max(pue, key=pue.get) == "SG"  # warm and moist all year: no free cooling


@pytest.mark.shared
def test_hours_and_means_agree_on_the_order(monkeypatch, tmp_path, shared):
    """Given the hourly files, the figures are of hours; by means PUE is within 0.01 of it, and the same site wins."""
    monkeypatch.setenv("DATAHALL_SHARED", str(shared))
    hours = rank_sites(EXAMPLES / "sites-16.yaml")
    means = by_means(monkeypatch, tmp_path)
    assert not hours.by_means
    assert {site.year.basis["carbon"] for site in hours.sites} == {"hours"}
    assert hours.sites[0].name == means.sites[0].name
    close = {site.name: site.figures for site in means.sites}
    for site in hours.sites:
        assert close[site.name]["pue"] == pytest.approx(site.figures["pue"], abs=0.01)
        assert close[site.name]["cue_kgco2e_per_kwh"] == pytest.approx(site.figures["cue_kgco2e_per_kwh"], rel=0.02)


@pytest.mark.shared
def test_the_shipped_means_are_those_of_the_series(shared, tmp_path):
    """Given the hourly series, derive.py writes the very files that ship beside the example."""
    where = EXAMPLES / "sites-16" / "derive.py"
    spec = importlib.util.spec_from_file_location("derive", where)
    derive = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(derive)
    source = shared / "data" / "site-hourly"
    derive.write("climate.csv", derive.CLIMATE_COLUMNS, derive.climate(source), tmp_path)
    derive.write("annual.csv", derive.ANNUAL_COLUMNS, derive.annual(source), tmp_path)
    for name in ("climate.csv", "annual.csv"):
        with (tmp_path / name).open() as ours, where.with_name(name).open() as shipped:
            assert list(csv.reader(ours)) == list(csv.reader(shipped))
