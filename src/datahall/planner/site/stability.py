"""How firmly the places stand: over weight draws, and between methods."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from datahall.planner.site.methods import METHODS, Array, Method, ranks

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Firmness:
    """Where one site came in over many weight draws."""

    first_ratio: float
    """Share of the draws in which it came first."""
    top_three_ratio: float
    mean_rank: float
    low_rank: int
    """Best end of the interval that holds 90 % of the draws."""
    high_rank: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two methods order the sites; 1 the same order, 0 no relation, -1 the reverse."""

    methods: tuple[Method, Method]
    kendall: float
    spearman: float

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "methods": list(self.methods)}


def places_over(table: Array, better: Array, draws: Array) -> dict[Method, Places]:
    """Places by method of each site under each weight draw, each (D, A)."""
    return {name: ranks(method(table, draws, better)) for name, method in METHODS.items()}


def firmness(places: Places) -> tuple[Firmness, ...]:
    """For each site, from its places in the draws (D, A)."""
    low, high = np.quantile(places, [0.05, 0.95], axis=0, method="nearest")
    return tuple(
        Firmness(
            first_ratio=float((column == 1).mean()),
            top_three_ratio=float((column <= 3).mean()),
            mean_rank=float(column.mean()),
            low_rank=int(low[i]),
            high_rank=int(high[i]),
        )
        for i, column in enumerate(places.T)
    )


def agreements(scores: Mapping[Method, Array]) -> tuple[Agreement, ...]:
    """For each pair of methods, from the scores of the sites by method, each (A,)."""
    return tuple(
        Agreement((one, other), kendall=kendall_tau_b(a, b), spearman=_correlation(_mean_places(a), _mean_places(b)))
        for (one, a), (other, b) in combinations(scores.items(), 2)
    )


def kendall_tau_b(a: Array, b: Array) -> float:
    """Pairs in the same order less pairs in reverse, over all pairs, with ties taken into account; 0 where all are tied.

    Source: Kendall, Biometrika 33(3), 1945, doi:10.1093/biomet/33.3.239.
    """
    upper = np.triu_indices(len(a), k=1)
    in_a, in_b = (np.sign(values[:, None] - values[None, :])[upper] for values in (a, b))
    untied = float(np.sqrt((in_a**2).sum() * (in_b**2).sum()))
    return float((in_a * in_b).sum()) / untied if untied > 0 else 0.0


def _mean_places(scores: Array) -> Array:
    """Places with ties in the middle, as Spearman's coefficient wants them."""
    ahead = (scores[None, :] > scores[:, None]).sum(axis=1)
    level = (scores[None, :] == scores[:, None]).sum(axis=1)
    places: Array = ahead + (level + 1) / 2
    return places


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / spread if spread > 0 else 0.0
