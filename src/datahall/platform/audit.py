"""Has anyone rewritten history? Follows the chain through every recorded event."""

from collections.abc import Iterable
from typing import Any

from datahall.foundation.errors import Problem
from datahall.platform.store.journal import GENESIS, link


def broken_links(rows: Iterable[dict[str, Any]]) -> list[Problem]:
    """One problem for each event that was changed, removed or put in; empty when the record is whole."""
    problems, chain, expected = [], GENESIS, 1
    for row in rows:
        if row["seq"] != expected:
            problems.append(_problem(row, f"follows event {expected - 1}: {row['seq'] - expected} events are missing"))
        elif link(chain, row) != row["chain"]:
            problems.append(_problem(row, "does not match its chain value: it or the one before it was changed"))
        chain, expected = row["chain"], row["seq"] + 1
    return problems


def _problem(row: dict[str, Any], what: str) -> Problem:
    return Problem("AUDIT-001", f"event {row['seq']}", what, "compare with a backup; treat the record after it as untrusted")
