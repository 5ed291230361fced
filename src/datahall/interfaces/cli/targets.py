"""Where a command may write: over its own earlier pages, but over nothing that it reads, and over nothing of another's."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from datahall.foundation import files
from datahall.foundation.errors import DatahallError

Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
PAGE = (b"<!doctype html>", b"Datahall")
"""How a page of ours begins, and what it says somewhere."""
FABRIC = (b"", b"written by Datahall")


def refuse_target(path: Path, read_files: Iterable[Path], *, mark: tuple[bytes, bytes] = PAGE, force: bool) -> None:
    """Raises Refused, Conflict or Missing where writing to `path` would destroy what is read or what somebody else wrote.

    read_files: YAML files; each file that one of them names, and that names others in turn, is an input as well.
    """
    begins, says = mark
    inputs = dict.fromkeys(path for file in read_files for path in _named(file, depth=3))
    files.refuse_loss(
        path, inputs=inputs, ours=lambda data: data[: len(begins)].lower() == begins and says in data, force=force
    )


def _named(file: Path, *, depth: int) -> Iterator[Path]:
    """The file, and every file that a text in it names; candidates name a hall, which names a catalogue."""
    from datahall.foundation.document import read
    from datahall.planner.site.places import real_path

    yield file
    if depth == 0 or file.suffix.lower() not in {".yaml", ".yml"}:
        return
    with contextlib.suppress(DatahallError):
        for text in set(_texts(read(file).data)):
            with contextlib.suppress(DatahallError, OSError, ValueError):
                found = real_path(text, file.parent, where=text)
                if found != file.resolve() and found.is_file():
                    yield from _named(found, depth=depth - 1)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)
