"""Cells of tables that others wrote: numbers with commas, dashes for nothing, parameters such as `radix=64,gpus=512`."""

import re
from collections.abc import Mapping
from typing import Any

from datahall.planner.validation.rows import ValidationRow, compared

_NUMBER = re.compile(r"^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$", re.ASCII)
_PAIR = re.compile(r"([A-Za-z_][A-Za-z_ ]*?)\s*[=:]\s*([0-9][0-9x×*, ]*[0-9]|[0-9])")
LARGEST = 10**9
"""No table has a count above it; what is larger is a slip of the hand, and would take for ever."""


def said(row: Mapping[str, Any], column: str) -> str:
    """The text of a cell; empty where the row has none."""
    value = row.get(column)
    return "" if value is None else str(value).strip()


def number(row: Mapping[str, Any], column: str) -> float | None:
    """The number in a cell; None where there is none, such as `-` or nothing."""
    text = said(row, column).replace(",", "").replace(" ", "")
    return float(text) if len(text) < 40 and _NUMBER.match(text) else None


def count(row: Mapping[str, Any], column: str) -> int | None:
    """The whole number in a cell, where it is one from 1 on; else None."""
    value = number(row, column)
    return int(value) if value is not None and 1 <= value <= LARGEST and value == int(value) else None


def parameters(text: str) -> dict[str, int]:
    """`radix=64, gpus=512` as a mapping; values that are no whole numbers within reason are left out."""
    found = {}
    for key, value in _PAIR.findall(re.sub(r"[;|,]\s*(?=[A-Za-z_])", " ; ", text)):
        digits = value.replace(",", "").strip()
        if digits.isdigit() and 1 <= int(digits[:12]) <= LARGEST:
            found[key.strip().lower()] = int(digits[:12])
    return found


def named(row: Mapping[str, Any], *columns: str) -> str:
    """What a row is called: the columns that say it."""
    return ", ".join(text for column in columns if (text := said(row, column)))


def lines(
    row: Mapping[str, Any], name: str, ours: Mapping[str, float | None], *, notes: Mapping[str, str] | None = None
) -> list[ValidationRow]:
    """A line for each cell that the row fills, exact or missed; a count that is not ours to judge says why in its note."""
    found = []
    for column, value in ours.items():
        if (figure := number(row, column)) is None:
            continue
        note = (notes or {}).get(column, (notes or {}).get("", ""))
        judged = value is not None and not note.startswith("the row contradicts itself")
        hit = abs(value - figure) < 1e-9 * max(1.0, figure) if judged and value is not None else None
        found.append(compared("fabric", name, column, published=figure, ours=value, hit=hit, note=note))
    return found
