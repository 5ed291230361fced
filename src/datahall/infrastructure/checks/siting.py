"""Rules about where a hall stands, for halls that say which class of GB 50174 they are to meet. Only what binds is a problem;
advice stands among a plan's assumptions, and what is not known is not judged."""

from collections.abc import Iterator

from datahall.foundation.errors import Problem
from datahall.infrastructure.checks.context import Check, Context
from datahall.infrastructure.siting.rules import Finding, Kind, findings


def too_near(context: Context) -> Iterator[Problem]:
    """INF-601: a hall of GB 50174 class A keeps its distances: car parks, railways, hazards, explosives, nuclear plants."""
    for finding in _broken(context, "distance"):
        yield Problem("INF-601", _where(context, finding), _what(finding), finding.fix)


def flood_prone(context: Context) -> Iterator[Problem]:
    """INF-602: a hall of GB 50174 class A does not stand where it may flood."""
    for finding in _broken(context, "flood"):
        yield Problem("INF-602", _where(context, finding), _what(finding), finding.fix)


def on_a_fault(context: Context) -> Iterator[Problem]:
    """INF-603: a hall of GB 50174 class A does not stand on a seismic fault or a slope that may slide."""
    for finding in _broken(context, "fault"):
        yield Problem("INF-603", _where(context, finding), _what(finding), finding.fix)


def too_few_roads(context: Context) -> Iterator[Problem]:
    """INF-604: a hall of GB 50174 class A is reached by at least two roads."""
    for finding in _broken(context, "roads"):
        yield Problem("INF-604", _where(context, finding), _what(finding), finding.fix)


CHECKS: tuple[Check, ...] = (too_near, flood_prone, on_a_fault, too_few_roads)


def _broken(context: Context, kind: Kind) -> Iterator[Finding]:
    site = context.hall.site
    if site is None or site.class_gb50174 is None:
        return
    for finding in findings(site.surroundings, site.class_gb50174):
        if finding.rule.kind == kind and finding.verdict == "broken" and finding.force == "shall":
            yield finding


def _where(context: Context, finding: Finding) -> str:
    return context.where(("site", "surroundings", finding.rule.field))


def _what(finding: Finding) -> str:
    return f"{finding.what} ({finding.rule.clause})"
