"""`artifacts …`: what is stored, and how it comes in and out."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from datahall.interfaces.cli.output import exits, out, say, show_json, show_table, when

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Reference = Annotated[str, typer.Argument(help="`key:…` or `sha256:…`")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Stored folders: datasets, models, reports.", no_args_is_help=True)
    commands: dict[str, Callable[..., int | None]] = {"list": listed, "files": files, "get": get, "put": put, "delete": delete}
    for name, command in (commands | {"collect": collect, "verify": verify}).items():
        group.command(name)(exits(command))
    app.add_typer(group, name="artifacts")


def listed(limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20, as_json: Json = False) -> None:
    """List artifacts with what made them."""
    from datahall.foundation.units import bytes_text
    from datahall.interfaces.client import connect

    found = connect().get("/v1/artifacts", limit=limit)
    if as_json:
        show_json(found)
        return
    rows = [
        row | {"size": bytes_text(row["size_bytes"]), "made": when(row["made_s"]), "short": f"sha256:{row['digest']}"}
        for row in found
    ]
    heads = {"short": "artifact", "size": "size", "tenant": "tenant", "made_by_job": "made by job", "made": "made"}
    show_table(rows, heads, empty="nothing is stored yet")


def files(reference: Reference, as_json: Json = False) -> None:
    """List the files of an artifact."""
    from datahall.interfaces.client import connect

    found = connect().get("/v1/artifacts/files", reference=reference)
    if as_json:
        show_json(found)
        return
    for name, entry in found["files"].items():
        out.print(f"{entry['digest'][:12]}  {entry['size']:>12}  {name}", markup=False)


def get(reference: Reference, folder: Annotated[Path, typer.Argument(help="Where to put its files.")]) -> None:
    """Copy an artifact's files into a new folder. Each is checked against its digest."""
    from datahall.foundation.errors import Conflict, Problem
    from datahall.interfaces.client import connect

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(Problem("CLI-020", str(folder), "is there already and not empty", "name a new folder"))
    response = connect().call("GET", "/v1/artifacts/content", params={"reference": reference})
    with tarfile.open(fileobj=io.BytesIO(response.content)) as tar:
        tar.extractall(folder, filter="data")
    say(f"wrote {folder}")


def put(
    folder: Annotated[Path, typer.Argument(help="The folder to store.")],
    key: Annotated[str, typer.Option(help="A name for it within the tenant.")],
) -> None:
    """Store a folder."""
    from datahall.foundation.errors import Problem, Refused
    from datahall.interfaces.client import connect

    if not folder.is_dir():
        raise Refused(Problem("CLI-021", str(folder), "is not a folder", "put the file into a folder and name that"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, arcname=".")
    made = connect().call("PUT", "/v1/artifacts", params={"key": key}, content=buffer.getvalue()).json()
    out.print(f"sha256:{made['digest']}", markup=False)


def delete(key: Annotated[str, typer.Argument(help="The artifact's key.")]) -> None:
    """Forget an artifact; its bytes go at the next `collect` if nothing else needs them."""
    from datahall.interfaces.client import connect

    connect().delete("/v1/artifacts", key=key)
    say(f"{key} is forgotten")


def collect(
    jobs_older_than: Annotated[str, typer.Option(help="Also folders and logs of jobs that ended so long ago.")] = "30 d",
) -> None:
    """Delete bytes that no artifact, live job or endpoint needs, and what ended jobs left behind long ago."""
    from datahall.foundation.units import SECONDS, bytes_text, quantity
    from datahall.interfaces.client import connect

    try:
        age_s = float(quantity(jobs_older_than, SECONDS, kind="duration"))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--jobs-older-than") from None
    freed = connect().call("POST", "/v1/artifacts/collect", params={"jobs_older_than_s": age_s}).json()
    say(f"deleted {freed['objects']} objects and the folders of {freed['jobs']} jobs, {bytes_text(freed['bytes'])}")


def verify() -> int:
    """Read every stored object and compare it with its digest. Exit code 1 when one is damaged."""
    from datahall.interfaces.client import connect

    damaged = connect().post("/v1/artifacts/verify")["damaged"]
    for digest in damaged:
        out.print(f"damaged: sha256:{digest}", markup=False)
    say(f"{len(damaged)} objects are damaged" if damaged else "every object is whole")
    return 1 if damaged else 0
