"""Who may do what: tenants, tokens, roles."""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from datahall.foundation.clock import Clock
from datahall.foundation.errors import Conflict, Denied, Missing, Problem, Unauthenticated
from datahall.platform.events import Changed
from datahall.platform.store import schema
from datahall.platform.store.queries import reading

TOKEN_PREFIX = "dh_"  # noqa: S105 - a prefix, so that scanners find leaked tokens
DEFAULT_TENANT = "default"

Change = Callable[[Changed, Callable[[Connection], Any]], Any]


class Role(StrEnum):
    """From the strongest down."""

    ADMIN = "admin"
    OPERATOR = "operator"
    MEMBER = "member"
    VIEWER = "viewer"


class Right(StrEnum):
    """One thing that a role may do."""

    READ = "read"
    """See what belongs to one's tenant."""
    WRITE = "write"
    """Submit, cancel, retry, deploy, store, in one's tenant."""
    READ_ALL = "read_all"
    """See every tenant."""
    WRITE_ALL = "write_all"
    """Act on every tenant's jobs and endpoints."""
    GOVERN = "govern"
    """Make tenants and tokens, stop the platform."""


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.ADMIN: frozenset(Right),
    Role.OPERATOR: frozenset({Right.READ, Right.WRITE, Right.READ_ALL, Right.WRITE_ALL}),
    Role.MEMBER: frozenset({Right.READ, Right.WRITE}),
    Role.VIEWER: frozenset({Right.READ}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking."""

    name: str
    tenant: str
    role: Role

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]

    def require(self, right: Right, *, tenant: str | None = None) -> None:
        """Raises Denied when this principal lacks the right, or the thing belongs to another tenant."""
        foreign = tenant is not None and tenant != self.tenant
        needed = {Right.READ: Right.READ_ALL, Right.WRITE: Right.WRITE_ALL}.get(right, right) if foreign else right
        if needed not in RIGHTS[self.role]:
            of = f" of tenant `{tenant}`" if foreign else ""
            what = f"{self.name} ({self.role} of `{self.tenant}`) may not {right}{of}"
            raise Denied(Problem("AUTH-002", "token", what, "use a token with a role that may; an admin can make one"))

    @property
    def scope(self) -> str | None:
        """The tenant whose things this principal sees; None for all."""
        return None if self.may(Right.READ_ALL) else self.tenant


LOCAL_ADMIN = Principal("local", DEFAULT_TENANT, Role.ADMIN)
"""Whoever can read the home folder can do everything anyway."""


class Identity:
    """Tenants and tokens in the database; known tokens are held in memory by the hash of their secret."""

    def __init__(self, engine: Engine, clock: Clock, change: Change) -> None:
        self._engine, self._clock, self._change = engine, clock, change
        self._known: dict[str, tuple[Principal, float | None]] = {}
        self._loading = threading.Lock()
        """An older reading never takes the place of a newer one: a revoked token would come back to life."""
        self.changed: Callable[[], None] = lambda: None
        """Called when a token was made, revoked or given another role."""
        self._load()

    def _load(self) -> None:
        table = schema.tokens
        with self._loading:
            with reading(self._engine) as connection:
                rows = connection.execute(select(table).where(table.c.revoked_s.is_(None))).all()
            self._known = {row.secret_hash: (Principal(row.name, row.tenant, Role(row.role)), row.expires_s) for row in rows}
        self.changed()

    def authenticate(self, secret: str) -> Principal:
        """The principal of a token. Raises Unauthenticated when it is unknown, expired or revoked."""
        found = self._known.get(_hash(secret))
        if found is None:
            raise Unauthenticated(
                Problem("AUTH-001", "Authorization", "the token is missing, unknown or revoked", _token_hint())
            )
        principal, expires_s = found
        if expires_s is not None and expires_s <= self._clock.now_s():
            raise Unauthenticated(Problem("AUTH-003", "Authorization", "the token has expired", _token_hint()))
        return principal

    def make_tenant(self, name: str, *, by: str, quota_bytes: int | None = None) -> None:
        """Raises Conflict when the tenant exists."""
        now_s = self._clock.now_s()
        event = Changed(at_s=now_s, actor=by, subject=f"tenant/{name}", what="tenant_made", data={"quota_bytes": quota_bytes})
        row = {"name": name, "quota_bytes": quota_bytes, "made_s": now_s}
        try:
            self._change(event, lambda connection: connection.execute(insert(schema.tenants), row))
        except IntegrityError:
            raise Conflict(Problem("AUTH-004", f"tenant {name}", "exists already", "choose another name")) from None

    def set_quota(self, name: str, quota_bytes: int | None, *, by: str) -> None:
        """Storage quota of a tenant, bytes; None for none. Raises Missing."""
        self.tenant(name)
        table = schema.tenants
        event = Changed(
            at_s=self._clock.now_s(),
            actor=by,
            subject=f"tenant/{name}",
            what="quota_set",
            data={"quota_bytes": quota_bytes},
        )
        statement = update(table).where(table.c.name == name).values(quota_bytes=quota_bytes)
        self._change(event, lambda connection: connection.execute(statement))

    def tenants(self) -> list[dict[str, Any]]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(schema.tenants).order_by(schema.tenants.c.name))
            return [dict(row._mapping) for row in rows]

    def tenant(self, name: str) -> dict[str, Any]:
        """Raises Missing."""
        found = next((row for row in self.tenants() if row["name"] == name), None)
        if found is None:
            known = ", ".join(row["name"] for row in self.tenants())
            raise Missing(Problem("AUTH-005", f"tenant {name}", "there is no such tenant", f"choose one of {known}"))
        return found

    def make_token(self, name: str, *, tenant: str, role: Role, by: str, lifetime_s: float | None = None) -> tuple[int, str]:
        """A new token: its number and its secret, which is shown this once. Raises Missing."""
        self.tenant(tenant)
        now_s = self._clock.now_s()
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        row = {
            "name": name,
            "tenant": tenant,
            "role": str(role),
            "secret_hash": _hash(secret),
            "made_s": now_s,
            "expires_s": now_s + lifetime_s if lifetime_s is not None else None,
        }
        event = Changed(
            at_s=now_s, actor=by, subject=f"token/{name}", what="token_made", tenant=tenant, data={"role": str(role)}
        )

        def statements(connection: Connection) -> int:
            result = connection.execute(insert(schema.tokens).returning(schema.tokens.c.id), row)
            return int(result.scalar_one())

        number = self._change(event, statements)
        self._load()
        return number, secret

    def revoke_token(self, number: int, *, by: str) -> None:
        """Raises Missing."""
        table = schema.tokens
        found = next((row for row in self.tokens() if row["id"] == number), None)
        if found is None:
            raise Missing(Problem("AUTH-006", f"token {number}", "there is no such token", "see `datahall token list`"))
        now_s = self._clock.now_s()
        event = Changed(at_s=now_s, actor=by, subject=f"token/{found['name']}", what="token_revoked", tenant=found["tenant"])
        statement = update(table).where(table.c.id == number).values(revoked_s=now_s)
        self._change(event, lambda connection: connection.execute(statement))
        self._load()

    def set_role(self, number: int, role: Role, *, by: str) -> None:
        """Give a token another role. Raises Missing."""
        table = schema.tokens
        found = next((row for row in self.tokens() if row["id"] == number), None)
        if found is None:
            raise Missing(Problem("AUTH-006", f"token {number}", "there is no such token", "see `datahall token list`"))
        event = Changed(
            at_s=self._clock.now_s(),
            actor=by,
            subject=f"token/{found['name']}",
            what="role_set",
            tenant=found["tenant"],
            data={"from": found["role"], "to": str(role)},
        )
        statement = update(table).where(table.c.id == number).values(role=str(role))
        self._change(event, lambda connection: connection.execute(statement))
        self._load()

    def tokens(self, *, tenant: str | None = None) -> list[dict[str, Any]]:
        """All tokens without their secrets."""
        table = schema.tokens
        columns = [column for column in table.columns if column.name != "secret_hash"]
        query = select(*columns).order_by(table.c.id)
        if tenant is not None:
            query = query.where(table.c.tenant == tenant)
        with reading(self._engine) as connection:
            return [dict(row._mapping) for row in connection.execute(query)]


def _hash(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


def _token_hint() -> str:
    return "send `Authorization: Bearer …`; `datahall token make` gives one, and `up` wrote one to admin.token in its folder"
