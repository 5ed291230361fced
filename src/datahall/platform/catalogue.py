"""Which artifacts there are, whose, from what; quotas; what nobody needs any more."""

from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from datahall.foundation.clock import Clock
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.units import bytes_text
from datahall.platform.artifacts import Artifacts, Stored
from datahall.platform.events import Changed
from datahall.platform.identity import Change
from datahall.platform.store import schema
from datahall.platform.store.queries import LIVE, reading

UNREACHED_GRACE_S = 3600.0


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
        """Enter something that was put in from outside."""
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
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            thing = {"digest": stored.digest, "kind": "tree", "size_bytes": stored.size_bytes, "stored_s": now_s}
            connection.execute(dialect.insert(schema.objects).on_conflict_do_nothing(), thing)
            row = {
                "tenant": tenant,
                "key": key,
                "digest": stored.digest,
                "size_bytes": stored.size_bytes,
                "made_s": now_s,
                "lineage": lineage,
            }
            connection.execute(dialect.insert(schema.artifacts).on_conflict_do_nothing(), row)

        self._change(event, statements)

    # --- quota ---------------------------------------------------------------------------------------------

    def used_bytes(self, tenant: str) -> int:
        table = schema.artifacts
        query = select(func.coalesce(func.sum(table.c.size_bytes), 0)).where(table.c.tenant == tenant)
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
            fix = "delete artifacts with `datahall artifact delete`, or ask an admin for a larger quota"
            raise Refused(Problem("ART-010", f"tenant {tenant}", what, fix))

    # --- deleting ------------------------------------------------------------------------------------------

    def delete(self, tenant: str, key: str, *, by: str) -> None:
        """Forget an artifact; its bytes go at the next collection if nothing else holds them. Raises Missing."""
        row = self.require(tenant, f"key:{key}")
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

    def collect_garbage(self, *, also: set[str], by: str) -> tuple[int, int]:
        """Delete bytes that no artifact, live job or endpoint (`also`) refers to. Returns objects and bytes freed."""
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

    def _referred(self) -> set[str]:
        with reading(self._engine) as connection:
            digests = set(connection.execute(select(schema.artifacts.c.digest)).scalars())
            specs = connection.execute(select(schema.jobs.c.spec).where(schema.jobs.c.state.in_(LIVE))).scalars().all()
        for spec in specs:
            digests |= {word[7:71] for word in spec.split('"') if word.startswith("sha256:")}
        return digests


def _drop_unreferred(roots: set[str]) -> Any:
    table = schema.objects
    held = select(schema.artifacts.c.digest)
    return delete(table).where(table.c.digest.not_in(held) & table.c.digest.not_in(sorted(roots)))
