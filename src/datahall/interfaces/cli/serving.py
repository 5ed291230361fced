"""`endpoints`, `deploy`, `promote`, `rollback`, `undeploy`: models behind the gateway."""

from typing import Annotated, Any

import typer

from datahall.interfaces.cli.output import exits, say, show_json, show_table

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Name = Annotated[str, typer.Argument(help="The endpoint's name.")]


def register(app: typer.Typer) -> None:
    for command in (endpoints, deploy, promote, rollback, undeploy):
        app.command()(exits(command))


def endpoints(as_json: Json = False) -> None:
    """List endpoints with their versions, replicas and latencies."""
    from datahall.interfaces.client import connect

    client = connect()
    found = client.get("/v1/endpoints")
    if as_json:
        show_json(found)
        return
    heads = {
        "name": "endpoint",
        "served": "version (share)",
        "replicas": "replicas",
        "state": "state",
        "p50": "p50",
        "p99": "p99",
    }
    show_table([_row(spec) for spec in found], heads | {"url": "url"}, empty="nothing is deployed yet")


def _row(spec: dict[str, Any]) -> dict[str, str]:
    from datahall.interfaces.serving import summary

    return summary(spec)


def deploy(
    name: Name,
    bundle: Annotated[str, typer.Argument(help="`key:…` or `sha256:…` of a package step's output.")],
    canary: Annotated[float, typer.Option(help="Share of the traffic for the new version.")] = 1.0,
    shadow: Annotated[bool, typer.Option(help="Send it a copy of each request instead; nobody sees its answers.")] = False,
    min_replicas: Annotated[int, typer.Option(help="At least.")] = 1,
    max_replicas: Annotated[int | None, typer.Option(help="At most; as many as at least, unless said.")] = None,
    timeout: Annotated[str, typer.Option(help="From the first byte to the answer, such as `10 s`.")] = "10 s",
    rate: Annotated[float | None, typer.Option(help="Requests per second that a tenant may send; any, unless said.")] = None,
) -> None:
    """Serve a bundle. Example: datahall deploy digits sha256:…

    All other settings get their defaults; a recipe's `deploy` section has them all.
    """
    from datahall.interfaces.client import connect

    wanted = {
        "endpoint": name,
        "canary_ratio": canary,
        "shadow": shadow,
        "min_replicas": min_replicas,
        "max_replicas": min_replicas if max_replicas is None else max_replicas,
        "timeout_s": timeout,
        "rate_per_s": rate,
    }
    made = connect().post("/v1/endpoints", {"bundle": bundle, "deploy": wanted})
    say(f"{name} version {made['version']} is being rolled out; see `datahall endpoints`")


def promote(name: Name, version: Annotated[int, typer.Argument(help="The version to serve alone.")]) -> None:
    """Give all traffic to one version."""
    from datahall.interfaces.client import connect

    connect().post(f"/v1/endpoints/{name}/promote", {"version": version})
    say(f"{name} serves version {version}")


def rollback(name: Name) -> None:
    """Return to the versions before the last change."""
    from datahall.interfaces.client import connect

    spec = connect().post(f"/v1/endpoints/{name}/rollback")
    say(f"{name} serves version {', '.join(str(row['version']) for row in spec['versions'])}")


def undeploy(name: Name) -> None:
    """Stop serving an endpoint; its model stays in the registry."""
    from datahall.interfaces.client import connect

    connect().delete(f"/v1/endpoints/{name}")
    say(f"{name} is no longer served")
