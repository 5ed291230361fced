"""The command line. Only light modules are imported here: what a command needs, it imports when it runs."""

import sys
from typing import Annotated

import typer

from datahall import __version__
from datahall.interfaces.cli import (
    calibrate,
    catalog,
    exchange,
    governance,
    hall,
    jobs,
    models,
    plan,
    serving,
    site,
    storage,
    weigh,
)
from datahall.interfaces.cli.output import report

app = typer.Typer(
    name="datahall",
    help="The AI data centre as code: one file describes a hall.\n\nExample: datahall run recipes/digits.yaml",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"datahall {__version__}")
        raise typer.Exit


for part in (hall, plan, calibrate, catalog, site, weigh, exchange, jobs, models, serving, storage, governance):
    part.register(app)


def entry() -> None:
    """Run the command line; every error of ours becomes its message and its exit code."""
    sys.exit(report(app))


if __name__ == "__main__":
    entry()
