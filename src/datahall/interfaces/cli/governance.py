"""`tenant …`, `token …`, `role`, `secret …`, `audit`: who may do what, and the record of it."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from datahall.interfaces.cli.output import exits, out, say, show_json, show_problems, show_table, when

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    _group(app, "tenant", "Tenants own jobs, artifacts and endpoints.", add=tenant_add, list=tenant_list, quota=tenant_quota)
    _group(app, "token", "Tokens let people and programs in.", make=token_make, list=token_list, revoke=token_revoke)
    _group(app, "role", "What tokens may do.", list=role_list, set=role_set)
    _group(app, "secret", "Secrets of jobs; values are never shown.", set=secret_set, list=secret_list)
    app.command()(exits(audit))


def _group(app: typer.Typer, name: str, about: str, /, **commands: Callable[..., int | None]) -> None:
    group = typer.Typer(help=about, no_args_is_help=True)
    for word, command in commands.items():
        group.command(word)(exits(command))
    app.add_typer(group, name=name)


def tenant_add(name: str, quota: Annotated[str, typer.Option(help="Storage quota, such as `50 GiB`.")] = "") -> None:
    """Make a tenant."""
    from datahall.interfaces.client import connect

    connect().post("/v1/tenants", {"name": name, "quota_bytes": quota or None})
    say(f"tenant {name} is there")


def tenant_list(as_json: Json = False) -> None:
    """List tenants and what they store."""
    from datahall.foundation.units import bytes_text
    from datahall.interfaces.client import connect

    found = connect().get("/v1/tenants")
    if as_json:
        show_json(found)
        return
    rows = [
        row | {"used": bytes_text(row["used_bytes"]), "quota": bytes_text(row["quota_bytes"]) if row["quota_bytes"] else "none"}
        for row in found
    ]
    show_table(rows, {"name": "tenant", "used": "stored", "quota": "quota"}, empty="no tenants")


def tenant_quota(name: str, quota: Annotated[str, typer.Argument(help="Such as `50 GiB`, or `none`.")]) -> None:
    """Set a tenant's storage quota."""
    from datahall.interfaces.client import connect

    connect().put(f"/v1/tenants/{name}/quota", {"quota_bytes": None if quota == "none" else quota})
    say(f"tenant {name} may store {quota}")


def token_make(
    name: str,
    tenant: Annotated[str, typer.Option(help="Whose.")] = "default",
    role: Annotated[str, typer.Option(help="admin, operator, member or viewer.")] = "member",
    lifetime: Annotated[str, typer.Option(help="Such as `30 d`; without it, until revoked.")] = "",
) -> None:
    """Make a token and print it, this once."""
    from datahall.interfaces.client import connect

    body = {"name": name, "tenant": tenant, "role": role, "lifetime": lifetime or None}
    out.print(connect().post("/v1/tokens", body)["token"], markup=False)


def token_list(as_json: Json = False) -> None:
    """List tokens without their secrets."""
    from datahall.interfaces.client import connect

    found = connect().get("/v1/tokens")
    if as_json:
        show_json(found)
        return
    rows = [
        row | {"made": when(row["made_s"]), "expires": when(row["expires_s"]), "revoked": when(row["revoked_s"])}
        for row in found
    ]
    heads = {"id": "token", "name": "name", "tenant": "tenant", "role": "role", "made": "made", "expires": "expires"}
    show_table(rows, heads | {"revoked": "revoked"}, empty="no tokens")


def token_revoke(number: Annotated[int, typer.Argument(metavar="TOKEN", help="Its number in `token list`.")]) -> None:
    """End a token at once."""
    from datahall.interfaces.client import connect

    connect().delete(f"/v1/tokens/{number}")
    say(f"token {number} is revoked")


def role_list() -> None:
    """Say what each role may do."""
    rows = [
        {"role": "admin", "may": "everything, tenants and tokens included"},
        {"role": "operator", "may": "see and act on every tenant's jobs, artifacts and endpoints"},
        {"role": "member", "may": "see and act on what belongs to its tenant"},
        {"role": "viewer", "may": "see what belongs to its tenant"},
    ]
    show_table(rows, {"role": "role", "may": "may"}, empty="")


def role_set(
    number: Annotated[int, typer.Argument(metavar="TOKEN", help="Its number in `token list`.")],
    role: Annotated[str, typer.Argument(help="admin, operator, member or viewer.")],
) -> None:
    """Give a token another role."""
    from datahall.interfaces.client import connect

    connect().put(f"/v1/tokens/{number}/role", {"role": role})
    say(f"token {number} is now {role}")


def secret_set(name: str) -> None:
    """Set a secret; its value is asked for, or read from standard input."""
    from datahall.interfaces.client import connect

    value = typer.prompt("value", hide_input=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    connect().put(f"/v1/secrets/{name}", {"value": value})
    say(f"secret {name} is set")


def secret_list() -> None:
    """List the names of secrets."""
    from datahall.interfaces.client import connect

    for name in connect().get("/v1/secrets"):
        out.print(name, markup=False)


def audit(as_json: Json = False) -> int:
    """Check that nobody rewrote the record of events. Exit code 1 when somebody did."""
    from datahall.foundation.errors import Problem
    from datahall.interfaces.client import connect

    found = connect().get("/v1/audit")
    if as_json:
        show_json(found)
    elif found["whole"]:
        head = found["head"]
        say(f"the record is whole up to event {head['seq']}; noted elsewhere, its chain value proves it: {head['chain']}")
    else:
        show_problems(Problem(**problem) for problem in found["problems"])
    return 0 if found["whole"] else 1
