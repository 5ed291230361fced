"""docs/report.md explains each problem that evaluating, compressing and packaging can raise, and no other."""

import re
from pathlib import Path

MODELS = Path(__file__).parents[4] / "src" / "datahall" / "models"
PAGE = Path(__file__).parents[4] / "docs" / "report.md"


def test_every_code_is_on_the_page():
    """Given the codes in the sources, the page's table has the same ones."""
    sources = [*(MODELS / "evaluate").glob("*.py"), *(MODELS / "compress").glob("*.py"), MODELS / "serve" / "package.py"]
    raised = {code for path in sources for code in re.findall(r'Problem\(\s*"([A-Z]+-\d{3})"', path.read_text())}
    explained = set(re.findall(r"^\| ((?:EVAL|COMP|PACK)-\d{3}) \|", PAGE.read_text(), re.M))
    assert raised == explained
