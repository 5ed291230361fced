"""What a check sees."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from datahall.foundation.errors import Problem
from datahall.foundation.paths import Path, dotted_path
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.spec import Hall

Where = Callable[[Path], str]
"""Turns a path inside the hall into the place that a user is shown."""


Unread = Callable[[Path], bool]


def _whole(_: Path) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Context:
    """A hall with all that its checks look things up in."""

    hall: Hall
    catalogue: Catalogue = field(default_factory=Catalogue)
    folder: FilePath = field(default_factory=FilePath.cwd)
    """Folder of the hall file: the files that it names are relative to it."""
    where: Where = dotted_path
    unread: Unread = _whole
    """Whether anything at or below a place of the hall could not be read, so that less stands there than the user wrote."""


Check = Callable[[Context], Iterator[Problem]]
