"""Catalogue files of a hall's own, read as far as they hold, so that one bad row hides nothing else."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from datahall.foundation.document import read
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.files import is_within
from datahall.foundation.partial import Partial, partly
from datahall.foundation.paths import Path, dotted_path
from datahall.infrastructure.catalog.catalogue import PartsFile, merged
from datahall.infrastructure.spec import Hall

Where = Callable[[Path], str]
KINDS = {
    "SPEC-001": "a field that no catalogue has",
    "SPEC-003": "a value that does not fit its field",
    "DOC-005": "a line that is no YAML",
    "DOC-006": "an alias that cannot be followed, or too much below it",
    "DOC-007": "a key that stands twice in its mapping",
    "DOC-008": "a key that is no plain word",
    "DOC-010": "the file holds no mapping",
    "INF-122": "a row whose name stands above already",
}
"""What is said of a file from outside the hall's folder, where the whole problem would repeat what stands in it."""
ELSEWHERE = "mend it, or move the file into the hall's folder to be told more"


@dataclass(frozen=True)
class OwnParts:
    """Rows of a hall's own files, and what could not be read."""

    parts: PartsFile
    problems: tuple[Problem, ...] = ()
    left_out: frozenset[str] = frozenset()
    """Every text in rows that were refused: a part of that name is there, only not well."""
    whole: bool = True
    """False where a file is missing, or no YAML: then it might have held any part."""

    def may_hold(self, name: str) -> bool:
        """Whether a part that no catalogue has could stand in what was not read; its absence is then no fault of its own."""
        return not self.whole or name in self.left_out


def own_parts(hall: Hall, folder: FilePath, where: Where = dotted_path) -> tuple[PartsFile, tuple[Problem, ...]]:
    """Rows of the files that the hall's `catalog` names, the first first, with every problem of them.

    folder: of the hall file. where: turns a path in the hall into what a user is shown.
    """
    found = read_own(hall, folder, where)
    return found.parts, found.problems


def read_own(hall: Hall, folder: FilePath, where: Where = dotted_path) -> OwnParts:
    """The same, with what was left out."""
    files = [_file(folder, name, where, hall.catalog.index(name)) for name in dict.fromkeys(hall.catalog)]
    return OwnParts(
        parts=merged(PartsFile, (file.parts for file in files)),
        problems=(*(p for file in files for p in file.problems), *_repeated_files(hall, where)),
        left_out=frozenset().union(*(file.left_out for file in files)),
        whole=all(file.whole for file in files),
    )


def sayable(problems: Iterable[Problem], folder: FilePath, name: str) -> tuple[Problem, ...]:
    """Problems of a file that a hall in `folder` names, less its words where it stands elsewhere: it may be no catalogue.

    A hall file that came by mail must not make a program print what stands in another of the user's files.
    """
    if is_within(folder, folder / name):
        return tuple(problems)
    # Twenty unknown keys in a line of a foreign file are one thing to say.
    return tuple(dict.fromkeys(_without_words(problem, folder / name) for problem in problems))


def _without_words(problem: Problem, path: FilePath) -> Problem:
    """Line and kind; of a field that is missing, its name and place too, as they are ours."""
    if problem.code not in KINDS:
        return problem
    line = problem.where.removeprefix(f"{path}:").split(" ", 1)[0]
    return replace(problem, where=f"{path}:{line}", what=KINDS[problem.code], fix=ELSEWHERE)


def _file(folder: FilePath, name: str, where: Where, index: int) -> OwnParts:
    path = folder / name
    found = _read(path, where, index)
    return replace(found, problems=sayable(found.problems, folder, name))


def _read(path: FilePath, where: Where, index: int) -> OwnParts:
    nothing = PartsFile()
    try:
        part = partly(read(path), PartsFile)
    except Missing as error:
        place: Path = ("catalog", index)
        return OwnParts(
            nothing, (Problem("INF-121", where(place), f"there is no file {path}", error.problems[0].fix),), whole=False
        )
    except Refused as error:
        return OwnParts(nothing, error.problems, whole=False)
    rows = part.spec or nothing
    return OwnParts(rows, (*part.problems, *_repeated_rows(rows, part)), part.words_left_out(), whole=part.spec is not None)


def _repeated_rows(rows: PartsFile, part: Partial[PartsFile]) -> Iterator[Problem]:
    for kind in PartsFile.model_fields:
        seen = set[str]()
        for index, row in enumerate(getattr(rows, kind)):
            if row.name in seen:
                what = f"a row `{row.name}` stands above already among the {kind}"
                yield Problem("INF-122", part.where((kind, index, "name")), what, "rename one of them")
            seen.add(row.name)


def _repeated_files(hall: Hall, where: Where) -> Iterator[Problem]:
    for index, name in enumerate(hall.catalog):
        if name in hall.catalog[:index]:
            yield Problem("INF-123", where(("catalog", index)), f"the file `{name}` stands above already", "keep one")
