"""Has anyone rewritten history? Follows the chain through every recorded event, up to heads that were noted elsewhere.

The chain alone shows an event that was changed, removed or put in. Whoever can write to the database could also cut off the
newest events, or compute the whole chain anew; a head noted outside the database (in the running process, in `audit.head`,
on paper) shows that too.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datahall.foundation import files
from datahall.foundation.errors import Problem
from datahall.platform.store.journal import GENESIS, link


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event at some moment, and its chain value, which stands for all events up to it."""

    seq: int
    chain: str


def broken_links(rows: Iterable[dict[str, Any]], *, heads: Iterable[Head] = ()) -> list[Problem]:
    """One problem for each event that was changed, removed or put in, and for each head that it does not lead to."""
    noted = {(head.seq, head.chain) for head in heads if head.seq}
    problems, chain, expected = [], GENESIS, 1
    for row in rows:
        if row["seq"] != expected:
            problems.append(_problem(row["seq"], f"follows event {expected - 1}: {row['seq'] - expected} events are missing"))
        elif link(chain, row) != row["chain"]:
            problems.append(_problem(row["seq"], "does not match its chain value: it or the one before it was changed"))
        noted.discard((row["seq"], row["chain"]))
        if row["seq"] in {seq for seq, _ in noted}:
            problems.append(_problem(row["seq"], "is not the one that was noted: the chain up to it was computed anew"))
        chain, expected = row["chain"], row["seq"] + 1
    ended = f"was noted as written, but the record ends at event {expected - 1}"
    return problems + [_problem(seq, ended) for seq, _ in sorted(noted) if seq >= expected]


def _problem(seq: int, what: str) -> Problem:
    return Problem("AUDIT-001", f"event {seq}", what, "compare with a backup; treat the record after it as untrusted")


def noted_head(path: Path) -> list[Head]:
    """The head that was last noted in a file; none when there is no such file or it is unreadable."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [Head(int(data["seq"]), str(data["chain"]))]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def note_head(path: Path, head: Head) -> None:
    """Raises Unavailable when the disk is full."""
    files.write_text(path, json.dumps(asdict(head)), mode=0o600)
