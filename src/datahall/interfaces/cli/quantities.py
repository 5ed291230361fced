"""Amounts as people type them after an option: `300B` tokens, `50ms`."""

import math

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.units import SECONDS, quantity

COUNTS = {"K": 10**3, "k": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def count(text: str, option: str) -> float:
    """`300B` -> 3e11; a plain number, with `_`, `,` or an exponent, is taken as it is. Raises Refused (CLI-030)."""
    return _amount(text, option, COUNTS, "a count above 0, such as 300B, 15T or 2000")


def seconds(text: str, option: str) -> float:
    """`50ms` -> 0.05; a plain number is seconds. Raises Refused (CLI-030)."""
    return _amount(text, option, SECONDS, "a time above 0, such as 1s, 50ms or 0.05")


def _amount(text: str, option: str, units: dict[str, float] | dict[str, int], allowed: str) -> float:
    try:
        value = float(text.replace(",", "").replace("_", "")) if _is_plain(text) else float(quantity(text, units, kind=""))
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise Refused(Problem("CLI-030", option, f"{text[:80]!a} is no amount", f"give {allowed}"))
    return value


def _is_plain(text: str) -> bool:
    return text.isascii() and not any(letter.isalpha() and letter not in "eE" for letter in text)
