"""`import …`, `export …`: what other tools wrote, and what they read."""

from pathlib import Path
from typing import Annotated

import typer

from datahall.interfaces.cli.export_job import register_export, register_import
from datahall.interfaces.cli.hall import Json
from datahall.interfaces.cli.output import exits, next_step, say, show_json, show_table, write_new
from datahall.interfaces.cli.targets import FABRIC, Force, refuse_target


def register(app: typer.Typer) -> None:
    incoming = typer.Typer(help="Read what other tools wrote.", no_args_is_help=True)
    incoming.command("netbox")(exits(import_netbox))
    incoming.command("infragraph")(exits(import_infragraph))
    register_import(incoming)
    app.add_typer(incoming, name="import")
    outgoing = typer.Typer(help="Write what other tools read.", no_args_is_help=True)
    outgoing.command("infragraph")(exits(export_infragraph))
    register_export(outgoing)
    app.add_typer(outgoing, name="export")


def import_netbox(
    files: Annotated[list[Path], typer.Argument(help="Device types and rack types, YAML.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here; without it, print.")] = None,
    peak_power_w: Annotated[str | None, typer.Option(help="Draw under full load, such as 10.2 kW.")] = None,
    cords_needed: Annotated[int | None, typer.Option(help="Inlets that must be alive; without it, half.")] = None,
    cpu: Annotated[str | None, typer.Option(help="The processor, as it calls itself.")] = None,
    sockets: Annotated[int | None, typer.Option(help="Processors.")] = None,
    cores: Annotated[int | None, typer.Option(help="Physical cores of all processors.")] = None,
    threads: Annotated[int | None, typer.Option(help="Hardware threads of all processors.")] = None,
    memory_bytes: Annotated[str | None, typer.Option(help="Memory, such as 2 TiB.")] = None,
    accelerator: Annotated[str | None, typer.Option(help="The accelerator, as the catalogue calls it.")] = None,
    accelerators: Annotated[int, typer.Option(help="Accelerators in a machine.")] = 0,
    force: Force = False,
) -> None:
    """Make catalogue rows of NetBox's device types and rack types.

    What such files do not say is given here, for all of them: machines that differ are imported one by one.

    Example: datahall import netbox server.yaml -o parts.yaml --sockets 2 --cores 112 --threads 224 --memory-bytes "2 TiB"
    """
    from datetime import UTC, datetime

    from datahall.foundation.files import refuse_input
    from datahall.infrastructure.catalog.netbox import given_of, netbox_files_yaml

    given = given_of(
        peak_power_w=peak_power_w,
        cords_needed=cords_needed,
        cpu=cpu,
        sockets=sockets,
        cores=cores,
        threads=threads,
        memory_bytes=memory_bytes,
        accelerator=accelerator,
        accelerators=accelerators,
    )
    text = netbox_files_yaml(files, date=datetime.now(UTC).strftime("%Y-%m"), given=given)
    if output is None:
        typer.echo(text, nl=False)
        return
    refuse_input(output, files)
    write_new(output, text, force=force)
    say(f"wrote {output}; name it under `catalog:` in a hall file")


def import_infragraph(
    file: Annotated[Path, typer.Argument(help="An InfraGraph file, YAML or JSON.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Count the servers, switches and links of an InfraGraph file. Example: datahall import infragraph fabric.yaml"""
    from datahall.foundation.document import read_text
    from datahall.interfaces.exchange import fabric_counts, fabric_rows
    from datahall.network.infragraph import from_infragraph

    found = from_infragraph(read_text(file), source=str(file))
    if as_json:
        show_json(fabric_counts(found))
        return
    show_table(fabric_rows(found), {"what": found.name, "count": "count"}, empty="nothing is in it")


def export_infragraph(
    hall: Annotated[Path, typer.Argument(help="The hall file.", show_default=False)],
    fabric: Annotated[str, typer.Option(help="Which fabric, where the hall has several.", show_default=False)] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here, as JSON if it ends in .json.")] = None,
    force: Force = False,
) -> None:
    """Write a fabric, link by link, for ASTRA-sim and others. Example: datahall export infragraph hall.yaml -o fabric.yaml"""
    from datahall.foundation import files
    from datahall.interfaces.exchange import fabric_named
    from datahall.network.infragraph import to_infragraph
    from datahall.planner.load import load

    build = fabric_named(load(hall), fabric)
    if output is not None:
        refuse_target(output, [hall], mark=FABRIC, force=force)
    as_json = output is not None and output.suffix.lower() == ".json"
    text = to_infragraph(build, encoding="json" if as_json else "yaml")
    if output is None:
        typer.echo(text, nl=False)
        return
    files.write_text(output, text)
    say(f"wrote {output}: {build.servers:,} servers, {build.switches:,} switches, {build.links:,} links")
    next_step(f"datahall import infragraph {output}")
