"""What excludes a site, before and after its year is worked out. Each exclusion says the rule, the numbers and the clause."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from datahall.foundation.readable import significant, with_unit
from datahall.infrastructure.siting import Finding, findings
from datahall.planner.site.spec import Candidate, Constraints


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One rule that a site breaks."""

    candidate: str
    rule: str
    """Field of the constraints, or clause of a standard."""
    what: str
    """In a sentence, with what was seen and what is allowed."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Seen:
    """Figures of a site that limits are held against; None: not known, and then not judged."""

    peak_w: float | None = None
    """At the meter at full load, in the worst hour of the weather."""
    rtt_s: float | None = None
    cue_kgco2e_per_kwh: float | None = None
    pue: float | None = None
    wue_l_per_kwh: float | None = None
    energy_price_per_kwh: float | None = None
    hazard: float | None = None
    unmet_cooling_h: int | None = None
    water_m3: float | None = None


def declared_exclusions(candidate: Candidate, limits: Constraints) -> Iterator[Exclusion]:
    """What the candidates file alone decides: policy, power, standards, surroundings."""
    name = candidate.name
    if not candidate.policy.allowed:
        note = f": {candidate.policy.note}" if candidate.policy.note else ""
        yield Exclusion(name, "policy.allowed", f"such a hall may not be built there{note}")
    available_w = candidate.power_available_w
    if available_w is not None and limits.min_power_w is not None and available_w < limits.min_power_w:
        what = f"{with_unit(available_w, 'W')} are at hand, but {with_unit(limits.min_power_w, 'W')} are asked for"
        yield Exclusion(name, "min_power_w", what)
    yield from _by_standard(candidate, limits)
    yield from _by_surroundings(candidate, limits)


def _by_standard(candidate: Candidate, limits: Constraints) -> Iterator[Exclusion]:
    for finding in broken_rules(candidate, limits):
        yield Exclusion(candidate.name, f"GB 50174-2017, {finding.rule.clause}", finding.what)


def broken_rules(candidate: Candidate, limits: Constraints) -> list[Finding]:
    """Rules of GB 50174 that exclude the site: those that bind, and advice where the constraints say so."""
    if limits.class_gb50174 is None:
        return []
    found = findings(candidate.site.surroundings, limits.class_gb50174)
    return [f for f in found if f.verdict == "broken" and (f.force == "shall" or limits.advice_binds)]


def siting_advice(candidate: Candidate, limits: Constraints) -> Iterator[str]:
    """Sentences about advice that a site does not follow, and rules that could not be judged."""
    if limits.class_gb50174 is None:
        return
    found = list(findings(candidate.site.surroundings, limits.class_gb50174))
    for finding in found:
        if finding.verdict == "broken" and finding.force == "should" and not limits.advice_binds:
            yield f"{candidate.name}: {finding.what} ({finding.rule.clause}); advice, so it does not exclude"
    if unknown := [f.rule.name for f in found if f.verdict == "unknown"]:
        yield f"{candidate.name}: {len(unknown)} of {len(found)} siting rules were not judged, for the site does not say"


def _by_surroundings(candidate: Candidate, limits: Constraints) -> Iterator[Exclusion]:
    near = candidate.site.surroundings
    by_standard = {finding.rule.field for finding in broken_rules(candidate, limits)}
    if near is None:
        return
    if limits.not_flood_prone and near.flood_prone and "flood_prone" not in by_standard:
        yield Exclusion(candidate.name, "not_flood_prone", "the site lies where it may flood")
    if limits.not_on_fault and near.on_seismic_fault and "on_seismic_fault" not in by_standard:
        yield Exclusion(candidate.name, "not_on_fault", "the site lies on a seismic fault or a slope that may slide")
    wanted, there = limits.min_access_roads, near.access_roads
    if wanted is not None and there is not None and there < wanted and "access_roads" not in by_standard:
        yield Exclusion(candidate.name, "min_access_roads", f"{there} roads lead there, but {wanted} are asked for")


def computed_exclusions(
    candidate: Candidate, limits: Constraints, seen: Seen, price_limit: float | None
) -> Iterator[Exclusion]:
    """What the hall's year at the site decides. price_limit: max_energy_price_per_kwh in the hall's currency."""
    name, available_w = candidate.name, candidate.power_available_w
    if available_w is not None and seen.peak_w is not None and available_w < seen.peak_w:
        what = f"the hall draws {with_unit(seen.peak_w, 'W')} at full load, but {with_unit(available_w, 'W')} are at hand"
        yield Exclusion(name, "power_available_w", what)
    water = candidate.site.water
    limit_m3 = water.limit_m3_per_year if water else None
    for rule, figure, limit, unit in (
        ("max_rtt_s", seen.rtt_s, limits.max_rtt_s, "s to the users"),
        ("max_cue_kgco2e_per_kwh", seen.cue_kgco2e_per_kwh, limits.max_cue_kgco2e_per_kwh, "kgCO2e per kWh of IT"),
        ("max_pue", seen.pue, limits.max_pue, "PUE"),
        ("max_wue_l_per_kwh", seen.wue_l_per_kwh, limits.max_wue_l_per_kwh, "L of water per kWh of IT"),
        ("max_energy_price_per_kwh", seen.energy_price_per_kwh, price_limit, "a kWh on average"),
        ("max_hazard", seen.hazard, limits.max_hazard, "natural hazards"),
        ("max_unmet_cooling_h", seen.unmet_cooling_h, limits.max_unmet_cooling_h, "hours in which cooling is too small"),
        ("water.limit_m3_per_year", seen.water_m3, limit_m3, "m3 of water a year"),
    ):
        if figure is not None and limit is not None and figure > limit:
            seen_text, limit_text = (
                with_unit(value, "s") if unit.startswith("s ") else significant(value) for value in (figure, limit)
            )
            yield Exclusion(name, rule, f"{seen_text} {unit.removeprefix('s ')}, but at most {limit_text} is allowed")
