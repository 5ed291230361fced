"""`init`, `doctor`, `up`, `status`, `down`, `uninstall`: the hall of this machine and the platform on it."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from datahall.interfaces.cli.output import exits, next_step, out, say, show_json, write_new

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    for command in (init, doctor, up, status, down, uninstall):
        app.command()(exits(command))


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("hall.yaml"),
    like: Annotated[
        str, typer.Option(help="Start from a worked hall, such as laptop, h100-64 or h100-512.", show_default=False)
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write the hall file of this machine, or a worked one to plan from. Example: datahall init --like h100-512 hall.yaml"""
    if like:
        from datahall.infrastructure.starter import starter

        write_new(path, starter(like), force=force)
        say(f"wrote {path}: a hall like {like}")
        next_step(f"datahall plan {path}")
        return
    from datahall.infrastructure.discovery import discover
    from datahall.infrastructure.writer import hall_yaml

    hall = discover()
    write_new(path, hall_yaml(hall), force=force)
    node = hall.nodes[0]
    say(f"wrote {path}: {node.cpu.model}, {node.cpu.threads} CPUs, {len(node.accelerators)} accelerators")
    next_step(f"datahall up --hall {path}")


def doctor(as_json: Json = False) -> int:
    """Check the installation and say how to mend what is wrong. Example: datahall doctor"""
    from datahall.infrastructure.doctor import examine
    from datahall.interfaces.server import DEFAULT_PORT
    from datahall.platform.home import Home

    home = Home.from_environment()
    server = home.server() if home.in_use() else None
    findings = [f for f in examine(home.root, port=DEFAULT_PORT) if not (server and f.name.startswith("port"))]
    if as_json:
        show_json([{"name": f.name, "level": f.level, "what": f.what, "fix": f.fix} for f in findings])
    for finding in [] if as_json else findings:
        mark = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}[finding.level]
        out.print(f"{mark} {finding.name}: {escape(finding.what)}")
        if finding.level != "ok" and finding.fix:
            out.print(f"    → {finding.fix}", markup=False)
    return 1 if any(f.level == "fail" for f in findings) else 0


def up(
    host: Annotated[str, typer.Option(help="Address to listen on; other than loopback only behind TLS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8700,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Go to the background once it is ready.")] = False,
    hall: Annotated[Path | None, typer.Option(help="Use this hall file from now on.")] = None,
    behind_tls: Annotated[bool, typer.Option("--behind-tls", help="A proxy with TLS stands before it.")] = False,
) -> None:
    """Start the platform. Example: datahall up --detach"""
    from datahall.interfaces.lifecycle import start_detached
    from datahall.interfaces.live_hall import install_hall
    from datahall.interfaces.server import Server, check_reach, log_to
    from datahall.platform.home import Home

    check_reach(host, behind_tls=behind_tls)
    home = Home.from_environment()
    home.prepare()
    if hall is not None:
        install_hall(home, hall)
    if detach:
        say(f"Datahall is up at {start_detached(home, host=host, port=port, behind_tls=behind_tls)}")
        next_step("datahall submit -- python -c \"print('hello')\"")
        return
    log_to(home, console=True)
    server = Server(home, host=host, port=port)
    say(f"Datahall is up at {server.url} (API: {server.url}/docs, token: {home.admin_token_file}); Ctrl-C ends it")
    server.run()


def status(as_json: Json = False) -> int:
    """Say how the platform is. Exit code 1 when it is not running."""
    from datahall.foundation.errors import Unavailable
    from datahall.interfaces.client import connect

    try:
        client = connect()
        found = client.get("/v1/status") | {"url": client.url, "running": True}
    except Unavailable as error:
        if not as_json:
            raise
        show_json({"running": False, "problems": [p.as_dict() for p in error.problems]})
        return 1
    if as_json:
        show_json(found)
        return 0
    out.print(f"running at {found['url']}, version {found['version']}, hall {found['hall']}", markup=False)
    out.print("jobs: " + (", ".join(f"{n} {state}" for state, n in found["jobs"].items()) or "none yet"))
    for node in found["nodes"]:
        out.print(f"node {node['name']}: {node['free']} free of {node['capacity']}", markup=False)
    out.print(f"limits are held by {found['limits_by']}", markup=False)
    if found["trouble"]:
        out.print(f"[red]trouble:[/] {escape(found['trouble'])}")
    return 0


def down(
    keep_jobs: Annotated[bool, typer.Option("--keep-jobs", help="Leave running jobs and replicas alive.")] = False,
) -> None:
    """Stop the platform. Running jobs stop too and start again at the next `up`, unless --keep-jobs."""
    from datahall.interfaces.lifecycle import stop_running
    from datahall.platform.home import Home

    say(stop_running(Home.from_environment(), keep_jobs=keep_jobs))


def uninstall(
    state: Annotated[bool, typer.Option("--state", help="Delete everything that Datahall keeps.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Say what to remove; with --state, delete the home folder. Example: datahall uninstall --state"""
    from datahall.platform.gateway.sockets import run_folder
    from datahall.platform.home import Home

    home = Home.from_environment()
    if not state:
        say(f"`pip uninstall datahall` removes the program; `datahall uninstall --state` deletes {home.root}")
        return
    sockets = run_folder(home.root)
    if not yes:
        typer.confirm(f"Delete {home.root} with all jobs, artifacts, models and records?", abort=True, err=True)
    home.remove()
    shutil.rmtree(sockets, ignore_errors=True)
    say(f"{home.root} is gone")
