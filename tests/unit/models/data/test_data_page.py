"""docs/data.md says what the code does."""

import re
from pathlib import Path

import yaml

from datahall.models.data.sources import READERS
from datahall.models.data.spec import Cleaning, DataSpec, Split

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/data.md").read_text(encoding="utf-8")


def test_every_recipe_on_the_page_is_a_valid_one():
    """Given the YAML blocks of the page, each is a DataSpec as it stands."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    kinds = {DataSpec.model_validate(yaml.safe_load(block)["data"]).source.kind for block in blocks}
    assert kinds == {"csv", "idx", "images"}


def test_every_problem_source_and_choice_stands_on_the_page():
    """Given the codes, sources and fields of the code, the page has each; it has no code that is not in the code."""
    files = (ROOT / "src/datahall/models/data").glob("*.py")
    codes = set(re.findall(r"DATA-\d{3}", "".join(file.read_text(encoding="utf-8") for file in files)))
    assert codes == set(re.findall(r"DATA-\d{3}", PAGE))
    names = [*READERS.names(), *Cleaning.model_fields, *Split.model_fields]
    assert [name for name in names if name not in PAGE] == []
