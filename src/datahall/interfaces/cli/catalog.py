"""`catalog`: the parts that a hall file may name."""

from pathlib import Path
from typing import Annotated

import typer

from datahall.interfaces.cli.hall import Json
from datahall.interfaces.cli.output import exits, show_json, show_table


def register(app: typer.Typer) -> None:
    app.command()(exits(catalog))


def catalog(
    kind: Annotated[
        str, typer.Argument(help="servers, accelerators, racks, power, cooling, storage, switches, cables or links.")
    ] = "",
    hall: Annotated[
        Path | None, typer.Option(help="With the rows of this hall's own catalogue files.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> int:
    """List the parts that a hall file may name, with their sources. Example: datahall catalog servers"""
    from datahall.infrastructure.catalog.catalogue import Catalogue
    from datahall.interfaces.parts import part_rows
    from datahall.network.catalog.catalogue import NetworkCatalogue
    from datahall.planner.load import load

    loaded = load(hall) if hall else None
    rows = part_rows(loaded.catalogue if loaded else Catalogue(), loaded.network if loaded else NetworkCatalogue(), kind)
    if as_json:
        show_json(rows)
        return 0
    columns = {"kind": "kind", "name": "name", "facts": "figures", "checked": "checked", "source": "source"}
    show_table(rows, columns, empty="no parts")
    return 0
