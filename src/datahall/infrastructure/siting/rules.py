"""Siting rules as rows, and what they find at a site."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Name, Spec
from datahall.infrastructure.spec import Site, Surroundings

GbClass = Literal["A", "B", "C"]
Force = Literal["shall", "should"]
Kind = Literal["distance", "flood", "fault", "roads"]
Verdict = Literal["kept", "broken", "unknown"]


class Limit(Spec):
    """What one class asks."""

    force: Force
    """`shall` binds, `should` advises."""
    least: float | None = Field(default=None, gt=0)
    """Smallest distance in m, or smallest count; without it, the thing must not be there at all."""


class SitingRule(Spec):
    """One rule of a standard, in our words."""

    name: Name
    clause: str
    kind: Kind
    field: str
    """Field of a site's surroundings that it looks at."""
    about: str
    """What is to be far away, absent or enough, in words."""
    limits: dict[Literal["A", "B", "C"], Limit]
    unit: str
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")
    checked: Literal["read", "secondary", "unverified"]


class _Rules(Spec):
    rules: tuple[SitingRule, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one site."""

    rule: SitingRule
    verdict: Verdict
    force: Force
    what: str
    """What was found and what is allowed, in words."""
    fix: str


@functools.cache
def siting_rules() -> tuple[SitingRule, ...]:
    """The rows of GB 50174-2017, Appendix A."""
    return load(Path(__file__).with_name("gb50174.yaml"), _Rules).rules


def findings(surroundings: Surroundings | None, hall_class: GbClass) -> Iterator[Finding]:
    """Each rule that speaks of this class; what is not known of the site is `unknown`, never kept or broken."""
    for rule in siting_rules():
        if (limit := rule.limits.get(hall_class)) is not None:
            yield _finding(rule, limit, getattr(surroundings, rule.field) if surroundings else None, hall_class)


def siting_notes(site: Site | None) -> list[str]:
    """Sentences for a plan's assumptions: advice that is not followed, and rules that could not be judged."""
    if site is None or site.class_gb50174 is None:
        return []
    found = list(findings(site.surroundings, site.class_gb50174))
    notes = [f"{f.what} ({f.rule.clause})" for f in found if f.verdict == "broken" and f.force == "should"]
    if unknown := [f.rule.field for f in found if f.verdict == "unknown"]:
        notes.append(f"GB 50174 class {site.class_gb50174}: not judged, for the site does not say {', '.join(unknown)}")
    return notes


def _finding(rule: SitingRule, limit: Limit, seen: float | bool | None, hall_class: GbClass) -> Finding:
    if seen is None:
        return Finding(rule, "unknown", limit.force, f"{rule.field} is not known", f"say {rule.field} of the site")
    asks = f"GB 50174-2017 class {hall_class}"
    if limit.least is None:
        what = f"the site lies on {rule.about}, where {asks} {limit.force} not be built"
        return Finding(rule, "broken" if seen else "kept", limit.force, what, "choose another site, or a class that allows it")
    if rule.unit == "m":
        what = f"{rule.about} is {_metres(seen)} away, and {asks} {limit.force} keep {_metres(limit.least)}"
        fix = f"move the hall at least {_metres(max(limit.least - seen, 0))} further away, or choose another site or class"
    else:
        what = f"there {'is' if seen == 1 else 'are'} {seen:g} of {rule.about}, and {asks} {limit.force} have {limit.least:g}"
        fix = f"open {max(limit.least - seen, 0):g} more, or choose another site or class"
    return Finding(rule, "kept" if seen >= limit.least else "broken", limit.force, what, fix)


def _metres(distance_m: float) -> str:
    return f"{distance_m / 1000:g} km" if distance_m >= 1000 else f"{distance_m:g} m"
