import re
from pathlib import Path

import pytest
from tests.unit.interfaces.reading import drawings, read

from datahall.foundation.nines import availability_text
from datahall.interfaces.figure_text import said
from datahall.interfaces.plan_page import PARTS, page
from datahall.planner.load import load
from datahall.planner.plan import Plan, plan_of

HALLS = Path(__file__).parents[3] / "halls"
HOSTILE = "<script>alert(1)</script>"
SMALL = """
schema_version: 1
name: small
site:
  place: a place
  weather: {builtin: temperate}
  grid: {carbon_kgco2e_per_kwh: 0.3, source: a source}
  tariff: {energy_per_kwh: 0.1}
power:
  elements:
    - {name: grid, kind: utility, rating_w: 200 kW, failures_per_year: 1, repair_h: 2}
    - {name: "pdu-[a,b]", kind: pdu, rating_w: 60 kW, fed_by: [grid], failures_per_year: 0.01, repair_h: 4}
cooling:
  air: {kind: air_economiser}
rooms:
  - {name: room, width_m: 6, depth_m: 5, rows: [{name: row-a, positions: 4}]}
racks:
  - {name: "r[1-3]", units: 42, room: room, feeds: [pdu-a, pdu-b], contents: [{part: h100-pcie-4, count: 1}]}
"""


def planned(folder: Path, text: str) -> Plan:
    file = folder / "hall.yaml"
    file.write_text(text, encoding="utf-8")
    return plan_of(load(file))


@pytest.fixture(scope="module")
def large() -> Plan:
    return plan_of(load(HALLS / "h100-512.yaml"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned(tmp_path_factory.mktemp("small"), SMALL)


def test_a_page_is_whole_and_loads_nothing(large):
    """Given 512 nodes, every tag closes, every link stays on the page, and nothing is loaded or run."""
    text = page([large])
    reader = read(text)
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.links) <= {f"#{name}" for name in reader.ids}
    assert not {"script", "img", "link", "iframe", "object", "base"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name == "src"]
    assert "url(" not in text and "@import" not in text and "default-src 'none'" in text


def test_every_drawing_parses_and_says_what_it_shows(large):
    """Given 512 nodes, racks, floor, single line, three fabrics, hours, warming, cost and drivers are drawn."""
    found = drawings(page([large]))
    assert len(found) >= 16
    assert all(svg.get("role") == "img" and next(child.text for child in svg if child.tag.endswith("title")) for svg in found)


def test_every_figure_has_its_place(large):
    """Given all figures of a plan, each has a row with its formula and its source, to which its value leads."""
    reader = read(page([large]))
    figures = large.figures.by_name
    assert len([name for name in reader.ids if name.startswith("figure-")]) == len(figures)
    assert {"figure-pue", "figure-facility_energy_kwh", "figure-cost_per_useful_hour"} <= set(reader.ids)
    assert reader.links.count("#figure-it_energy_kwh") >= 4  # the card, and what follows from it
    text = "".join(reader.text)
    assert all(figure.formula in text and figure.source in text for figure in figures.values())


def test_a_large_hall_stays_a_small_page(large):
    """Given 4,096 accelerators over 8,760 hours, the page is below 1.5 MB, and one with two halls below twice that."""
    assert 100_000 < len(page([large]).encode()) < 1_500_000


def test_every_subject_is_there(large):
    """Given a hall with everything declared, no part of the page is left out."""
    reader = read(page([large]))
    for anchor in ("key", "racks", "floor", "power", "network", "hours", "ride-through", "together", "availability", "cost",
                   "carbon", "storage", "assumptions", "sources"):  # fmt: skip
        assert anchor in reader.ids, anchor
    assert len(PARTS) == 14


def test_words_from_a_hall_file_are_only_words(tmp_path):
    """Given scripts for a place, a note and a source, the page shows them as text and has no script."""
    text = SMALL.replace("place: a place", f"place: '{HOSTILE}'").replace(
        "source: a source", f'source: "{HOSTILE} \\" onload=x"'
    )
    plan = planned(tmp_path, f"{text}\nscope_note: '{HOSTILE} & more'\n")
    found = page([plan])
    reader = read(found)
    assert "<script" not in found and "script" not in reader.tags
    assert "".join(reader.text).count(HOSTILE) >= 3


def test_names_of_parts_are_only_words(tmp_path):
    """Given a server whose catalogue row has markup for a name, its rack, its figures and their anchors stay whole."""
    row = """
servers:
  - name: '<b onclick="x">'
    unit: W
    source: a source of ours
    date: 2026-01
    units: 2
    peak_power_w: 900
    sockets: 1
    cores: 8
    threads: 16
    memory_bytes: 64 GiB
"""
    (tmp_path / "own.yaml").write_text(row, encoding="utf-8")
    text = SMALL.replace("h100-pcie-4", """'<b onclick="x">'""").replace("name: small", "name: small\ncatalog: [own.yaml]")
    found = page([planned(tmp_path, text)])
    reader = read(found)
    assert "b" not in reader.tags and not [name for name, _ in reader.attributes if name == "onclick"]
    assert '<b onclick="x">' in "".join(reader.text)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in reader.ids)


def test_a_hall_with_next_to_nothing_has_a_page(tmp_path):
    """Given machines alone, without power, cooling, racks or site, the page says what was not computed."""
    plan = plan_of(load(HALLS / "laptop.yaml"))
    reader = read(page([plan]))
    assert "Not computed" in "".join(reader.text) and "power" not in reader.ids and "floor" not in reader.ids


@pytest.mark.parametrize("left_out", ["power", "cooling", "rooms", "site"])
def test_a_section_that_is_left_out_leaves_a_page(left_out, tmp_path):
    """Given a hall without one of its sections, there is a page still."""
    text = re.sub(rf"^{left_out}:\n(?:[ ].*\n)+", "", SMALL, flags=re.MULTILINE)
    text = text.replace(" room: room,", "") if left_out == "rooms" else text
    text = text.replace(" feeds: [pdu-a, pdu-b],", "") if left_out == "power" else text
    reader = read(page([planned(tmp_path, text)]))
    assert "sources" in reader.ids and ("power" in reader.ids) == (left_out != "power")


def test_two_halls_are_compared_first(small, large):
    """Given two plans, a figure a row with the second over the first comes before both halls, and no anchor is there twice."""
    found = page([small, large])
    reader = read(found)
    assert len(reader.ids) == len(set(reader.ids)) and set(reader.links) <= {f"#{name}" for name in reader.ids}
    assert found.index('id="comparison"') < found.index('id="hall-1-hall"') < found.index('id="hall-2-hall"')
    assert "second / first" in reader.text and {"hall-1-figure-pue", "hall-2-figure-pue"} <= set(reader.ids)


def test_a_single_point_is_named_with_its_chain(small):
    """Given one utility for all, the page says that it takes down three racks and the plant, and by which way."""
    text = " ".join(read(page([small])).text)
    assert "grid → pdu-a → r1" in text and "3 (all)" in text and "single points of failure: 1 of 3 elements" in text


def test_availability_stands_with_what_it_counts(small):
    """Given failures of every element, availability is shown with and without common cause, above its assumptions."""
    report = small.survival.availability
    text = " ".join(read(page([small])).text)
    assert availability_text(report.independent) in text and availability_text(report.with_common_cause) in text
    assert all(line in text for line in report.assumptions)


def test_nothing_is_always_available():
    """Given one chance in a billion, the digits go on until it shows; given two in a hundred, six are enough."""
    assert [availability_text(v) for v in (1 - 1.2e-9, 0.98, 1.0)] == ["0.9999999988", "0.980000", "1.000000"]


def test_no_availability_without_all_failures(tmp_path):
    """Given an element whose failures nobody declared, the page names it in place of a figure."""
    plan = planned(tmp_path, SMALL.replace(", failures_per_year: 0.01, repair_h: 4", ""))
    text = " ".join(read(page([plan])).text)
    assert (
        "No availability is stated" in text and "Failures alone" not in text and plan.survival.availability.unknown[0] in text
    )


def test_sums_that_lack_lines_are_lower_bounds(small):
    """Given a bill without a building, its sums carry a sign that they are at least so much."""
    text = "".join(read(page([small])).text)
    assert small.cost.missing and f"≥ {said(small.figures['cost_per_year'])}" in text
    assert "lower bounds" in text


def test_a_page_is_about_a_plan():
    """Given no plan at all, the page is refused."""
    with pytest.raises(ValueError, match="at least one"):
        page([])
