"""Rules between the parts of a candidates file. All run, and each fault is told once."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from datahall.foundation.errors import Problem
from datahall.foundation.money import Amount
from datahall.foundation.partial import Partial
from datahall.foundation.paths import Path
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.spec import Economy
from datahall.planner.site.spec import Candidate, Candidates

SUM_TOLERANCE = 1e-3
"""Weights written with three decimals may miss 1 by this much; they are scaled to it."""


@dataclass(frozen=True)
class File:
    """The file as far as it could be read."""

    part: Partial[Candidates]
    spec: Candidates

    def where(self, *path: str | int) -> str:
        return self.part.where(path)

    def list_length(self, name: str) -> int:
        """Entries of a list as it stands in the file, also those that could not be read."""
        data: Any = self.part.document.data
        entries = data.get(name)
        return len(entries) if isinstance(entries, list) else 0

    def names_in(self, name: str) -> frozenset[str]:
        """Keys of a mapping as it stands in the file, also those whose value could not be read."""
        data: Any = self.part.document.data
        return frozenset(data.get(name) or ())


def problems_of_file(file: File, economy: Economy | None) -> list[Problem]:
    """Every breach. economy: the hall's, for its currency and rates; None when the hall could not be read."""
    found = [*too_few(file), *no_criteria(file), *repeated_names(file), *repeated_criteria(file), *weights(file)]
    return [*found, *currencies(file, economy)] if economy else found


def too_few(file: File) -> Iterator[Problem]:
    """SITE-001: there are at least two candidates."""
    if (count := file.list_length("candidates")) < 2:
        what = "there are no candidates" if count == 0 else "there is one candidate, and nothing to compare it with"
        yield Problem("SITE-001", file.where("candidates"), what, "add candidates until there are two or more")


def no_criteria(file: File) -> Iterator[Problem]:
    """SITE-015: there is at least one criterion."""
    if file.list_length("criteria") == 0:
        fix = "name what matters, such as `- {measure: cue_kgco2e_per_kwh}`"
        yield Problem("SITE-015", file.where("criteria"), "there are no criteria to rank by", fix)


def repeated_names(file: File) -> Iterator[Problem]:
    """SITE-002: no two candidates have the same name."""
    seen = Counter[str]()
    for i, candidate in enumerate(file.spec.candidates):
        seen[candidate.name] += 1
        if seen[candidate.name] > 1:
            what = f"a candidate `{candidate.name}` stands above already"
            yield Problem("SITE-002", file.where("candidates", i, "name"), what, "rename one of them")


def repeated_criteria(file: File) -> Iterator[Problem]:
    """SITE-007: each measure is a criterion once."""
    seen = set[str]()
    for i, criterion in enumerate(file.spec.criteria):
        if criterion.measure in seen:
            what = f"{criterion.measure} is a criterion already"
            yield Problem("SITE-007", file.where("criteria", i, "measure"), what, "keep one, and give it more weight")
        seen.add(criterion.measure)


def weights(file: File) -> Iterator[Problem]:
    """SITE-003 to SITE-006: weights name the criteria, all of them, are not negative, and sum to 1."""
    given = file.spec.weights
    if isinstance(given, str) or not file.spec.criteria:
        return
    wanted = [criterion.measure for criterion in file.spec.criteria]
    unread = file.list_length("criteria") > len(wanted)
    unknown = [name for name in given if name not in wanted]
    for name in [] if unread else unknown:
        what = f"there is no criterion `{name}` to weigh"
        yield Problem("SITE-004", file.where("weights", name), what, near(name, wanted))
    written = file.names_in("weights")
    lacking = [name for name in dict.fromkeys(wanted) if name not in written]
    for name in [] if unknown else lacking:
        what = f"the criterion {name} has no weight"
        yield Problem("SITE-005", file.where("weights"), what, f"add `{name}: …`, or remove the criterion")
    negative = [name for name in given if given[name] < 0 and name in wanted]
    for name in negative:
        what = f"the weight of {name} is {given[name]:g}"
        yield Problem(
            "SITE-006", file.where("weights", name), what, "give 0 or more; `better` says which way a criterion points"
        )
    total = math.fsum(given.values())
    if not (unknown or lacking or negative or unread) and len(written) == len(given) and abs(total - 1) > SUM_TOLERANCE:
        fix = f"divide each by {total:g}" if total > 0 else "give at least one of them more than 0"
        yield Problem("SITE-003", file.where("weights"), f"the weights sum to {total:g}, not to 1", fix)


def currencies(file: File, economy: Economy) -> Iterator[Problem]:
    """SITE-014: every amount is in the hall's currency, or in one that the hall has a rate for."""
    for path, currency in _currencies(file.spec):
        if currency not in (None, economy.currency) and currency not in economy.rates:
            what = f"the amount is in {currency}, but the hall counts in {economy.currency} and has no rate for it"
            fix = f"add `{currency}: …`, the price of one {currency} in {economy.currency}, under economy.rates of the hall"
            yield Problem("SITE-014", file.where(*path), what, fix)


def _currencies(spec: Candidates) -> Iterator[tuple[Path, str | None]]:
    """Every place that names a currency."""
    if spec.means is not None:
        yield ("means", "currency"), spec.means.currency
    if spec.constraints.max_energy_price_per_kwh is not None:
        yield ("constraints", "max_energy_price_per_kwh"), spec.constraints.max_energy_price_per_kwh.currency
    for i, candidate in enumerate(spec.candidates):
        for path, value in _amounts(candidate):
            yield ("candidates", i, *path), value.currency if isinstance(value, Amount) else value


def _amounts(candidate: Candidate) -> Iterator[tuple[Path, Amount | str | None]]:
    site, given = candidate.site, candidate.incentives
    for name in ("build_per_critical_w", "land", "staff_cost_per_year"):
        yield (name,), getattr(candidate, name)
    if given is not None:
        yield ("incentives", "per_year"), given.per_year
        yield ("incentives", "per_kwh"), given.per_kwh
    if site.tariff is not None:
        yield ("site", "tariff", "currency"), site.tariff.currency
        if isinstance(site.tariff.energy_per_kwh, Amount):
            yield ("site", "tariff", "energy_per_kwh"), site.tariff.energy_per_kwh
        yield ("site", "tariff", "demand_per_kw_month"), site.tariff.demand_per_kw_month
    if site.water is not None:
        yield ("site", "water", "price_per_m3"), site.water.price_per_m3
