"""Published sizes of fabrics beside ours: every count of every row, exact or missed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datahall.foundation.document import read
from datahall.planner.validation.cells import said
from datahall.planner.validation.fabric_families import family_rows
from datahall.planner.validation.fabric_superpod import superpod_rows
from datahall.planner.validation.rows import ValidationRow

PUBLISHED = Path(__file__).parent / "fabric_rows.yaml"


def rows(own_rows: Sequence[Mapping[str, Any]] | None = None) -> list[ValidationRow]:
    """Each count of each row. own_rows: rows of a CSV with the columns of either table; without it, the published ones.

    A row that cannot be computed has `ours` None and says why; no row raises.
    """
    found = published() if own_rows is None else own_rows
    return [line for row in found for line in (superpod_rows(row) if said(row, "system") else family_rows(row))]


def published() -> list[dict[str, Any]]:
    """The rows that come with Datahall."""
    data = read(PUBLISHED).data
    return [*data["superpod"], *data["formulas"]]
