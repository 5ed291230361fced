"""Rules about the power graph as it is drawn: names, parts, ratings, and who feeds whom."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem
from datahall.infrastructure.catalog.own import read_own
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.checks.power_view import view_of


def _of(context: Context, code: str) -> Iterator[Problem]:
    view = view_of(context)
    return (view.told(fault) for fault in view.faults if fault.code == code)


def repeated_elements(context: Context) -> Iterator[Problem]:
    """INF-201: no two power elements have the same name, also where ranges overlap."""
    yield from _of(context, "INF-201")


def unknown_power_part(context: Context) -> Iterator[Problem]:
    """INF-202: the part of a power element is in a catalogue."""
    view = view_of(context)
    faults = [fault for fault in view.faults if fault.code == "INF-202"]
    own = read_own(context.hall, context.folder) if faults else None
    yield from (view.told(fault) for fault in faults if own and not any(map(own.may_hold, fault.names)))


def part_of_another_kind(context: Context) -> Iterator[Problem]:
    """INF-203: the part of a power element is of its kind."""
    yield from _of(context, "INF-203")


def element_without_rating(context: Context) -> Iterator[Problem]:
    """INF-204: a power element's rating stands in the hall or in its part."""
    yield from _of(context, "INF-204")


def feed_to_nowhere(context: Context) -> Iterator[Problem]:
    """INF-205: what feeds a power element or the mechanical load is declared."""
    yield from _of(context, "INF-205")


def rack_feed_to_nowhere(context: Context) -> Iterator[Problem]:
    """INF-206: what feeds a rack is declared."""
    yield from _of(context, "INF-206")


def power_in_a_circle(context: Context) -> Iterator[Problem]:
    """INF-207: no power element feeds itself, directly or through others."""
    yield from _of(context, "INF-207")


def element_without_source(context: Context) -> Iterator[Problem]:
    """INF-208: utilities and generators are fed by nothing, and everything else by something."""
    yield from _of(context, "INF-208")


def elements_left_over(context: Context) -> Iterator[Problem]:
    """INF-209: dealing out elements in blocks leaves none over."""
    yield from _of(context, "INF-209")


CHECKS: tuple[Check, ...] = (
    repeated_elements,
    unknown_power_part,
    part_of_another_kind,
    element_without_rating,
    feed_to_nowhere,
    rack_feed_to_nowhere,
    power_in_a_circle,
    element_without_source,
    elements_left_over,
)
