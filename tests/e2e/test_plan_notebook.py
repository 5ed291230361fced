"""The example notebook plans a hall from start to end, as papermill runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.shell import EXAMPLES


def executed(folder: Path, *words: str) -> dict[str, str]:
    """What each cell of the executed notebook showed, as text, by its name."""
    result = folder / "executed.ipynb"
    command = [sys.executable, "-m", "papermill", "plan_a_hall.ipynb", str(result), "--no-progress-bar", *words]
    done = subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return {cell["id"]: "".join(map(_text, cell.get("outputs", ()))) for cell in json.loads(result.read_text())["cells"]}


def _text(output: dict[str, Any]) -> str:
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", ""))


def test_the_example_runs_as_it_is(tmp_path: Path):
    """Given the example, the plan shows once, PUE has its formula and trace, and the dearest part of a year is on top."""
    shown = executed(tmp_path)
    assert shown["plan"].count("h100-64: 36 racks") == 1
    assert shown["pue"].startswith("PUE 1.")
    assert "from ../halls/h100-64.yaml:" in shown["explain"]
    assert "cost_servers_per_year" in shown["cost"].splitlines()[1]
    assert [line.split(":")[0] for line in shown["elsewhere"].splitlines()] == ["temperate", "cold"]


def test_another_hall_may_be_named(tmp_path: Path):
    """Given `-p hall`, that hall is planned instead."""
    assert executed(tmp_path, "-p", "hall", "../halls/h100-512.yaml")["plan"].startswith("h100-512: 152 racks")
