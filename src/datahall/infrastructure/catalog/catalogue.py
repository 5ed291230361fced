"""The catalogue of a hall: its own rows first, then those that come with Datahall."""

import difflib
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import model_validator

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.infrastructure.catalog.part_specs import CoolingPart, Device, Part, PowerPart, RackPart, ServerPart, StoragePart

FOLDER = Path(__file__).parent
NETWORK_KINDS = ("switches", "cables", "links")
"""Kinds of row that a catalogue file may hold beside ours; the network floor reads and checks them."""
P = TypeVar("P", bound=Part)
F = TypeVar("F", bound=Spec)


class PartsFile(Spec):
    """A catalogue file: rows by kind. Switches, cables and links are read by the network floor."""

    servers: tuple[ServerPart, ...] = ()
    racks: tuple[RackPart, ...] = ()
    power: tuple[PowerPart, ...] = ()
    cooling: tuple[CoolingPart, ...] = ()
    storage: tuple[StoragePart, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _own_kinds(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {kind: rows for kind, rows in data.items() if kind not in NETWORK_KINDS}


def named(rows: Iterable[P]) -> dict[str, P]:
    """Rows by name; the first of a name counts, so that a user's own row stands before ours."""
    found: dict[str, P] = {}
    for row in rows:
        found.setdefault(row.name, row)
    return found


@functools.cache
def shipped() -> PartsFile:
    """The rows that come with Datahall, all files of this folder that hold parts."""
    return merged(PartsFile, (load(path, PartsFile) for path in sorted((FOLDER / "parts").glob("*.yaml"))))


def merged(kind: type[F], files: Iterable[F]) -> F:
    """All rows of files of one kind, in order."""
    together = list(files)
    return kind.model_validate({name: tuple(row for f in together for row in getattr(f, name)) for name in kind.model_fields})


@dataclass(frozen=True)
class Catalogue:
    """Parts by kind and name. `more_devices`: what an upper floor adds to what may stand in a rack, such as switches."""

    own: PartsFile = field(default_factory=PartsFile)
    more_devices: Mapping[str, Device] = field(default_factory=dict)

    @functools.cached_property
    def servers(self) -> Mapping[str, ServerPart]:
        return named((*self.own.servers, *shipped().servers))

    @functools.cached_property
    def devices(self) -> Mapping[str, Device]:
        """All that may stand in a rack."""
        return {**self.more_devices, **self.servers}

    @functools.cached_property
    def racks(self) -> Mapping[str, RackPart]:
        return named((*self.own.racks, *shipped().racks))

    @functools.cached_property
    def power(self) -> Mapping[str, PowerPart]:
        return named((*self.own.power, *shipped().power))

    @functools.cached_property
    def cooling(self) -> Mapping[str, CoolingPart]:
        return named((*self.own.cooling, *shipped().cooling))

    @functools.cached_property
    def storage(self) -> Mapping[str, StoragePart]:
        return named((*self.own.storage, *shipped().storage))


def near(name: str, known: Iterable[str], *, otherwise: str = "add a row to a catalogue file of your own") -> str:
    """How to mend an unknown name: the near matches, or what there is."""
    names = sorted(known)
    lower = {other.lower(): other for other in names}
    close = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]
    if close:
        return f"did you mean {' or '.join(f'`{match}`' for match in close)}? Or {otherwise}"
    return f"choose one of {', '.join(_few(names)) or 'none'}, or {otherwise}"


def _few(names: list[str]) -> Iterator[str]:
    yield from names[:8]
    if len(names) > 8:
        yield f"… ({len(names)} in all)"
