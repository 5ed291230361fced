"""Cells of tables that others wrote: numbers with commas, dashes for nothing, parameters such as `radix=64,gpus=512`."""

import math
import re
from collections.abc import Mapping
from typing import Any

from datahall.planner.validation.rows import ValidationRow, compared, unjudged

PLACE = "file:line"
"""Key of a row under which the reader of a file puts where it stands; shipped rows have none."""
_NUMBER = re.compile(r"^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$", re.ASCII)
_GROUPED = re.compile(r"^[+-]?\d{1,3}(?:([, ])\d{3})(?:\1\d{3})*(?:\.\d+)?$", re.ASCII)
"""Thousands in groups of three: `1,024`; a comma elsewhere is somebody's decimal point, and no number here."""
_PAIR = re.compile(r"([A-Za-z_]\w*)\s*[=:]\s*(.*)", re.ASCII | re.DOTALL)
_NEXT_PAIR = re.compile(r"[\s;|,]+(?=[A-Za-z_]\w*\s*[=:])", re.ASCII)
_NOTHING = frozenset({"", "-", "–", "—"})
LARGEST = 10**9
"""No table has a count above it; what is larger is a slip of the hand, and would take for ever."""


def said(row: Mapping[str, Any], column: str) -> str:
    """The text of a cell; empty where the row has none."""
    value = row.get(column)
    return "" if value is None else str(value).strip()


def number(row: Mapping[str, Any], column: str) -> float | None:
    """The number in a cell; None where there is none, such as `-` or nothing."""
    return _number(said(row, column))


def _number(text: str) -> float | None:
    if _GROUPED.match(text):
        text = text.replace(",", "").replace(" ", "")
    value = float(text) if len(text) < 40 and _NUMBER.match(text) else None
    return value if value is not None and math.isfinite(value) else None


def is_blank(row: Mapping[str, Any], column: str) -> bool:
    """Whether a cell holds nothing, or a dash for nothing."""
    return said(row, column) in _NOTHING


def placed(row: Mapping[str, Any], why: str) -> str:
    """A reason, with the file and line of the row before it where it came from a file."""
    return f"{place}: {why}" if (place := said(row, PLACE)) else why


def count(row: Mapping[str, Any], column: str) -> int | None:
    """The whole number in a cell, where it is one from 1 on; else None."""
    return _count(said(row, column))


def _count(text: str) -> int | None:
    value = _number(text)
    return int(value) if value is not None and 1 <= value <= LARGEST and value == int(value) else None


def why_no_count(row: Mapping[str, Any], *columns: str) -> str:
    """What is wrong with the first of these cells that holds no count; empty where all do."""
    for column in columns:
        if is_blank(row, column):
            return f"{column} is missing"
        if count(row, column) is None:
            return f"{column} is `{said(row, column)}`, {NO_COUNT}"
    return ""


NO_COUNT = f"not a whole number from 1 to {LARGEST:,}"


def parameters(text: str) -> tuple[dict[str, int], dict[str, str]]:
    """`radix=64, gpus=512` as a mapping; and what the text says where it is no whole number within reason."""
    found = dict[str, int]()
    wrong = dict[str, str]()
    for part in _NEXT_PAIR.split(text):
        if pair := _PAIR.search(part):
            key, value = pair[1].lower(), re.split(r"\s+(?=[A-Za-z])", pair[2].strip(" ,;|"))[0]
            whole = _count(value)
            if whole is None:
                wrong[key] = value
            else:
                found[key] = whole
    return found, wrong


def named(row: Mapping[str, Any], *columns: str) -> str:
    """What a row is called: the columns that say it."""
    return ", ".join(text for column in columns if (text := said(row, column)))


def lines(
    row: Mapping[str, Any], name: str, ours: Mapping[str, float | None], *, notes: Mapping[str, str] | None = None
) -> list[ValidationRow]:
    """A line for each cell that the row fills, exact or missed; a count that is not ours to judge says why in its note.

    A row that fills none has one line, which says so.
    """
    found = [
        _line(row, (name, column), value, note=(notes or {}).get(column, (notes or {}).get("", "")))
        for column, value in ours.items()
        if not is_blank(row, column)
    ]
    if found:
        return found
    why = (notes or {}).get("") or f"gives none of {', '.join(ours)}"
    return [compared("fabric", name, "counts", published=None, ours=None, note=placed(row, why))]


def _line(row: Mapping[str, Any], place: tuple[str, str], value: float | None, *, note: str) -> ValidationRow:
    """place: the row and the quantity."""
    figure, (name, column) = number(row, place[1]), place
    if figure is None:
        return unread(row, "fabric", name, column, column)
    slip = "below 0" if figure < 0 else "not whole" if column != "oversubscription" and figure != int(figure) else ""
    impossible = f"impossible: {column} of {figure:g} is {slip}" if slip else ""
    judged = value is not None and not impossible and not note.startswith("the row contradicts itself")
    hit = abs(value - figure) < 1e-9 * max(1.0, figure) if judged and value is not None else None
    note = "; ".join(part for part in (placed(row, impossible) if impossible else "", note) if part)
    note = placed(row, note) if value is None and not impossible else note
    found = compared("fabric", name, column, published=figure, ours=value, hit=hit, tolerance="exact", note=note)
    return unjudged(found) if impossible else found


def unread(row: Mapping[str, Any], table: str, name: str, quantity: str, column: str) -> ValidationRow:
    """The line of a published cell that holds no number."""
    held = "is missing" if is_blank(row, column) else f"is `{said(row, column)}`, not a finite number"
    return compared(table, name, quantity, published=None, ours=None, note=placed(row, f"{column} {held}"))
