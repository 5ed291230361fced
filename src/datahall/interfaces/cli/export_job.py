"""`export job`, `import sbatch`: a job for other schedulers, and from Slurm."""

from pathlib import Path
from typing import Annotated

import typer

from datahall.interfaces.cli.output import exits, next_step, say, write_new
from datahall.interfaces.cli.targets import Force

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write here; without it, print.")]
TAKEN_ALONG = "What the script runs is taken along with `datahall submit --include FOLDER`."


def register_export(group: typer.Typer) -> None:
    group.command("job")(exits(export_job))


def register_import(group: typer.Typer) -> None:
    group.command("sbatch")(exits(import_sbatch))


def export_job(
    file: Annotated[Path, typer.Option("--file", "-f", help="A job file (YAML).", show_default=False)],
    to: Annotated[str, typer.Option("--to", help="sbatch, kueue, kueue-job or skypilot.", show_default=False)],
    output: Output = None,
    nodes: Annotated[int | None, typer.Option(help="Spread the workers evenly over so many nodes (sbatch, skypilot).")] = None,
    queue: Annotated[str, typer.Option(help="A partition of Slurm, or a LocalQueue of Kueue.")] = "",
    cluster_queue: Annotated[str, typer.Option(help="Write the LocalQueue as well, for this ClusterQueue of Kueue.")] = "",
    image: Annotated[str, typer.Option(help="The container image with the program (kueue, skypilot).")] = "",
    accelerator: Annotated[str, typer.Option(help="Which kind, as the scheduler calls it, such as H100.")] = "",
    force: Force = False,
) -> None:
    """Write a job for another scheduler. Example: datahall export job -f job.yaml --to sbatch -o job.sh

    With --to kueue a gang is a RayJob, with --to kueue-job an indexed Job. What the scheduler cannot be told is refused.
    """
    from pydantic import ValidationError

    from datahall.foundation import document
    from datahall.foundation.errors import Refused
    from datahall.foundation.files import refuse_input
    from datahall.platform.exporters import EXPORTERS
    from datahall.platform.exporters.spec import Export, Options
    from datahall.platform.spec import JobSpec

    write = EXPORTERS.load(to, where="--to")
    words = {"nodes": nodes, "queue": queue, "cluster_queue": cluster_queue, "image": image, "accelerator": accelerator}
    try:
        options = Options.model_validate(words)
    except ValidationError as error:
        raise Refused(document.problems_of(error, Options)) from None
    text = write(Export(document.load(file, JobSpec), options))
    if output is None:
        typer.echo(text, nl=False)
        return
    refuse_input(output, [file])
    write_new(output, text, force=force)
    say(f"wrote {output}; its first comments say what is left to you")


def import_sbatch(
    script: Annotated[Path, typer.Argument(help="A batch script of Slurm.", show_default=False)],
    output: Output = None,
    force: Force = False,
) -> None:
    """Read a batch script of Slurm as a job. Example: datahall import sbatch train.sh -o job.yaml

    What a job has no word for is told; an array, or a value that is none, is refused at its line.
    """
    from datahall.foundation.document import read_text
    from datahall.foundation.files import refuse_input
    from datahall.platform.exporters.shell import comments
    from datahall.platform.exporters.yaml_text import yaml_text
    from datahall.platform.importers.sbatch import from_sbatch

    found = from_sbatch(read_text(script), source=str(script))
    job = yaml_text([found.spec.model_dump(mode="json", exclude_unset=True)])
    text = "\n".join([*comments([f"From {script.name}, by Datahall. {TAKEN_ALONG}", *found.notes]), job])
    for note in found.notes:
        say(note)
    if output is None:
        typer.echo(text, nl=False)
        return
    refuse_input(output, [script])
    write_new(output, text, force=force)
    say(f"wrote {output}")
    next_step(f"datahall submit --file {output} --include {script.parent}")
