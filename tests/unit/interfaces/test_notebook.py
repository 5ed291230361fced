"""A hall in a notebook shows what the command line shows, and hands out its figures."""

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

import datahall
from datahall.foundation.errors import Missing, Refused, Unavailable
from datahall.interfaces.notebook import ShownPlan

HALL = Path(__file__).parents[3] / "halls/h100-512.yaml"


@pytest.fixture(scope="module")
def plan() -> ShownPlan:
    return datahall.Hall.load(HALL).plan()


def test_the_screen_is_the_text_of_a_plan(plan: ShownPlan):
    """Given a plan in a terminal's Python, its text is the screen of `datahall plan`, without colour."""
    lines = repr(plan).splitlines()
    assert lines[0].startswith("h100-512: 152 racks") and "\x1b" not in repr(plan)
    assert any(line.startswith("Cooling") and "PUE" in line for line in lines)
    assert max(map(len, lines)) <= 120


def test_inside_jupyter_the_text_stays_text(plan: ShownPlan, monkeypatch: pytest.MonkeyPatch):
    """Given Rich in a notebook, which would show what it prints as a page of its own, the text is returned all the same."""
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *_: pytest.fail("shown by itself"))
    assert Console().is_jupyter
    assert repr(plan).startswith("h100-512: 152 racks")
    plan.explain("pue")


def test_the_page_stands_in_a_frame(plan: ShownPlan):
    """Given a notebook, the report is a frame whose content is quoted: its styles and quotes stay inside."""
    html = plan._repr_html_()
    assert html.startswith("<iframe ") and html.endswith('"></iframe>')
    assert html.count('"') == 4 and "h100-512" in html
    assert "<script" not in html and "&lt;" in html


def test_a_figure_has_value_unit_and_reason(plan: ShownPlan):
    """Given a name, the figure is there; given a wrong one, the near names are."""
    pue = plan["pue"]
    assert 1 < pue.value < 2 and pue.unit == "1" and pue.formula and pue.inputs
    with pytest.raises(Missing, match=r"PLAN-001 the plan has no figure `peu`\. Did you mean pue"):
        plan["peu"]


def test_explain_prints_the_way_back(plan: ShownPlan, capsys: pytest.CaptureFixture[str]):
    """Given a figure, what it follows from is printed, down to a line of the hall file."""
    plan.explain("pue")
    said = capsys.readouterr().out
    assert said.startswith("pue = 1.") and f"from {HALL}:" in said


def test_all_figures_are_a_table(plan: ShownPlan):
    """Given pandas, each figure is a row; given none, the extra that brings it is named."""
    table = plan.table()
    assert list(table.columns[:3]) == ["figure", "value", "unit"]
    assert len(table) == len(plan.plan.figures.by_name)
    assert table.set_index("figure").loc["pue", "value"] == plan["pue"].value


def test_without_pandas_the_extra_is_named(plan: ShownPlan, monkeypatch: pytest.MonkeyPatch):
    """Given a plain installation, the table says what to install."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(Unavailable, match=r"EXTRA-001 .*`pandas`.* Run `pip install 'datahall\[plan\]'`"):
        plan.table()


def test_a_bad_hall_tells_all_its_problems(tmp_path: Path):
    """Given a hall with two unknown fields, both are in the one error; given none, that it is missing."""
    (tmp_path / "hall.yaml").write_text("schema_version: 1\nname: x\ncolour: blue\nsmell: none\n")
    with pytest.raises(Refused, match=r"(?s)hall.yaml:3 colour: SPEC-001.*hall.yaml:4 smell: SPEC-001"):
        datahall.Hall.load(tmp_path / "hall.yaml")
    with pytest.raises(Missing, match="DOC-001"):
        datahall.Hall.load(str(tmp_path / "nowhere.yaml"))


def test_importing_datahall_loads_nothing():
    """Given `import datahall`, the hall is loaded when it is asked for, and other names are none."""
    with pytest.raises(AttributeError, match="no attribute 'Halle'"):
        datahall.Halle  # noqa: B018


def test_the_example_notebook_was_saved_without_outputs():
    """Given the example, it holds no output and no path of the machine that it was written on."""
    text = (HALL.parents[1] / "examples/plan_a_hall.ipynb").read_text(encoding="utf-8")
    cells = json.loads(text)["cells"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
    assert str(Path.home()) not in text and "/work" not in text
