"""The answer: who comes first, how firmly, who was out, and what would change it."""

from dataclasses import dataclass
from typing import Any

from datahall.foundation.errors import Problem
from datahall.foundation.money import Currency
from datahall.planner.site.change import ValueChange, WeightChange
from datahall.planner.site.constraints import Exclusion
from datahall.planner.site.methods import Method
from datahall.planner.site.site_year import SiteYear
from datahall.planner.site.spec import MeasureName
from datahall.planner.site.stability import Agreement, Firmness


@dataclass(frozen=True, slots=True)
class WeightedCriterion:
    """A criterion with its weight, 0..1."""

    measure: MeasureName
    words: str
    unit: str
    better: str
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class RankedSite:
    """One site that no rule excludes."""

    name: str
    place: str
    figures: dict[MeasureName, float]
    scores: dict[Method, float]
    ranks: dict[Method, int]
    shares: dict[MeasureName, float]
    """Of each criterion's weight, what the site earns: all of it as the best site, nothing as the worst."""
    around: dict[Method, Firmness]
    """Over draws around the given weights."""
    anywhere: dict[Method, Firmness]
    """Over draws in which any weights are as likely as any other."""
    year: SiteYear

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "place": self.place,
            "ranks": self.ranks,
            "scores": self.scores,
            "figures": self.figures,
            "shares": self.shares,
            "around": {method: firm.as_dict() for method, firm in self.around.items()},
            "anywhere": {method: firm.as_dict() for method, firm in self.anywhere.items()},
            "year": {
                "it_kwh": self.year.it_kwh,
                "facility_kwh": self.year.facility_kwh,
                "peak_w": self.year.peak_w,
                "water_m3": self.year.water_m3,
                "carbon_kgco2e": self.year.carbon_kgco2e,
                "cost_per_year": self.year.cost_per_year,
                "unmet_cooling_h": self.year.unmet_cooling_h,
            },
            "basis": self.year.basis,
        }


@dataclass(frozen=True, slots=True, eq=False)
class SiteChoice:
    """The result of `datahall site`."""

    name: str
    hall: str
    currency: Currency
    method: Method
    draws: int
    concentration: float
    seed: int
    criteria: tuple[WeightedCriterion, ...] = ()
    sites: tuple[RankedSite, ...] = ()
    """Best first, by `method`."""
    excluded: tuple[Exclusion, ...] = ()
    agreement: tuple[Agreement, ...] = ()
    weight_changes: tuple[WeightChange, ...] = ()
    """One for each criterion; sites by their index in `sites`, criteria by theirs in `criteria`."""
    value_changes: tuple[ValueChange, ...] = ()
    compromise: tuple[str, ...] = ()
    """VIKOR's compromise: one site when its lead is large enough, else those that are as good."""
    answer: tuple[str, ...] = ()
    """In sentences."""
    notes: tuple[str, ...] = ()
    """What was assumed, what was not judged, what stands in for hours."""
    verdict: Problem | None = None
    """Why nothing could be ranked."""
    weights_from: str = "equal"
    source: str = ""
    """The candidates file."""

    @property
    def winner(self) -> RankedSite | None:
        return self.sites[0] if self.sites else None

    @property
    def by_means(self) -> bool:
        """Whether means stand in for hours anywhere."""
        return any("mean" in basis for site in self.sites for basis in site.year.basis.values())

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.name,
            "file": self.source,
            "hall": self.hall,
            "currency": self.currency,
            "winner": self.winner.name if self.winner else None,
            "method": self.method,
            "weights_from": self.weights_from,
            "draws": self.draws,
            "concentration": self.concentration,
            "seed": self.seed,
            "by_means": self.by_means,
            "criteria": [{"measure": c.measure, "unit": c.unit, "better": c.better, "weight": c.weight} for c in self.criteria],
            "sites": [site.as_dict() for site in self.sites],
            "excluded": [exclusion.as_dict() for exclusion in self.excluded],
            "agreement": [pair.as_dict() for pair in self.agreement],
            "what_would_change": self._changes(),
            "compromise": list(self.compromise),
            "answer": list(self.answer),
            "notes": list(self.notes),
            "problem": self.verdict.as_dict() if self.verdict else None,
        }

    def _changes(self) -> list[dict[str, Any]]:
        found = []
        for weight, value in zip(self.weight_changes, self.value_changes, strict=True):
            found.append(
                {
                    "measure": self.criteria[weight.criterion].measure,
                    "weight": weight.now,
                    "weight_needed": weight.needed,
                    "then_first": None if weight.winner is None else self.sites[weight.winner].name,
                    "runner_up_figure": value.now,
                    "runner_up_figure_needed": value.needed,
                }
            )
        return found
