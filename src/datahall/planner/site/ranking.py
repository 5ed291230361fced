"""A table of sites, ranked: places by every method, how they stand over weight draws, and what would change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from datahall.planner.site.change import ValueChange, WeightChange, best_bound, value_change, weight_change
from datahall.planner.site.methods import Array, Method, gaps, ranks, regrets, vikor
from datahall.planner.site.stability import Firmness, firmness, places_over
from datahall.planner.site.weights import draws_anywhere, draws_around


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A sites, best first by `method`, and C criteria."""

    table: Array
    """(A, C)"""
    weights: Array
    """(C,)"""
    better: Array
    """(C,): 1 where more is better, -1 where less is."""
    method: Method


@dataclass(frozen=True, slots=True, eq=False)
class Standings:
    """What is said of each site, in the order of the table."""

    ranks: Mapping[Method, npt.NDArray[np.int64]]
    shares: Array
    """(A, C): of each weight, what the site earns."""
    around: Mapping[Method, tuple[Firmness, ...]]
    anywhere: Mapping[Method, tuple[Firmness, ...]]


def standings(
    compared: Comparison, scores: Mapping[Method, Array], *, draws: int, concentration: float, seed: int
) -> Standings:
    """Places by the scores, and over draws around the weights and anywhere."""
    around = draws_around(compared.weights, concentration=concentration, draws=draws, seed=seed)
    anywhere = draws_anywhere(len(compared.weights), draws=draws, seed=seed)
    return Standings(
        {name: ranks(values) for name, values in scores.items()},
        compared.weights * (1 - gaps(compared.table, compared.better)),
        _firm(compared, around),
        _firm(compared, anywhere),
    )


def _firm(compared: Comparison, draws: Array) -> Mapping[Method, tuple[Firmness, ...]]:
    return {name: firmness(places) for name, places in places_over(compared.table, compared.better, draws).items()}


def weight_changes(compared: Comparison) -> tuple[WeightChange, ...]:
    """One for each criterion."""
    table, weights, better = compared.table, compared.weights, compared.better
    return tuple(weight_change(table, weights, better, k, method=compared.method) for k in range(len(weights)))


def value_changes(compared: Comparison, floors: Sequence[float | None]) -> tuple[ValueChange, ...]:
    """One for each criterion: of the second site, to come before the first. floors: below which no figure can be."""
    table, better = compared.table, compared.better
    return tuple(
        value_change(
            table,
            compared.weights,
            better,
            k,
            pair=(0, 1),
            bound=best_bound(table, better, k, floor=floor),
            method=compared.method,
        )
        for k, floor in enumerate(floors)
    )


def compromise(compared: Comparison) -> list[int]:
    """VIKOR's compromise set, best first: its leader alone when it leads by 1/(A-1) and is first by the whole or by regret.

    Source: Opricovic and Tzeng 2004, doi:10.1016/S0377-2217(03)00020-1, conditions C1 and C2.
    """
    view = compared.table, compared.weights, compared.better
    closeness, (whole, regret) = vikor(*view), regrets(*view)
    order = np.argsort(-closeness, kind="stable")
    near = [int(i) for i in order if closeness[order[0]] - closeness[i] < 1 / (len(order) - 1)]
    if len(near) > 1:
        return near
    steady = order[0] in (int(whole.argmin()), int(regret.argmin()))
    return near if steady else [int(i) for i in order[:2]]
