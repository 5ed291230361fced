"""`submit`, `jobs`, `job`, `logs`, `cancel`, `retry`, `events`: work in the queue."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from datahall.interfaces.cli.output import exits, next_step, out, say, show_json, show_table, when

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
JobId = Annotated[int, typer.Argument(metavar="JOB", help="The job's number.")]


def register(app: typer.Typer) -> None:
    app.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False})(exits(submit))
    for command in (jobs, job, logs, cancel, retry, priority, events):
        app.command()(exits(command))


def submit(
    command: Annotated[list[str] | None, typer.Argument(help="Program and arguments, after `--`.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A job file (YAML) instead.")] = None,
    name: Annotated[str, typer.Option(help="What to call it.")] = "",
    workers: Annotated[int, typer.Option(help="How many, all together or none.")] = 1,
    cpus: Annotated[float, typer.Option(help="CPUs per worker.")] = 1,
    memory: Annotated[str, typer.Option(help="Memory per worker, such as `2 GiB`.")] = "1 GiB",
    accelerators: Annotated[int, typer.Option(help="Accelerators per worker.")] = 0,
    tenant: Annotated[str, typer.Option(help="For whom.")] = "default",
    priority: Annotated[int, typer.Option(help="Higher starts first.")] = 0,
    time_limit: Annotated[str, typer.Option(help="Such as `2 h`.")] = "",
    retries: Annotated[int, typer.Option(help="Further attempts after a failure.")] = 0,
    env: Annotated[list[str] | None, typer.Option("--env", help="NAME=VALUE, may be repeated.")] = None,
    secret: Annotated[list[str] | None, typer.Option("--secret", help="NAME=SECRET, may be repeated.")] = None,
    needs: Annotated[list[int] | None, typer.Option("--needs", help="A job that must succeed first.")] = None,
    include: Annotated[list[Path] | None, typer.Option("--include", help="A file or folder to take along.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show its output and end as it ends.")] = False,
    as_json: Json = False,
) -> int:
    """Queue a command. Example: datahall submit -- python train.py

    Files that the command names are taken along with their folder, into the job's own working folder.
    """
    from datahall.interfaces.client import connect
    from datahall.interfaces.submission import job_from_file, job_from_words, packed_source

    if file is not None:
        spec, folder = job_from_file(file), file.parent
    else:
        words: dict[str, Any] = {
            "workers": workers,
            "cpus": cpus,
            "memory": memory,
            "accelerators": accelerators,
            "tenant": tenant,
            "priority": priority,
            "time_limit": time_limit or None,
            "retries": retries,
        }
        folder = Path.cwd()
        spec = job_from_words(command or [], folder=folder, name=name, env=env, secret=secret, needs=needs, **words)
    client = connect()
    source = packed_source(client, spec, folder, include or [])
    if source is not None:
        spec = spec.model_copy(update={"source": source})
    number = client.post("/v1/jobs", spec.model_dump(mode="json", exclude_defaults=True))["id"]
    if as_json:
        show_json({"id": number})
    else:
        say(f"job {number} is queued")
    if wait:
        return _follow(client, number)
    next_step(f"datahall logs -f {number}")
    return 0


def _follow(client: Any, number: int, *, rank: int = 0) -> int:
    try:
        for chunk in client.follow_log(number, rank=rank, follow=True):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        say(f"job {number} goes on; stop it with `datahall cancel {number}`")
        return 130
    found = client.get(f"/v1/jobs/{number}")
    if found["state"] != "succeeded":
        say(f"job {number} {found['state']}: {found['reason']}")
        return 1
    return 0


def jobs(
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20,
    before: Annotated[int | None, typer.Option(help="Older than this number.")] = None,
    as_json: Json = False,
) -> None:
    """List jobs, newest first."""
    from datahall.foundation.units import seconds_text
    from datahall.interfaces.client import connect

    found = connect().get("/v1/jobs", state=state, limit=limit, before=before)
    if as_json:
        show_json(found)
        return
    rows = [
        row
        | {
            "submitted": when(row["submitted_s"]),
            "took": seconds_text(row["usage"]["wall_s"]) if row["usage"] else "–",
            "kwh": f"{row['usage']['energy_j'] / 3.6e6:.3g}" if row["usage"] else "–",
        }
        for row in found
    ]
    heads = {"id": "job", "name": "name", "tenant": "tenant", "state": "state", "submitted": "submitted"}
    show_table(rows, heads | {"took": "took", "kwh": "kWh", "reason": "reason"}, empty="no jobs yet")


def job(number: JobId, as_json: Json = False) -> None:
    """Show one job, and while it waits, why. Example: datahall job 3"""
    from datahall.foundation.units import bytes_text, seconds_text
    from datahall.interfaces.client import connect

    found = connect().get(f"/v1/jobs/{number}")
    if as_json:
        show_json(found)
        return
    out.print(f"job {number} ({found['name']}) of {found['tenant']}: [bold]{found['state']}[/]")
    if found["why"]:
        out.print(f"  it {found['why']['sentence']}", markup=False)
        if found["why"]["unblock"]:
            out.print(f"  → {found['why']['unblock']}", markup=False)
    elif found["reason"]:
        out.print(f"  {found['reason']}", markup=False)
    out.print("  command: " + " ".join(found["spec"]["command"]), markup=False)
    out.print(f"  submitted {when(found['submitted_s'])}, started {when(found['started_s'])}, ended {when(found['ended_s'])}")
    if found["spec"].get("output_key") and found["state"] == "succeeded":
        out.print(f"  outputs: datahall artifacts get key:{found['spec']['output_key']} FOLDER", markup=False)
    for attempt in found["attempts"]:
        places = ", ".join(place["node"] for place in attempt["placements"])
        ended = f"{attempt['ending']} {attempt['code'] if attempt['code'] is not None else ''}" if attempt["ending"] else "…"
        out.print(f"  attempt {attempt['attempt']} on {places}: {ended} {attempt['detail'] or ''}", markup=False)
    used = found["usage"]
    if used:
        label = "measured" if used["energy_measured"] else "estimated"
        source = used["energy_source"].removeprefix("estimate: ")
        out.print(
            f"  used {seconds_text(used['wall_s'])}, {used['cpu_s']:.3g} CPU-s, peak {bytes_text(used['peak_memory_bytes'])}, "
            f"{used['energy_j'] / 3.6e6:.3g} kWh ({label}: {source})",
            markup=False,
        )


def logs(
    number: JobId,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the job ends.")] = False,
    worker: Annotated[int, typer.Option(help="Which worker of a gang.")] = 0,
    attempt: Annotated[int | None, typer.Option(help="Which attempt; the latest unless told.")] = None,
) -> None:
    """Show what a job wrote. Example: datahall logs -f 3"""
    from datahall.interfaces.client import connect

    for chunk in connect().follow_log(number, rank=worker, attempt=attempt, follow=follow):
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def cancel(number: JobId) -> None:
    """Take a job out of the queue, or stop it."""
    from datahall.interfaces.client import connect

    say(f"job {number} is {connect().post(f'/v1/jobs/{number}/cancel')['state']}")


def retry(number: JobId) -> None:
    """Run an ended job again."""
    from datahall.interfaces.client import connect

    say(f"job {number} is {connect().post(f'/v1/jobs/{number}/retry')['state']}")


def priority(number: JobId, value: Annotated[int, typer.Argument(help="-1000 to 1000; higher starts first.")]) -> None:
    """Move a waiting job in the queue."""
    from datahall.interfaces.client import connect

    connect().post(f"/v1/jobs/{number}/priority", {"priority": value})
    say(f"job {number} now has priority {value}")


def events(
    number: Annotated[int | None, typer.Argument(metavar="[JOB]", help="Only this job's.")] = None,
    after: Annotated[int, typer.Option(help="After this event number.")] = 0,
    limit: Annotated[int, typer.Option(help="How many.")] = 100,
    as_json: Json = False,
) -> None:
    """Show what happened, oldest first."""
    from datahall.interfaces.client import connect

    subject = f"job/{number}" if number is not None else None
    found = connect().get("/v1/events", subject=subject, after=after, limit=limit)
    if as_json:
        show_json(found)
        return
    rows = [row | {"at": when(row["at_s"])} for row in found]
    heads = {"seq": "event", "at": "at", "kind": "what", "subject": "about", "actor": "by"}
    show_table(rows, heads, empty="nothing happened yet")
