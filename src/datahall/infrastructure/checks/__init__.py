"""Rules between the parts of a hall. All of them run, and every breach is told at once."""

from pathlib import Path

from datahall.foundation.document import as_spec, read
from datahall.foundation.errors import Problem, Refused
from datahall.foundation.paths import dotted_path
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.catalog.own import own_parts
from datahall.infrastructure.checks import (
    climate,
    cooling,
    economy,
    layout,
    machines,
    power,
    power_load,
    racks,
    reliability,
    siting,
    storage,
    weather,
)
from datahall.infrastructure.checks.context import Check, Context, Where
from datahall.infrastructure.spec import Hall

__all__ = ["CHECKS", "Check", "Context", "Where", "load_hall", "problems_of", "problems_of_hall"]

CHECKS: tuple[Check, ...] = (
    *machines.CHECKS,
    *racks.CHECKS,
    *layout.CHECKS,
    *power.CHECKS,
    *power_load.CHECKS,
    *storage.CHECKS,
    *economy.CHECKS,
    *siting.CHECKS,
    *weather.CHECKS,
    *cooling.CHECKS,
    *climate.CHECKS,
    *reliability.CHECKS,
)


def load_hall(path: Path) -> Hall:
    """Read and check a hall file. Raises Missing, or Refused with every problem and its line."""
    document = read(path)
    hall = as_spec(document, Hall)
    parts, faults = own_parts(hall, path.parent, document.where)
    context = Context(hall, Catalogue(parts), path.parent, document.where)
    if problems := [*faults, *problems_of(context)]:
        raise Refused(problems)
    return hall


def problems_of_hall(hall: Hall, where: Where = dotted_path) -> list[Problem]:
    """Every breach in a hall that stands in no file."""
    return problems_of(Context(hall, where=where))


def problems_of(context: Context) -> list[Problem]:
    """Every breach of every rule of this floor."""
    return [problem for check in CHECKS for problem in check(context)]
