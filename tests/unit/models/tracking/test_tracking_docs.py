"""The page about tracking keeps up with the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]


def test_every_code_appears_on_the_page() -> None:
    """Given the codes in the source, each has its row on the page, and no row is left of one that is gone."""
    sources = (ROOT / "src/datahall/models/tracking").glob("*.py")
    used = {code for path in sources for code in re.findall(r"TRACK-\d{3}", path.read_text(encoding="utf-8"))}
    page = (ROOT / "docs/tracking.md").read_text(encoding="utf-8")
    assert used == set(re.findall(r"^\| (TRACK-\d{3}) \|", page, re.MULTILINE))
