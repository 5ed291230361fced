"""Entering an artifact: its key points at the newest content, and what it pointed at before stays under its digest."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from datahall.platform.store import schema

KEY_CHARACTERS = 200


def enter_artifact(connection: Connection, row: dict[str, Any]) -> None:
    """Insert the row under its (tenant, key). Content that an endpoint serves must not vanish because a step ran again."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    thing = {"digest": row["digest"], "kind": "tree", "size_bytes": row["size_bytes"], "stored_s": row["made_s"]}
    connection.execute(dialect.insert(schema.objects).on_conflict_do_nothing(), thing)
    table = schema.artifacts
    here = (table.c.tenant == row["tenant"]) & (table.c.key == row["key"])
    before = connection.execute(select(table.c.id, table.c.digest).where(here)).first()
    if before is not None and before.digest == row["digest"]:
        connection.execute(update(table).where(table.c.id == before.id).values(**row))
        return
    if before is not None:
        older = superseded_key(row["key"], before.digest)
        connection.execute(delete(table).where((table.c.tenant == row["tenant"]) & (table.c.key == older)))
        connection.execute(update(table).where(table.c.id == before.id).values(key=older, superseded_s=row["made_s"]))
    connection.execute(insert(table), row)


def superseded_key(key: str, digest: str) -> str:
    """The key under which an older content of `key` goes on to be found."""
    mark = f"@{digest[:16]}"
    return key[: KEY_CHARACTERS - len(mark)] + mark
