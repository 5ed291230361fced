"""`site`: where to build."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from datahall.interfaces.cli.hall import Json
from datahall.interfaces.cli.output import exits, next_step, out, say, show_json, show_problems, show_table
from datahall.interfaces.cli.targets import Force, refuse_target

if TYPE_CHECKING:
    from datahall.planner.site.result import SiteChoice


def register(app: typer.Typer) -> None:
    app.command()(exits(site))


def site(
    candidates: Annotated[Path, typer.Argument(help="The candidates file.", show_default=False)],
    as_json: Json = False,
    report: Annotated[Path | None, typer.Option("--output", "-o", help="Write a page here.", show_default=False)] = None,
    force: Force = False,
) -> int:
    """Rank the places where a hall may stand. Example: datahall site examples/sites-16.yaml

    Exit code 1 when rules leave fewer than two of them.
    """
    from datahall.planner.site.choose import rank_sites

    if report is not None:
        refuse_target(report, [candidates], force=force)
    choice = rank_sites(candidates)
    if report is not None:
        from datahall.foundation import files
        from datahall.planner.site.page import site_page

        files.write_text(report, site_page(choice))
    if as_json:
        show_json(choice.as_dict())
        return 1 if choice.verdict else 0
    _show(choice)
    if report is not None:
        say(f"wrote {report}")
    else:
        next_step(f"datahall site {candidates} -o sites.html")
    return 1 if choice.verdict else 0


def _show(choice: "SiteChoice") -> None:
    if choice.sites:
        show_table(list(_rows(choice)), _columns(choice), empty="no site is left")
        out.print()
    for line in choice.answer:
        out.print(line, markup=False)
    for note in choice.notes:
        say(f"note: {note}")
    if choice.verdict:
        show_problems([choice.verdict])


def _columns(choice: "SiteChoice") -> dict[str, str]:
    figures: dict[str, str] = {c.measure: f"{c.words}, {c.unit}" if c.unit != "1" else c.words for c in choice.criteria}
    ranks = {"topsis": "TOPSIS", "promethee": "PROMETHEE II", "vikor": "VIKOR"}
    return {"site": "site", **ranks, "first": "first in draws", "interval": "places", **figures}


def _rows(choice: "SiteChoice") -> Iterator[dict[str, Any]]:
    """The deciding method first; places of 90 % of the draws."""
    from datahall.foundation.readable import significant

    for found in choice.sites:
        firm = found.around[choice.method]
        yield {
            "site": found.name,
            **{method: f"{found.scores[method]:.3f} ({rank}.)" for method, rank in found.ranks.items()},
            "first": f"{firm.first_ratio:.0%}",
            "interval": f"{firm.low_rank}–{firm.high_rank}",
            **{c.measure: significant(found.figures[c.measure]) for c in choice.criteria},
        }
