"""A forecast's plan as the file of a trainer."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from datahall.foundation.errors import Problem, Refused
from datahall.interfaces.cli.asked import Asked
from datahall.interfaces.cli.option_places import option_of
from datahall.interfaces.cli.output import out, say

if TYPE_CHECKING:
    from datahall.models.launch.spec import Launch
    from datahall.planner.load import Loaded
    from datahall.planner.training.cluster import Kind
    from datahall.planner.training.result import TrainForecast

LAUNCH = (b"", b"by Datahall")
"""What a launch file of ours says somewhere."""
MOST_IN_HOST = 16
"""Accelerators under one operating system: what counts more as one server is a rack of hosts."""


def launchable(halls: Sequence[Path], asked: Asked, *, as_json: bool) -> None:
    """Raises Missing or Refused before anything is searched for."""
    if asked.launch is None:
        return
    from datahall.models.launch.targets import target

    target(asked.launch)
    if problems := list(_against_launch(halls, as_json=as_json)):
        raise Refused(problems)


def _against_launch(halls: Sequence[Path], *, as_json: bool) -> Iterator[Problem]:
    """CLI-034: a launch is one file of one plan."""
    if as_json:
        what = "--launch writes the file of a trainer, and --json a forecast"
        yield Problem("CLI-034", "--launch, --json", what, "ask once with each")
    if len(halls) > 1:
        what = f"--launch starts one plan, but {len(halls)} halls are given"
        yield Problem("CLI-034", "--launch", what, "name the hall that is to run it")


def launched(name: str, forecast: "TrainForecast", loaded: "Loaded", path: Path | None) -> int:
    """The fastest plan that the trainer can be told, to the file, or to stdout; the forecast's headline on stderr.

    Raises Refused with what is in the way of the best plan, where none of those kept can be told.
    """
    from datahall.foundation import files
    from datahall.interfaces.train_text import headline
    from datahall.models.launch.targets import target

    write, refused = target(name), list[Problem]()
    for place, launch in enumerate(_launches(forecast, loaded)):
        try:
            text = write(launch)
        except Refused as error:
            refused = refused or [replace(problem, where=option_of(problem.where)) for problem in error.problems]
            continue
        say(headline(forecast))
        if place:
            say(_slower(forecast, place, refused))
        if path is None:
            out.file.write(text)
        else:
            files.write_text(path, text)
            say(f"wrote {path}")
        return 0
    raise Refused(refused)


def _launches(forecast: "TrainForecast", loaded: "Loaded") -> "Iterator[Launch]":
    """The best plan, then the others, each with its own number of steps between checkpoints."""
    from datahall.models.launch.spec import Launch
    from datahall.models.parallel.stacks import stack_said

    run, per_host = forecast.run, _per_host(loaded, forecast)
    stack = stack_said(forecast.request.stack, "--stack").made()
    for one in (forecast.best, *forecast.others):
        every = None if run.checkpoint_every_s is None else max(1, round(run.checkpoint_every_s / one.step.seconds))
        yield Launch(forecast.architecture, one.plan, run.steps, per_host, stack, every)


def _slower(forecast: "TrainForecast", place: int, refused: Sequence[Problem]) -> str:
    other = forecast.others[place - 1]
    share = other.step.seconds / forecast.best.step.seconds - 1
    why = "; ".join(problem.what for problem in refused)
    return f"the best plan cannot be told ({why}); written is plan {place + 1}, whose steps take {share:.1%} longer"


def _per_host(loaded: "Loaded", forecast: "TrainForecast") -> int:
    """Accelerators of one host of the run: processes that are started on it."""
    from datahall.planner.training.cluster import kinds_of

    kinds = (_of_host(kind) for kind in kinds_of(loaded) if kind.accelerator == forecast.ports.accelerator)
    return next(kinds, forecast.ports.per_domain)


def _of_host(kind: "Kind") -> int:
    """Of a rack that counts as one server, hosts have two sockets each, as the trays of an NVL72 have."""
    if kind.part is None or kind.per_server <= MOST_IN_HOST:
        return kind.per_server
    return max(1, kind.per_server * 2 // kind.part.sockets)
