"""`run`, `workflows`, `runs`, `models`, `data`, `quickstart`: a model's life."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from datahall.interfaces.cli.output import exits, next_step, out, say, show_json, show_table, when

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def register(app: typer.Typer) -> None:
    for command in (run, workflows, runs, models, quickstart):
        app.command()(exits(command))
    data = typer.Typer(help="Data sets for jobs that bring their own framework.", no_args_is_help=True)
    data.command("keras-mnist")(exits(keras_mnist))
    app.add_typer(data, name="data")


def run(
    recipe: Annotated[Path, typer.Argument(help="The recipe file.")],
    as_json: Json = False,
) -> int:
    """Run a recipe: only the steps whose inputs changed. Works with or without a running platform.

    Example: datahall run recipes/digits.yaml
    """
    from datahall.interfaces.recipes import run_recipe
    from datahall.platform.home import Home

    try:
        result = run_recipe(recipe, quiet=as_json)
    except KeyboardInterrupt:
        running = "the steps go on; see `datahall jobs`, stop one with `datahall cancel`"
        kept = "what is done is kept, and the same command goes on from there"
        say(f"interrupted; {running if Home.from_environment().in_use() else kept}")
        return 130
    if as_json:
        show_json(result.as_dict())
    else:
        for line in result.lines():
            out.print(line, markup=False)
    return 0 if result.succeeded else 1


def workflows(limit: Annotated[int, typer.Option(help="How many.")] = 20, as_json: Json = False) -> None:
    """List workflows, newest first."""
    from datahall.interfaces.client import connect

    found = connect().get("/v1/workflows", limit=limit)
    if as_json:
        show_json(found)
        return
    rows = [row | {"made": when(row["made_s"]), "deployed": when(row["deployed_s"])} for row in found]
    heads = {"id": "workflow", "name": "recipe", "tenant": "tenant", "made": "started", "deployed": "deployed"}
    show_table(rows, heads, empty="no recipe was run yet; try `datahall run recipes/digits.yaml`")


def runs(limit: Annotated[int, typer.Option(help="How many.")] = 20, as_json: Json = False) -> None:
    """List tracked runs with their metrics, newest first."""
    from datahall.interfaces.client import connect
    from datahall.interfaces.tracked import tracked_runs
    from datahall.platform.home import Home

    home = Home.from_environment()
    remote = home.in_use() or "DATAHALL_URL" in os.environ
    found = connect(home).get("/v1/runs", limit=limit) if remote else tracked_runs(home, limit=limit, tenant=None)
    if as_json:
        show_json(found)
        return
    heads = {"name": "run", "experiment": "experiment", "job": "job", "status": "status", "started": "started", "took": "took"}
    show_table([_run_row(row) for row in found], heads | {"shown": "metrics, or what ran"}, empty="no runs yet")


def _run_row(run: dict[str, Any]) -> dict[str, Any]:
    from datahall.foundation.units import seconds_text

    tags, ended_s = run["tags"], run["ended_s"]
    took = seconds_text(ended_s - run["started_s"]) if ended_s and run["started_s"] else "–"
    shown = _figures(run["metrics"]) or tags.get("datahall.command", "")
    return run | {"job": tags.get("datahall.job", ""), "started": when(run["started_s"]), "took": took, "shown": shown}


def _figures(metrics: dict[str, float]) -> str:
    first = sorted(
        metrics, key=lambda name: (not name.endswith(("accuracy", "loss")), "/" in name.removeprefix("evaluate/"), name)
    )
    return ", ".join(f"{name}={metrics[name]:.4g}" for name in first[:4])


def models(as_json: Json = False) -> None:
    """List registered models with their versions and aliases."""
    from datahall.interfaces.client import connect
    from datahall.interfaces.tracked import registered_models
    from datahall.platform.home import Home

    home = Home.from_environment()
    remote = home.in_use() or "DATAHALL_URL" in os.environ
    found = connect(home).get("/v1/models") if remote else registered_models(home, tenant=None)
    if as_json:
        show_json(found)
        return
    heads = {"name": "model", "version": "version", "aliases": "aliases", "accuracy": "accuracy", "made": "registered"}
    rows = [
        row | {"made": when(row["made_s"]), "accuracy": "–" if row["accuracy"] is None else f"{row['accuracy']:.4f}"}
        for row in found
    ]
    show_table(rows, heads, empty="no models yet; a recipe with a compress section registers one")


def keras_mnist(
    idx_folder: Annotated[Path, typer.Argument(help="Folder with the four MNIST IDX files, plain or .gz.")],
) -> None:
    """Store MNIST as Keras wants it: `keras.datasets.mnist` then works offline in every job of the tenant.

    Example: datahall data keras-mnist ../shared/data/mnist
    """
    from datahall.interfaces.client import connect
    from datahall.interfaces.frameworks import store_keras_mnist

    out.print(f"sha256:{store_keras_mnist(connect(), idx_folder)}", markup=False)
    next_step("datahall submit -- python examples/keras_mnist/train.py")


def quickstart(
    recipe: Annotated[Path, typer.Option(help="The recipe to run.")] = Path("recipes/digits.yaml"),
    port: Annotated[int, typer.Option(help="Port to listen on, if the platform is not up yet.")] = 8700,
) -> int:
    """Start the platform, run a recipe, ask the served model. This is what `make run` does."""
    from datahall.interfaces.quickstart import quickstart as start

    ok = start(recipe, port=port)
    if ok:
        next_step("datahall jobs")
    return 0 if ok else 1
