"""What would change the answer: the smallest step in a weight, or in a figure of the runner-up, that moves the first place."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from datahall.planner.site.methods import METHODS, Array, Method

Holds = npt.NDArray[np.bool_]

GRID = 400
"""Steps in which the whole span of a weight or figure is searched before the crossing is halved in; a lead that is lost and
won back within one step stays unseen."""
HALVINGS = 40


@dataclass(frozen=True, slots=True)
class WeightChange:
    """The nearest weight of one criterion, all others kept in proportion, at which another site comes first."""

    criterion: int
    now: float
    needed: float | None
    """None: at no weight from 0 to 1."""
    winner: int | None
    """Who comes first there."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ValueChange:
    """The figure of the runner-up in one criterion at which it would come before the winner, all else as it is."""

    criterion: int
    now: float
    needed: float | None
    """None: not even at the best figure that was looked at."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def weight_change(table: Array, weights: Array, better: Array, criterion: int, *, method: Method) -> WeightChange:
    """For one criterion: searched on both sides of the present weight, the nearer crossing returned."""
    now = float(weights[criterion])
    if len(weights) == 1:
        return WeightChange(criterion, now, None, None)
    first = int(np.argmax(METHODS[method](table, weights, better)))

    def unseated(values: Array) -> Holds:
        scores = METHODS[method](table, reweighted(weights, criterion, values), better)
        scores[:, first] += 1e-12  # a tie does not unseat
        moved: Holds = scores.argmax(axis=1) != first
        return moved

    found = [at for end in (0.0, 1.0) if end != now and (at := _first_true(unseated, now, end)) is not None]
    if not found:
        return WeightChange(criterion, now, None, None)
    needed = min(found, key=lambda value: abs(value - now))
    scores = METHODS[method](table, reweighted(weights, criterion, np.array([needed])), better)[0]
    scores[first] = -np.inf
    return WeightChange(criterion, now, needed, int(np.argmax(scores)))


def reweighted(weights: Array, criterion: int, values: Array) -> Array:
    """Weight vectors with one weight set to each of `values`, the others in their proportions, (len(values), C)."""
    rest = weights.copy()
    rest[criterion] = 0
    rest = rest / rest.sum() if rest.sum() > 0 else np.where(np.arange(len(rest)) == criterion, 0.0, 1 / (len(rest) - 1))
    changed: Array = rest[None, :] * (1 - values[:, None])
    changed[:, criterion] = values
    return changed


def value_change(
    table: Array, weights: Array, better: Array, criterion: int, *, pair: tuple[int, int], bound: float, method: Method
) -> ValueChange:
    """For one criterion. pair: winner and runner-up. bound: the best figure that is looked at."""
    first, second = pair
    now = float(table[second, criterion])

    def overtakes(values: Array) -> Holds:
        tables = np.repeat(table[None, :, :], len(values), axis=0)
        tables[:, second, criterion] = values
        scores = METHODS[method](tables, weights, better)
        ahead: Holds = scores[:, second] > scores[:, first] + 1e-12
        return ahead

    needed = None if bound == now or weights[criterion] == 0 else _first_true(overtakes, now, bound)
    return ValueChange(criterion, now, needed)


def best_bound(table: Array, better: Array, criterion: int, *, floor: float | None) -> float:
    """How good a figure may get: as far beyond the best site as the worst is behind it, but not below `floor`."""
    column = table[:, criterion]
    span = float(np.ptp(column)) or abs(float(column[0]))
    bound = float(column.max() + span) if better[criterion] > 0 else float(column.min() - span)
    return max(bound, floor) if floor is not None and better[criterion] < 0 else bound


def _first_true(holds: Callable[[Array], Holds], start: float, end: float) -> float | None:
    """The first place on the way from `start` to `end` where it holds, to 1e-12 of the way; None where it never does."""
    points = np.linspace(start, end, GRID + 1)[1:]
    true = np.flatnonzero(holds(points))
    if not len(true):
        return None
    low, high = (start if true[0] == 0 else float(points[true[0] - 1])), float(points[true[0]])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(np.array([middle]))[0] else (middle, high)
    return high
