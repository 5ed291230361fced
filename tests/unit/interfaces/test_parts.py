"""The catalogue as a person looks through it."""

import re
from pathlib import Path

import pytest

from datahall.foundation.document import as_spec, parse
from datahall.foundation.errors import Missing
from datahall.infrastructure.catalog.catalogue import Catalogue, PartsFile
from datahall.interfaces.parts import FACTS, part_rows
from datahall.network.catalog.catalogue import NetworkCatalogue

PAGE = (Path(__file__).parents[3] / "docs/catalogue.md").read_text(encoding="utf-8")


def test_every_kind_has_rows_with_a_source() -> None:
    """Given the catalogue that ships, each kind has rows, and each row says figures, source and date."""
    rows = part_rows(Catalogue(), NetworkCatalogue())
    assert {row["kind"] for row in rows} == set(FACTS)
    assert [row["name"] for row in rows if not (row["facts"] and row["source"] and row["date"])] == []


def test_a_server_is_told_by_what_matters_in_a_hall() -> None:
    """Given a DGX H100, its line has accelerators, power, height and the cords that it needs."""
    [dgx] = [row for row in part_rows(Catalogue(), NetworkCatalogue(), "servers") if row["name"] == "dgx-h100"]
    assert dgx["facts"].startswith("8 × H100 80GB HBM3, 10.2 kW, 8 U, 4 of 6 cords")


def test_an_unknown_kind_names_near_ones() -> None:
    """Given a slip, the kind that was meant is offered."""
    with pytest.raises(Missing, match="`servers`"):
        part_rows(Catalogue(), NetworkCatalogue(), "server")


def test_the_file_of_the_page_is_a_catalogue() -> None:
    """Given the example of rows of one's own in docs/catalogue.md, it reads as it is."""
    [text] = re.findall(r"```yaml\n(# mine.yaml.*?)```", PAGE, re.DOTALL)
    found = as_spec(parse(text), PartsFile)
    assert [part.name for part in (*found.servers, *found.power)] == ["our-server", "our-ups"]
