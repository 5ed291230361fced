"""The answer in sentences: who wins and why, how firmly, and what would change it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from datahall.planner.site.change import ValueChange
from datahall.planner.site.measures import figure_text
from datahall.planner.site.methods import METHODS, Method
from datahall.planner.site.result import RankedSite, SiteChoice, WeightedCriterion
from datahall.planner.site.site_year import SiteYear
from datahall.planner.site.spec import Candidates

METHOD_WORDS: dict[Method, str] = {"topsis": "TOPSIS", "promethee": "PROMETHEE II", "vikor": "VIKOR"}
SHOWN = 3
"""Reasons that a sentence names; the table has the rest."""


def answer(choice: SiteChoice) -> SiteChoice:
    """The choice with its sentences."""
    parts = (_who, _why, _how_firmly, _compromise, _what_would_change) if choice.sites else (_nobody,)
    return replace(choice, answer=(*(line for part in parts for line in part(choice)), *_who_is_out(choice)))


def _nobody(choice: SiteChoice) -> Iterator[str]:
    if choice.verdict is not None:
        yield f"Nothing can be ranked: {choice.verdict.what}."


def _who(choice: SiteChoice) -> Iterator[str]:
    winner = choice.sites[0]
    method = METHOD_WORDS[choice.method]
    first = f"{_named(winner)} comes first of {len(choice.sites)} sites by {method} ({winner.scores[choice.method]:.3f})"
    others = {name: next(site for site in choice.sites if site.ranks[name] == 1) for name in METHODS if name != choice.method}
    agreed = [METHOD_WORDS[name] for name, site in others.items() if site is winner]
    other = [f"{METHOD_WORDS[name]} would choose {site.name}" for name, site in others.items() if site is not winner]
    yield first + (f", and by {' and '.join(agreed)}" if agreed else "") + (f"; {' and '.join(other)}" if other else "") + "."


def _why(choice: SiteChoice) -> Iterator[str]:
    winner, second = choice.sites[:2]
    leads = [(winner.shares[c.measure] - second.shares[c.measure], c) for c in choice.criteria]
    ahead = sorted((lead for lead in leads if lead[0] > 0.0005), key=lambda lead: -lead[0])[:SHOWN]
    behind = sorted((lead for lead in leads if lead[0] < -0.0005), key=lambda lead: lead[0])[:SHOWN]
    parts = [", ".join(_lead(lead, c, (winner, second)) for lead, c in group) for group in (ahead, behind)]
    text = f"Against {second.name}, the runner-up, it earns {parts[0]}" if parts[0] else f"{second.name} is the runner-up"
    yield (
        text
        + (f"; it gives away {parts[1]}" if parts[1] else "")
        + ". (Of a criterion's weight its best site earns all, its worst nothing.)"
    )


def _lead(lead: float, criterion: WeightedCriterion, pair: tuple[RankedSite, RankedSite]) -> str:
    mine, theirs = (figure_text(site.figures[criterion.measure], criterion.unit) for site in pair)
    return f"{abs(lead):.3f} by {criterion.words} ({mine} against {theirs})"


def _how_firmly(choice: SiteChoice) -> Iterator[str]:
    winner, draws = choice.sites[0], f"{choice.draws:,}"
    around, anywhere = (firm[choice.method] for firm in (winner.around, winner.anywhere))
    yield (
        f"It stays first in {around.first_ratio:.0%} of {draws} weight draws around the given weights (Dirichlet, "
        f"concentration {choice.concentration:g}: a weight of 0.20 varies by {_spread(0.2, choice.concentration):.3f}), and is "
        f"among the first three in {around.top_three_ratio:.0%}; with any weights at all it is first in "
        f"{anywhere.first_ratio:.0%}."
    )
    rivals = sorted(choice.sites[1:], key=lambda site: -site.around[choice.method].first_ratio)
    if named := [
        f"{s.name} {s.around[choice.method].first_ratio:.0%}" for s in rivals[:SHOWN] if s.around[choice.method].first_ratio
    ]:
        yield f"Who else comes first in those draws: {', '.join(named)}."
    pairs = [f"{_pair(a.methods)} {a.kendall:.2f}" for a in choice.agreement]
    yield f"The methods order the sites alike to Kendall's tau: {', '.join(pairs)} (1: the same order, 0: no relation)."


def _pair(methods: tuple[Method, Method]) -> str:
    return " and ".join(METHOD_WORDS[name] for name in methods)


def _spread(weight: float, concentration: float) -> float:
    return float((weight * (1 - weight) / (concentration + 1)) ** 0.5)


def _compromise(choice: SiteChoice) -> Iterator[str]:
    if len(choice.compromise) > 1:
        names = ", ".join(choice.compromise[:6]) + (" and more" if len(choice.compromise) > 6 else "")
        yield f"By VIKOR's own conditions the lead is too small to single one out: {names} are as good."


def _what_would_change(choice: SiteChoice) -> Iterator[str]:
    """The nearest changes of weights, then of the runner-up's figures."""
    moved = [change for change in choice.weight_changes if change.needed is not None]
    near = sorted(moved, key=lambda change: abs((change.needed or 0) - change.now))[:SHOWN]
    parts = [
        f"{choice.sites[c.winner or 0].name} if {choice.criteria[c.criterion].words} weighed {c.needed or 0:.3f} "
        f"instead of {c.now:.3f}"
        for c in near
    ]
    yield (
        f"Another site would come first: {'; '.join(parts)}."
        if parts
        else "No change of a single weight, others in proportion, would put another site first."
    )
    second = choice.sites[1].name
    reached = sorted((c for c in choice.value_changes if c.needed is not None), key=lambda c: _step(choice, c))
    figures = [_figures(choice.criteria[c.criterion], c.needed or 0, c.now) for c in reached][:SHOWN]
    yield (
        f"{second} would come before it with {', or '.join(figures)}."
        if figures
        else f"No better figure in a single criterion would bring {second} before it."
    )


def _step(choice: SiteChoice, change: ValueChange) -> float:
    """How far the figure has to go, in ranges between the best and the worst site."""
    measure = choice.criteria[change.criterion].measure
    figures = [site.figures[measure] for site in choice.sites]
    return abs((change.needed or 0) - change.now) / ((max(figures) - min(figures)) or 1)


def _figures(criterion: WeightedCriterion, needed: float, now: float) -> str:
    return f"{criterion.words} {figure_text(needed, criterion.unit)} instead of {figure_text(now, criterion.unit)}"


def _who_is_out(choice: SiteChoice) -> Iterator[str]:
    names = dict.fromkeys(exclusion.candidate for exclusion in choice.excluded)
    for name in names:
        rules = [f"{e.what} ({e.rule})" for e in choice.excluded if e.candidate == name]
        yield f"{name} is out: {'; '.join(rules)}."


def _named(site: RankedSite) -> str:
    return site.name if site.place == site.name else f"{site.name} ({site.place})"


def notes(spec: Candidates, years: Mapping[str, SiteYear], advice: Sequence[str]) -> list[str]:
    """What stands in for hours, what the cost lacks, what was not judged. years: by site."""
    return [*_basis(spec, years), *_gaps(years), *_declared(spec), *advice]


def _basis(spec: Candidates, years: Mapping[str, SiteYear]) -> Iterator[str]:
    for quantity in ("weather", "carbon", "price"):
        sites: dict[str, list[str]] = {}
        for name, year in years.items():
            sites.setdefault(year.basis.get(quantity, "not known"), []).append(name)
        parts = [f"{basis} at {'all sites' if len(who) == len(years) else ', '.join(who)}" for basis, who in sites.items()]
        yield f"{quantity}: {'; '.join(parts) or 'not asked for'}"
    if any("mean" in basis for year in years.values() for basis in year.basis.values()):
        source = f" ({spec.means.source})" if spec.means else ""
        yield (
            "means stand in where hourly files are not there: monthly means, not hours, so that heat waves, price spikes and "
            f"carbon by the hour are not in those figures{source}"
        )


def _gaps(years: Mapping[str, SiteYear]) -> Iterator[str]:
    """Lines that the cost lacks: harmless while all sites lack the same, and a warning where they do not."""
    sites: dict[tuple[str, ...], list[str]] = {}
    for name, year in years.items():
        sites.setdefault(year.gaps, []).append(name)
    for gaps, who in sites.items():
        if gaps:
            at = "the same at each site" if len(sites) == 1 else f"at {', '.join(who)}, and not the same at each site"
            yield f"cost is a lower bound: parts of {', '.join(gaps)} have no price, {at}"


def _declared(spec: Candidates) -> Iterator[str]:
    """Where scores and build costs were read, each source once."""
    sources: dict[str, list[str]] = {}
    for candidate in spec.candidates:
        if candidate.hazards is not None:
            sources.setdefault(f"hazards: {candidate.hazards.source}", []).append(candidate.name)
        if candidate.build_source is not None:
            sources.setdefault(f"build cost: {candidate.build_source}", []).append(candidate.name)
    if own := [c.name for c in spec.candidates if c.build_per_critical_w is None]:
        sources["build cost: the hall's own"] = own
    for source, who in sources.items():
        yield f"{source}, for {'all candidates' if len(who) == len(spec.candidates) else ', '.join(who)}"
    if spec.note:
        yield spec.note
