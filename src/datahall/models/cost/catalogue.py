"""The architectures that come with Datahall, by short name."""

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.errors import Missing, Problem
from datahall.foundation.spec import Name, Spec
from datahall.infrastructure.catalog.catalogue import near
from datahall.models.cost.spec import Architecture

FOLDER = Path(__file__).parent / "architectures"
OTHERWISE = "give the path of the model's config.json"
V = TypeVar("V")


class ArchitecturesFile(Spec):
    """A family: its rows, and other names that people use for them."""

    architectures: tuple[Architecture, ...]
    aliases: dict[Name, Name] = Field(default_factory=dict)


def architectures() -> Mapping[str, Architecture]:
    """All rows by their own name, in alphabetical order; aliases are not among them."""
    return _shipped()[0]


def aliases() -> Mapping[str, str]:
    """Other names, and the name of the row that each stands for."""
    return _shipped()[1]


def architecture(name: str, where: str = "") -> Architecture:
    """The row of that name or alias. Raises Missing, COST-001, with the near names whatever their case."""
    known, others = _shipped()
    found = known.get(others.get(name, name))
    if found is None:
        what = f"there is no architecture {name[:80]!a}"
        raise Missing(
            Problem("COST-001", where or "architecture", what, near(name[:80], (*known, *others), otherwise=OTHERWISE))
        )
    return found


@functools.cache
def _shipped() -> tuple[Mapping[str, Architecture], Mapping[str, str]]:
    files = [load(path, ArchitecturesFile) for path in sorted(FOLDER.glob("*.yaml"))]
    rows = _once((row.name, row) for file in files for row in file.architectures)
    others = _once(pair for file in files for pair in file.aliases.items())
    return MappingProxyType(dict(sorted(rows.items()))), MappingProxyType(others)


def _once(pairs: Iterable[tuple[str, V]]) -> dict[str, V]:
    """Pairs as a dictionary. Raises ValueError where a name comes twice: the files contradict each other."""
    found: dict[str, V] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"architecture files: {name} is there twice")
        found[name] = value
    return found
