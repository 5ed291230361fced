"""A candidates file and everything that it names, read in one go: either all of it, or every problem at once."""

import contextlib
from dataclasses import dataclass
from pathlib import Path as FilePath

from datahall.foundation.document import read
from datahall.foundation.errors import DatahallError, Missing, Problem, Refused
from datahall.foundation.partial import partly
from datahall.foundation.paths import Path
from datahall.planner.load import Loaded, load
from datahall.planner.site.checks import File, problems_of_file
from datahall.planner.site.constraints import declared_exclusions
from datahall.planner.site.means import Regions, regions_of
from datahall.planner.site.places import real_path
from datahall.planner.site.sources import Sources, sources_of
from datahall.planner.site.spec import Candidate, Candidates


@dataclass(frozen=True)
class Read:
    """Ready to be computed: no problem is left."""

    file: File
    loaded: Loaded
    sources: dict[str, Sources]
    """By candidate; those that the file alone excludes are not read."""

    @property
    def spec(self) -> Candidates:
        return self.file.spec


def read_candidates(path: FilePath) -> Read:
    """Read and check. Raises Missing, or Refused with every problem of the file, its hall and the series that it names."""
    part = partly(read(path), Candidates)
    if part.spec is None:
        raise Refused(part.problems)
    file, folder = File(part, part.spec), path.parent
    loaded, problems = _hall(file, folder)
    problems = [*part.problems, *problems, *problems_of_file(file, loaded.hall.economy if loaded else None)]
    regions, more = _regions(file, folder)
    sources, rest = _sources(file, folder, regions)
    # Without the means, each file that is not there would be told again.
    problems += more or rest
    if problems or loaded is None:
        raise Refused(in_order(problems))
    return Read(file, loaded, sources)


def _hall(file: File, folder: FilePath) -> tuple[Loaded | None, list[Problem]]:
    place = file.where("hall")
    try:
        return load(real_path(file.spec.hall, folder, where=place)), []
    except Missing as error:
        return None, [
            Problem(problem.code, place, f"{problem.where}: {problem.what}", problem.fix) for problem in error.problems
        ]
    except DatahallError as error:
        return None, list(error.problems)


def _regions(file: File, folder: FilePath) -> tuple[Regions | None, list[Problem]]:
    means = file.spec.means
    if means is None:
        return None, []
    try:
        return regions_of(means, folder, where=(file.where("means", "climate"), file.where("means", "annual"))), []
    except Refused as error:
        return None, list(error.problems)


def _sources(file: File, folder: FilePath, regions: Regions | None) -> tuple[dict[str, Sources], list[Problem]]:
    found: dict[str, Sources] = {}
    problems: list[Problem] = []
    for i, candidate in enumerate(file.spec.candidates):
        if next(declared_exclusions(candidate, file.spec.constraints), None) is not None:
            continue
        try:
            found[candidate.name] = _of_one(file, i, candidate, (folder, regions))
        except Refused as error:
            problems += error.problems
    return found, problems


def _of_one(file: File, i: int, candidate: Candidate, files: tuple[FilePath, Regions | None]) -> Sources:
    def where(path: Path) -> str:
        return file.where("candidates", i, *path)

    return sources_of(candidate, *files, where=where)


def in_order(problems: list[Problem]) -> list[Problem]:
    """By file and line."""
    return sorted(problems, key=_line)


def _line(problem: Problem) -> tuple[str, int]:
    name, _, rest = problem.where.partition(" ")[0].rpartition(":")
    with contextlib.suppress(ValueError):
        return name, int(rest)
    return problem.where, 0
