"""From a candidates file to an answer: what is out, what each site's year is, who comes first, and how firmly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from datahall.foundation.errors import Problem, Refused
from datahall.planner.load import Loaded
from datahall.planner.site.constraints import Exclusion, declared_exclusions, siting_advice
from datahall.planner.site.figures import Figures, exclusions_of, figures_of
from datahall.planner.site.hall_year import BuiltHall, built_hall
from datahall.planner.site.measures import MEASURES
from datahall.planner.site.methods import METHODS, Array, Method
from datahall.planner.site.ranking import Comparison, compromise, standings, value_changes, weight_changes
from datahall.planner.site.read import Read, in_order, read_candidates
from datahall.planner.site.result import RankedSite, SiteChoice, WeightedCriterion
from datahall.planner.site.site_year import SiteYear, site_year
from datahall.planner.site.spec import Candidate
from datahall.planner.site.stability import agreements
from datahall.planner.site.weights import entropy_weights, equal_weights
from datahall.planner.site.words import answer, notes

Builder = Callable[[Loaded], BuiltHall]


@dataclass(frozen=True)
class _Case:
    """Everything that is known of the candidates before they are ranked."""

    read: Read
    years: Mapping[str, SiteYear]
    figures: Mapping[str, Figures]
    out: tuple[Exclusion, ...]

    @property
    def left(self) -> list[Candidate]:
        gone = {exclusion.candidate for exclusion in self.out}
        return [candidate for candidate in self.read.spec.candidates if candidate.name not in gone]


def rank_sites(path: Path, *, built: Builder = built_hall) -> SiteChoice:
    """Rank the sites of a candidates file.

    built: who answers for the hall's year at a place. Raises Missing, or Refused with every problem of the input. When rules
    leave fewer than two sites, there is nothing to rank: the choice's `verdict` says so, and nothing is raised.
    """
    case = _case(read_candidates(path), built)
    if len(case.left) < 2:
        return _nothing_to_rank(case)
    if problems := _lacking(case):
        raise Refused(in_order(problems))
    return _ranked(case)


def _case(read: Read, built: Builder) -> _Case:
    """Rules of the file first: a site that they exclude needs no year."""
    spec, hall = read.spec, built(read.loaded)
    early = [e for candidate in spec.candidates for e in declared_exclusions(candidate, spec.constraints)]
    gone = {exclusion.candidate for exclusion in early}
    kept = [candidate for candidate in spec.candidates if candidate.name not in gone]
    years = {c.name: site_year(c, read.sources[c.name], hall) for c in kept}
    figures = {c.name: figures_of(c, years[c.name], read) for c in kept}
    late = [e for c in kept for e in exclusions_of(c, years[c.name], figures[c.name], read)]
    return _Case(read, years, figures, (*early, *late))


def _lacking(case: _Case) -> list[Problem]:
    """SITE-008: each criterion has a figure at each site. One that no site has is told once, at the criterion."""
    read, left, figures = case.read, case.left, case.figures
    measures = [criterion.measure for criterion in read.spec.criteria]
    nowhere = [m for m in measures if all(figures[c.name][m] is None for c in left)]
    problems: list[Problem] = []
    for measure in nowhere:
        what, fix = f"no site has a figure for {measure}", f"it needs {MEASURES[measure].needs}; or drop the criterion"
        problems.append(Problem("SITE-008", read.file.where("criteria", measures.index(measure)), what, fix))
    for i, candidate in enumerate(read.spec.candidates):
        found = figures.get(candidate.name, {}) if candidate in left else {}
        lacking = [m for m in measures if m not in nowhere and m in found and found[m] is None]
        if lacking:
            what = f"`{candidate.name}` has no figure for {', '.join(lacking)}"
            fix = f"declare {'; '.join(MEASURES[m].needs for m in lacking)}"
            problems.append(Problem("SITE-008", read.file.where("candidates", i), what, fix))
    return problems


def _nothing_to_rank(case: _Case) -> SiteChoice:
    count, left = len(case.read.spec.candidates), case.left
    only = f"only `{left[0].name}` is left, so there is nothing to compare it with" if left else "none is left"
    fix = "see which rule excludes which site, and add candidates or relax `constraints`"
    verdict = Problem("SITE-009", case.read.file.where("constraints"), f"of {count} candidates {only}", fix)
    return answer(replace(_about(case), verdict=verdict))


def _about(case: _Case) -> SiteChoice:
    """The choice without its ranking."""
    spec, hall = case.read.spec, case.read.loaded.hall
    left = case.left
    advice = [line for candidate in left for line in siting_advice(candidate, spec.constraints)]
    return SiteChoice(
        name=spec.name,
        hall=hall.name,
        currency=hall.economy.currency,
        method=spec.method,
        draws=spec.draws,
        concentration=spec.concentration,
        seed=spec.seed,
        excluded=case.out,
        notes=tuple(notes(spec, {c.name: case.years[c.name] for c in left}, advice)),
        weights_from=spec.weights if isinstance(spec.weights, str) else "the candidates file",
        source=case.read.file.part.document.source,
    )


def _ranked(case: _Case) -> SiteChoice:
    compared, left = _compared(case)
    scores = {name: method(compared.table, compared.weights, compared.better) for name, method in METHODS.items()}
    floors = [MEASURES[criterion.measure].floor for criterion in case.read.spec.criteria]
    choice = replace(
        _about(case),
        criteria=tuple(_criteria(case.read, compared)),
        sites=tuple(_sites(case, compared, left, scores)),
        agreement=agreements(scores),
        weight_changes=weight_changes(compared),
        value_changes=value_changes(compared, floors),
        compromise=tuple(left[i].name for i in compromise(compared)),
    )
    return answer(choice)


def _compared(case: _Case) -> tuple[Comparison, list[Candidate]]:
    """The table with its sites in the order of the deciding method."""
    spec, left = case.read.spec, case.left
    measures = [criterion.measure for criterion in spec.criteria]
    table = np.array([[case.figures[c.name][measure] for measure in measures] for c in left], dtype=np.float64)
    words = [criterion.better or MEASURES[criterion.measure].better for criterion in spec.criteria]
    better = np.array([1.0 if word == "more" else -1.0 for word in words])
    weights = _weights(case.read, table, better)
    order = np.argsort(-METHODS[spec.method](table, weights, better), kind="stable")
    return Comparison(table[order], weights, better, spec.method), [left[i] for i in order]


def _weights(read: Read, table: Array, better: Array) -> Array:
    given = read.spec.weights
    if given == "entropy":
        return entropy_weights(table, better)
    if isinstance(given, str):
        return equal_weights(table.shape[1])
    values = np.array([given[criterion.measure] for criterion in read.spec.criteria])
    scaled: Array = values / values.sum()
    return scaled


def _criteria(read: Read, compared: Comparison) -> list[WeightedCriterion]:
    currency = read.loaded.hall.economy.currency
    return [
        WeightedCriterion(
            criterion.measure,
            MEASURES[criterion.measure].words,
            MEASURES[criterion.measure].unit.format(currency=currency),
            "more" if direction > 0 else "less",
            float(weight),
        )
        for criterion, weight, direction in zip(read.spec.criteria, compared.weights, compared.better, strict=True)
    ]


def _sites(case: _Case, compared: Comparison, left: list[Candidate], scores: Mapping[Method, Array]) -> list[RankedSite]:
    spec = case.read.spec
    found = standings(compared, scores, draws=spec.draws, concentration=spec.concentration, seed=spec.seed)
    measures = [criterion.measure for criterion in spec.criteria]
    return [
        RankedSite(
            name=candidate.name,
            place=candidate.site.place or candidate.name,
            figures={m: float(v) for m, v in case.figures[candidate.name].items() if v is not None},
            scores={m: float(s[i]) for m, s in scores.items()},
            ranks={m: int(r[i]) for m, r in found.ranks.items()},
            shares={m: float(found.shares[i, k]) for k, m in enumerate(measures)},
            around={m: f[i] for m, f in found.around.items()},
            anywhere={m: f[i] for m, f in found.anywhere.items()},
            year=case.years[candidate.name],
        )
        for i, candidate in enumerate(left)
    ]
