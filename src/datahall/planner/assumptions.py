"""What a plan took for granted: every default that stood in for what the hall file could have said."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from datahall.foundation.paths import Path, dotted_path
from datahall.foundation.spec import Spec
from datahall.infrastructure.spec import Hall

SECTIONS = ("power", "cooling", "racks", "fabrics", "storage", "economy", "operation", "reliability")
"""Sections whose choices bear on figures."""
QUIET = frozenset({"only", "rates", "server_price", "deal", "phase", "purpose", "join", "side"})
"""Choices of form: they say how to read a file, not how a hall behaves."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """One thing taken for granted."""

    where: str
    """Path in the hall file at which it can be said otherwise, or the part of the plan that assumed it."""
    what: str

    def as_dict(self) -> dict[str, str]:
        return {"where": self.where, "what": self.what}


def assumed_choices(hall: Hall) -> list[Assumption]:
    """Every default in force in the sections that are planned; of things alike, the first."""
    found: dict[str, Assumption] = {}
    for name in SECTIONS:
        value = getattr(hall, name)
        for path, spec in _specs_in(value, (name,)):
            for assumption in _defaults_of(spec, path):
                found.setdefault(_kind(assumption.where), assumption)
    return list(found.values())


def _specs_in(value: object, path: Path) -> Iterator[tuple[Path, Spec]]:
    if isinstance(value, Spec):
        yield path, value
        for name in type(value).model_fields:
            yield from _specs_in(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _specs_in(item, (*path, index))


def _defaults_of(spec: Spec, path: Path) -> Iterator[Assumption]:
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        silent = name in spec.model_fields_set or name in QUIET or value is None or value == () or isinstance(value, BaseModel)
        if not silent:
            about = " ".join((field.description or "").split()).partition(". ")[0].rstrip(".")
            yield Assumption(dotted_path((*path, name)), f"{_said(value)}{f' ({about})' if about else ''}")


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _kind(where: str) -> str:
    """The path without its numbers: one line stands for all racks that left the same thing out."""
    return "".join(part.partition("]")[2] if i else part for i, part in enumerate(where.split("[")))
