"""Rules about records of failures."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem
from datahall.infrastructure.checks.context import Check, Context


def failures_without_repair(context: Context) -> Iterator[Problem]:
    """INF-701: an element that says how often it fails says how long a repair takes, there or in its part."""
    for i, element in enumerate(context.hall.power.elements if context.hall.power else ()):
        row = context.catalogue.power.get(element.part) if element.part else None
        repair_h = element.repair_h if element.repair_h is not None or row is None else row.repair_h
        if context.unread(("power", "elements", i)):
            continue  # the figure that seems to lack may be the one that could not be read
        if element.failures_per_year and repair_h is None and (row is not None or element.part is None):
            what = (
                f"`{element.name}` fails {element.failures_per_year:g} times a year, but nothing says how long a repair takes"
            )
            fix = "add repair_h, the mean hours to repair it, or leave both to a catalogue part"
            yield Problem("INF-701", context.where(("power", "elements", i, "failures_per_year")), what, fix)


def repair_without_failures(context: Context) -> Iterator[Problem]:
    """INF-702: an element that says how long a repair takes says how often it fails, there or in its part."""
    for i, element in enumerate(context.hall.power.elements if context.hall.power else ()):
        row = context.catalogue.power.get(element.part) if element.part else None
        rate = element.failures_per_year if element.failures_per_year is not None or row is None else row.failures_per_year
        if context.unread(("power", "elements", i)):
            continue
        if element.repair_h is not None and rate is None and (row is not None or element.part is None):
            what = f"a repair of `{element.name}` takes {element.repair_h:g} h, but nothing says how often it fails"
            fix = "add failures_per_year, or leave both to a catalogue part"
            yield Problem("INF-702", context.where(("power", "elements", i, "repair_h")), what, fix)


CHECKS: tuple[Check, ...] = (failures_without_repair, repair_without_failures)
