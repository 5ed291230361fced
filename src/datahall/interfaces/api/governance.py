"""Tenants, tokens, secrets, the hall and the record of what was done, over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Bytes, Seconds
from datahall.interfaces.api.context import ThePlatform, Who
from datahall.platform.audit import Head, broken_links, note_head, noted_head
from datahall.platform.events import Changed
from datahall.platform.identity import Right, Role
from datahall.platform.store.queries import all_events, counts_by_state

router = APIRouter(prefix="/v1", tags=["governance"])

TokenId = Annotated[int, Path(ge=1, le=2**53)]


class NewTenant(Spec):
    """A tenant to make."""

    name: Name
    quota_bytes: Bytes | None = None


class Quota(Spec):
    """How much a tenant may store; null for as much as there is."""

    quota_bytes: Bytes | None


class NewToken(Spec):
    """A token to make."""

    name: Name
    tenant: Name
    role: Role = Role.MEMBER
    lifetime: Seconds | None = None


class NewRole(Spec):
    """A token's role from now on."""

    role: Role


class Secret(Spec):
    """A secret's value; it is written to a file that only the platform's user may read, and never shown."""

    value: str


@router.get("/status")
def status(platform: ThePlatform, who: Who) -> dict[str, Any]:
    """How the platform is."""
    nodes = platform.scheduler.state.nodes.values()
    return {
        "version": platform.version,
        "hall": platform.hall.name,
        "jobs": counts_by_state(platform.database),
        "nodes": [
            {"name": n.name, "capacity": str(n.capacity), "free": str(n.free), "cpu_milli_free": n.free.cpu_milli}
            for n in nodes
        ],
        "limits_by": platform.enforcement.describe(),
        "trouble": platform.scheduler.trouble,
        "you": {"name": who.name, "tenant": who.tenant, "role": str(who.role)},
    }


@router.get("/hall")
def hall(platform: ThePlatform, who: Who) -> dict[str, Any]:
    """The hall as it was read."""
    who.require(Right.READ)
    return platform.hall.model_dump(mode="json")


@router.get("/tenants")
def tenants(platform: ThePlatform, who: Who) -> list[dict[str, Any]]:
    """The tenants that the caller may see, with what they have stored."""
    rows = [row for row in platform.identity.tenants() if who.scope in (None, row["name"])]
    return [row | {"used_bytes": platform.catalogue.used_bytes(row["name"])} for row in rows]


@router.post("/tenants", status_code=201)
def make_tenant(platform: ThePlatform, who: Who, body: NewTenant) -> dict[str, str]:
    who.require(Right.GOVERN)
    platform.identity.make_tenant(body.name, by=who.name, quota_bytes=body.quota_bytes)
    return {"name": body.name}


@router.put("/tenants/{name}/quota")
def set_quota(platform: ThePlatform, who: Who, name: str, body: Quota) -> dict[str, Any]:
    who.require(Right.GOVERN)
    platform.identity.set_quota(name, body.quota_bytes, by=who.name)
    return platform.identity.tenant(name)


@router.get("/tokens")
def tokens(platform: ThePlatform, who: Who) -> list[dict[str, Any]]:
    """Tokens without their secrets: all for an admin, otherwise those of the caller's tenant."""
    return platform.identity.tokens(tenant=None if who.may(Right.GOVERN) else who.tenant)


@router.post("/tokens", status_code=201)
def make_token(platform: ThePlatform, who: Who, body: NewToken) -> dict[str, Any]:
    """Make a token; its secret is shown this once."""
    who.require(Right.GOVERN)
    number, secret = platform.identity.make_token(
        body.name, tenant=body.tenant, role=body.role, by=who.name, lifetime_s=body.lifetime
    )
    return {"id": number, "token": secret}


@router.delete("/tokens/{number}", status_code=204)
def revoke_token(platform: ThePlatform, who: Who, number: TokenId) -> None:
    who.require(Right.GOVERN)
    platform.identity.revoke_token(number, by=who.name)


@router.put("/tokens/{number}/role")
def set_role(platform: ThePlatform, who: Who, number: TokenId, body: NewRole) -> dict[str, Any]:
    who.require(Right.GOVERN)
    platform.identity.set_role(number, body.role, by=who.name)
    return {"id": number, "role": str(body.role)}


@router.get("/secrets")
def secret_names(platform: ThePlatform, who: Who) -> list[str]:
    """Names of the caller's tenant's secrets; never their values."""
    who.require(Right.WRITE)
    return platform.stage.secret_names(who.tenant)


@router.put("/secrets/{name}", status_code=204)
def set_secret(platform: ThePlatform, who: Who, name: Annotated[Name, Path()], body: Secret) -> None:
    who.require(Right.WRITE)
    platform.stage.set_secret(who.tenant, name, body.value)
    event = Changed(at_s=platform.clock.now_s(), actor=who.name, subject=f"secret/{name}", what="secret_set", tenant=who.tenant)
    platform.journal.change(event, lambda _: None)


@router.get("/audit")
def audit(platform: ThePlatform, who: Who, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, Any]:
    """Whether the record of events is whole: follows the hash chain from the first event to the heads noted before."""
    who.require(Right.READ_ALL)
    now = Head(*platform.journal.head)
    problems = broken_links(all_events(platform.database), heads=[now, *noted_head(platform.home.audit_head)])
    if not problems:
        note_head(platform.home.audit_head, now)
    whole = {"whole": not problems, "problems": [problem.as_dict() for problem in problems[:limit]]}
    return whole | {"head": {"seq": now.seq, "chain": now.chain}}


@router.post("/shutdown", status_code=202)
def shut_down(platform: ThePlatform, who: Who, keep_jobs: bool = False) -> dict[str, bool]:
    """End the platform. Jobs are stopped and start again at the next start, or run on with `keep_jobs`."""
    who.require(Right.GOVERN)
    platform.shut_down(keep_jobs)
    return {"keep_jobs": keep_jobs}
