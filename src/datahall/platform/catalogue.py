"""Which artifacts there are, whose, from what; quotas; what nobody needs any more."""

import json
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select

from datahall.foundation.clock import Clock
from datahall.foundation.errors import Conflict, Missing, Problem, Refused
from datahall.foundation.units import bytes_text
from datahall.platform.artifacts import Artifacts, Stored
from datahall.platform.events import Changed
from datahall.platform.identity import Change
from datahall.platform.store import schema
from datahall.platform.store.artifact_rows import enter_artifact
from datahall.platform.store.queries import LIVE, reading

UNREACHED_GRACE_S = 3600.0
SOURCE_KEPT_S = 7 * 86400.0
"""A job that ended may be retried with its source for so long."""


class Catalogue:
    """The artifacts' rows in the database, over the store of their bytes."""

    def __init__(self, engine: Engine, artifacts: Artifacts, clock: Clock, change: Change) -> None:
        self._engine, self.artifacts, self._clock, self._change = engine, artifacts, clock, change

    def find(self, tenant: str, reference: str) -> dict[str, Any] | None:
        """The row of `key:…` or `sha256:…` in a tenant; None when there is none."""
        scheme, _, value = reference.partition(":")
        table = schema.artifacts
        column = {"key": table.c.key, "sha256": table.c.digest}.get(scheme)
        if column is None or not value:
            fix = "write `sha256:<digest>` or `key:<key>`"
            raise Refused(Problem("ART-008", "artifact", f"`{reference[:100]}` is not a reference", fix))
        query = select(table).where((table.c.tenant == tenant) & (column == value)).order_by(table.c.id.desc()).limit(1)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return dict(row._mapping) if row else None

    def require(self, tenant: str, reference: str) -> dict[str, Any]:
        """Raises Missing."""
        row = self.find(tenant, reference)
        if row is None:
            fix = "see `datahall artifacts`; a key appears once the step that makes it has succeeded"
            raise Missing(Problem("ART-009", "artifact", f"`{reference[:100]}` is not in tenant `{tenant}`", fix))
        return row

    def page(self, tenant: str | None, *, limit: int = 50) -> list[dict[str, Any]]:
        """Newest first."""
        table = schema.artifacts
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        if tenant is not None:
            query = query.where(table.c.tenant == tenant)
        with reading(self._engine) as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def add(self, tenant: str, key: str, stored: Stored, *, by: str, lineage: dict[str, Any]) -> None:
        """Enter something that was put in from outside. Under a key that is there already, the newer takes its place."""
        now_s = self._clock.now_s()
        event = Changed(
            at_s=now_s,
            actor=by,
            subject=f"artifact/{stored.digest[:16]}",
            what="artifact_stored",
            tenant=tenant,
            data={"digest": stored.digest, "key": key, "size_bytes": stored.size_bytes},
        )

        def statements(connection: Connection) -> None:
            row = {
                "tenant": tenant,
                "key": key,
                "digest": stored.digest,
                "size_bytes": stored.size_bytes,
                "made_by_job": None,
                "made_s": now_s,
                "lineage": lineage,
            }
            enter_artifact(connection, row)

        self._change(event, statements)

    # --- quota ---------------------------------------------------------------------------------------------

    def used_bytes(self, tenant: str) -> int:
        table = schema.artifacts
        query = select(func.coalesce(func.sum(table.c.size_bytes), 0)).where(
            (table.c.tenant == tenant) & table.c.superseded_s.is_(None)
        )
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar_one())

    def check_quota(self, tenant: str, more_bytes: int) -> None:
        """Raises Refused when `more_bytes` would go past the tenant's quota."""
        table = schema.tenants
        with reading(self._engine) as connection:
            quota = connection.execute(select(table.c.quota_bytes).where(table.c.name == tenant)).scalar_one_or_none()
        if quota is None:
            return
        used = self.used_bytes(tenant)
        if used + more_bytes > quota:
            what = f"{bytes_text(used)} are used and {bytes_text(more_bytes)} would come, of {bytes_text(quota)}"
            fix = "delete artifacts with `datahall artifacts delete`, or ask an admin for a larger quota"
            raise Refused(Problem("ART-010", f"tenant {tenant}", what, fix))

    # --- deleting ------------------------------------------------------------------------------------------

    def delete(self, tenant: str, key: str, *, by: str) -> None:
        """Forget an artifact; its bytes go at the next collection if nothing else holds them.

        Raises Missing, or Conflict while a job that is not over reads it.
        """
        row = self.require(tenant, f"key:{key}")
        reader = self._reader(tenant, {f"key:{key}", f"sha256:{row['digest']}"})
        if reader is not None:
            fix = f"wait for it, or cancel it: `datahall cancel {reader}`"
            raise Conflict(Problem("ART-014", f"artifact {key[:100]}", f"job {reader} reads it and is not over", fix))
        table = schema.artifacts
        event = Changed(
            at_s=self._clock.now_s(),
            actor=by,
            subject=f"artifact/{row['digest'][:16]}",
            what="artifact_deleted",
            tenant=tenant,
            data={"key": key},
        )
        statement = delete(table).where((table.c.tenant == tenant) & (table.c.key == key))
        self._change(event, lambda connection: connection.execute(statement))

    def _reader(self, tenant: str, references: set[str]) -> int | None:
        table = schema.jobs
        query = select(table.c.id, table.c.spec).where(table.c.state.in_(LIVE) & (table.c.tenant == tenant))
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        reads = (row.id for row in rows if references & _read_by(row.spec))
        return next(reads, None)

    def collect_garbage(self, *, also: set[str], by: str) -> tuple[int, int]:
        """Delete bytes that no artifact, live job or endpoint (`also`) refers to. Returns objects and bytes freed.

        Contents that a newer one took the place of, and sources of jobs that ended long ago, are forgotten first.
        """
        self._forget_old(also | self._read_by_jobs(), by=by)
        roots = also | self._referred()
        count, freed = self.artifacts.sweep(roots, older_than_s=self._clock.now_s() - UNREACHED_GRACE_S)
        event = Changed(
            at_s=self._clock.now_s(),
            actor=by,
            subject="artifacts",
            what="garbage_collected",
            data={"objects": count, "bytes": freed},
        )
        self._change(event, lambda connection: connection.execute(_drop_unreferred(roots)))
        return count, freed

    def _forget_old(self, needed: set[str], *, by: str) -> None:
        table, now_s = schema.artifacts, self._clock.now_s()
        is_source = table.c.key.startswith("source/", autoescape=True) & (table.c.made_s < now_s - SOURCE_KEPT_S)
        old = (table.c.superseded_s.is_not(None) | is_source) & table.c.digest.not_in(sorted(needed))
        event = Changed(at_s=now_s, actor=by, subject="artifacts", what="old_contents_forgotten")
        self._change(event, lambda connection: connection.execute(delete(table).where(old)))

    def _referred(self) -> set[str]:
        with reading(self._engine) as connection:
            digests = set(connection.execute(select(schema.artifacts.c.digest)).scalars())
        return digests | self._read_by_jobs()

    def _read_by_jobs(self) -> set[str]:
        with reading(self._engine) as connection:
            specs = connection.execute(select(schema.jobs.c.spec).where(schema.jobs.c.state.in_(LIVE))).scalars().all()
        return {word[7:] for spec in specs for word in _read_by(spec) if word.startswith("sha256:")}


def _read_by(spec: str) -> set[str]:
    """References to artifacts in a job's record."""
    data = json.loads(spec)
    return {*data.get("inputs", {}).values(), *([data["source"]] if data.get("source") else [])}


def _drop_unreferred(roots: set[str]) -> Any:
    table = schema.objects
    held = select(schema.artifacts.c.digest)
    return delete(table).where(table.c.digest.not_in(held) & table.c.digest.not_in(sorted(roots)))
