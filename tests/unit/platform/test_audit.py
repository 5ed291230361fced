"""A record that was tampered with shows it."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update
from tests.conftest import Parts

from datahall.platform.audit import Head, broken_links, note_head, noted_head
from datahall.platform.events import Changed
from datahall.platform.store import queries, schema
from datahall.platform.store.journal import GENESIS, link

EVENTS = schema.events


@pytest.fixture
def record(parts: Parts) -> Parts:
    for n in range(8):
        parts.journal.change(Changed(at_s=n, actor="ann", subject=f"tenant/t{n}", what="quota_set", tenant="x"), lambda _: None)
    return parts


def problems(parts: Parts, *heads: Head) -> list[str]:
    return [str(problem) for problem in broken_links(queries.all_events(parts.database), heads=heads)]


def tamper(parts: Parts, *statements: Any) -> None:
    with parts.database.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_whole_record_is_whole(record: Parts):
    """Given what the journal wrote, nothing is found, up to its own head."""
    assert problems(record, Head(*record.journal.head)) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor", "eve"), ("data", "{}"), ("at_s", 1.0), ("kind", "x"), ("subject", "y"), ("tenant", "z"), ("chain", "0" * 64)],
)
def test_a_changed_event_is_found(record: Parts, column: str, value: Any):
    """Given one field of event 4 that was changed, event 4 is named (a changed chain value shows at 4 and at 5)."""
    tamper(record, update(EVENTS).where(EVENTS.c.seq == 4).values({column: value}))
    assert problems(record)[0].startswith("event 4: AUDIT-001 does not match its chain value")


def test_a_removed_event_is_found(record: Parts):
    """Given event 4 removed, the gap is named; also when the later ones were numbered anew."""
    tamper(record, delete(EVENTS).where(EVENTS.c.seq == 4))
    assert problems(record)[0].startswith("event 5: AUDIT-001 follows event 3: 1 events are missing")
    tamper(record, *(update(EVENTS).where(EVENTS.c.seq == n).values(seq=n - 1) for n in range(5, 20)))
    assert problems(record)[0].startswith("event 4: AUDIT-001 does not match its chain value")


def test_an_event_put_in_is_found(record: Parts):
    """Given an event put in between 4 and 5, the place is named."""
    forged = next(row for row in queries.all_events(record.database) if row["seq"] == 4) | {"actor": "eve", "seq": 5}
    later = [update(EVENTS).where(EVENTS.c.seq == n).values(seq=n + 1) for n in range(20, 4, -1)]
    tamper(record, *later, insert(EVENTS).values(forged))
    assert problems(record)[0].startswith("event 5: AUDIT-001 does not match its chain value")


def test_a_record_cut_short_is_found_by_a_noted_head(record: Parts):
    """Given the last three events cut off, the chain alone is whole, but the head that was noted is missing."""
    head = Head(*record.journal.head)
    tamper(record, delete(EVENTS).where(EVENTS.c.seq > head.seq - 3))
    assert problems(record) == []
    [found] = problems(record, head)
    assert found.startswith(f"event {head.seq}: AUDIT-001 was noted as written, but the record ends at event {head.seq - 3}")


def test_a_chain_computed_anew_is_found_by_a_noted_head(record: Parts):
    """Given an intruder who changes event 2 and computes every later chain value, the noted head gives it away."""
    head = Head(*record.journal.head)
    chain = GENESIS
    statements = []
    for row in list(queries.all_events(record.database)):
        row["actor"] = "eve" if row["seq"] == 2 else row["actor"]
        chain = link(chain, row)
        statements.append(update(EVENTS).where(EVENTS.c.seq == row["seq"]).values(actor=row["actor"], chain=chain))
    tamper(record, *statements)
    assert problems(record) == []
    [found] = problems(record, head)
    assert "is not the one that was noted: the chain up to it was computed anew" in found


def test_any_single_change_anywhere_is_found(record: Parts):
    """Given a hundred random single changes, removals and swaps, none goes unnoticed."""
    head = Head(*record.journal.head)
    rows = list(queries.all_events(record.database))
    dice = random.Random(5)
    ways: list[Callable[[list[dict[str, Any]], int], None]] = [
        lambda copy, at: copy.pop(at) and None,
        lambda copy, at: copy.insert(at, copy[at] | {"actor": "eve"}),
        lambda copy, at: copy[at].update(data=copy[at]["data"] + " "),
        lambda copy, at: copy[at].update(at_s=copy[at]["at_s"] + 1e-3),
    ]
    for _ in range(100):
        copy = [dict(row) for row in rows]
        dice.choice(ways)(copy, dice.randrange(len(copy)))
        assert broken_links(copy, heads=[head])


def test_a_head_is_noted_and_read_back(tmp_path: Path):
    """Given a noted head, it comes back; given no file or a torn one, there is none."""
    path = tmp_path / "audit.head"
    assert noted_head(path) == []
    note_head(path, Head(7, "ab"))
    assert noted_head(path) == [Head(7, "ab")]
    path.write_text("{")
    assert noted_head(path) == []


def test_the_database_itself_lets_rows_be_changed(record: Parts):
    """Given anybody with the file, SQL changes the record: what the chain is for."""
    with record.database.begin() as connection:
        changed = connection.execute(text("UPDATE events SET actor = 'eve' WHERE seq = 3"))
    assert changed.rowcount == 1
    assert len(problems(record)) == 1
