"""`plan`, `explain`, `validate`, `check`: what a hall would be, why each figure is what it is, and how far to trust it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datahall.interfaces.cli.asked import Asked, checked
from datahall.interfaces.cli.hall import Json
from datahall.interfaces.cli.option_group import takes
from datahall.interfaces.cli.output import exits, next_step, out, say, show_json, show_table
from datahall.interfaces.cli.targets import Force, refuse_target

if TYPE_CHECKING:
    from datahall.planner.plan import Plan

TABLES = "fabric,collectives,facility,training,memory,serving"
HallFile = Annotated[Path, typer.Argument(help="The hall file.", show_default=False)]


def register(app: typer.Typer) -> None:
    for command in (plan, explain, check, validate):
        app.command()(exits(command))


@takes(Asked, "asked")
def plan(
    asked: Asked,
    halls: Annotated[list[Path], typer.Argument(help="One hall file; two or more are compared.", show_default=False)],
    as_json: Json = False,
    report: Annotated[Path | None, typer.Option("--report", "-o", help="Write a report page here.", show_default=False)] = None,
    force: Force = False,
) -> int:
    """Say what a hall draws, cools, costs and survives. Example: datahall plan halls/h100-512.yaml

    With --train or --serve: how it would train or serve a model, how fast, at what cost, and which way is best.
    Example: datahall plan halls/h100-512.yaml --train gpt3-175b --tokens 300B

    Exit code 1 when no way of serving keeps the times that were asked for.
    """
    if asked.any:
        from datahall.interfaces.cli.forecast import answer

        return answer(halls, asked, as_json=as_json, report=report, force=force)
    from datahall.planner.load import load_all
    from datahall.planner.plan import plan_of

    report = report or _written_before(checked(asked))
    found = load_all(halls)
    if report is not None:
        refuse_target(report, halls, force=force)
    plans = [plan_of(loaded) for loaded in found]
    if report is not None:
        from datahall.foundation import files
        from datahall.interfaces.plan_page import page

        files.write_text(report, page(plans))
    if as_json:
        show_json([made.as_dict() for made in plans] if len(plans) > 1 else plans[0].as_dict())
        return 0
    _show(plans)
    if report is not None:
        say(f"wrote {report}")
    next_step(f"datahall explain {halls[0]} pue" if report else f"datahall plan {halls[0]} -o report.html")
    return 0


def _written_before(asked: Asked) -> Path | None:
    """`--output` without `--serve` is where the page goes."""
    return Path(asked.output) if asked.output is not None else None


def _show(plans: "list[Plan]") -> None:
    from datahall.interfaces.plan_text import comparison, plain_comparison, plain_screen, screen

    if not out.is_terminal:
        for text in plain_comparison(plans) if len(plans) > 1 else plain_screen(plans[0]):
            out.file.write(f"{text}\n")
        return
    for line in comparison(plans) if len(plans) > 1 else screen(plans[0]):
        out.print(line)


@takes(Asked, "asked", without=("launch",))
def explain(
    asked: Asked,
    hall: HallFile,
    figure: Annotated[str, typer.Argument(help="A figure's name, such as pue; without it, all names.")] = "",
    as_json: Json = False,
) -> int:
    """Walk back from a figure to its formula, inputs and sources. Example: datahall explain halls/h100-512.yaml pue

    With --train or --serve, figures of that forecast.
    Example: datahall explain halls/h100-512.yaml train_days --train gpt3-175b --tokens 300B
    """
    from datahall.foundation.errors import Missing, Problem
    from datahall.interfaces.cli.forecast import figures_of
    from datahall.interfaces.plan_text import explained, figure_rows
    from datahall.planner.load import load
    from datahall.planner.plan import plan_of

    checked(asked, page=False)
    planned = None if asked.any else plan_of(load(hall))
    figures = planned.figures if planned else figures_of(hall, asked)
    if not figure:
        columns = {"name": "figure", "value": "value", "unit": "unit", "about": "what it is"}
        if as_json:
            show_json({name: f.as_dict() for name, f in figures.by_name.items()})
        else:
            show_table(figure_rows(figures), columns, empty="the plan has no figures")
        return 0
    if planned and (gap := planned.gap_of(figure)) and figure not in figures:
        raise Missing(Problem("PLAN-002", str(hall), f"`{figure}` is not computed: {gap.what}", f"declare {gap.where}"))
    found = figures[figure]
    if as_json:
        show_json({part.name: part.as_dict() for _, part in found.walk()})
        return 0
    for line in explained(found):
        out.print(line, markup=False)
    return 0


def check(hall: HallFile, as_json: Json = False) -> int:
    """Check a hall file and what it names, all rules in one run. Example: datahall check halls/h100-512.yaml"""
    from datahall.foundation.errors import DatahallError
    from datahall.planner.load import load

    try:
        loaded = load(hall)
    except DatahallError as error:
        if not as_json:
            raise
        show_json({"ok": False, "problems": [problem.as_dict() for problem in error.problems]})
        return error.exit_code
    estate = loaded.estate
    if as_json:
        show_json({"ok": True, "problems": [], "racks": estate.racks, "accelerators": estate.accelerators})
        return 0
    out.print(f"{hall}: no problem found; {estate.racks} racks, {estate.accelerators:,} accelerators", markup=False)
    next_step(f"datahall plan {hall}")
    return 0


def validate(
    tables: Annotated[str, typer.Option(help="Which tables, with commas between.")] = TABLES,
    rows: Annotated[
        Path | None, typer.Option(help="A CSV file of your own, with the columns of one of the tables.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> int:
    """Put published figures beside ours, hit or miss. Example: datahall validate --tables training,memory

    Rows of your own say what is predicted of each, with its interval, or the problem that kept it from being predicted; a
    column `stack` may name the software. Example: datahall validate --rows runs.csv --json
    """
    from datahall.interfaces.plan_text import validation_rows, validation_summary
    from datahall.planner.validation.tables import as_json as json_of
    from datahall.planner.validation.tables import rows_of_file, shipped_rows

    # An empty name is no table: told as such, rather than answered with nothing.
    names = [name.strip() for name in tables.split(",")]
    found = rows_of_file(rows) if rows is not None else shipped_rows(names)
    if as_json:
        show_json(json_of(found))
        return 0
    columns = {
        "table": "table", "row": "row", "quantity": "quantity", "published": "published", "ours": "ours", "error": "error",
        "verdict": "verdict", "baseline": "constant", "baseline_error": "its error", "note": "note",
    }  # fmt: skip
    show_table(validation_rows(found), columns, empty="no rows")
    for line in validation_summary(found):
        out.print(line, markup=False)
    return 0
