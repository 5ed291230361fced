"""80 % intervals from held-out errors, symmetric in their logarithm, made for one group more than gave the errors."""

from collections.abc import Mapping
from math import exp, hypot, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

Array = NDArray[np.float64]
Groups = NDArray[np.str_]
SHARE = 0.8
"""Of rows, those that an interval is to cover."""


def half_width(errors: Array, groups: Groups) -> float:
    """Of log errors, what 80 % of one more group should stay within: errors inside a group beside how far groups lie apart, and
    no less than 80 % of the worst group at hand."""
    names = np.unique(groups)
    inside = np.concatenate([np.abs(part - np.median(part)) for part in (errors[groups == name] for name in names)])
    sizes = np.concatenate([np.full(np.sum(groups == name), np.sum(groups == name)) for name in names])
    worst = max(float(np.quantile(np.abs(errors[groups == name]), SHARE)) for name in names)
    return max(worst, hypot(_weighted(inside, 1 / sizes), spread_of(errors, groups)))


def _weighted(values: Array, weights: Array) -> float:
    """The quantile of SHARE, each group counting the same."""
    order = np.argsort(values)
    place = int(np.searchsorted(np.cumsum(weights[order]) / weights.sum(), SHARE - 1e-9))
    return float(values[order][min(place, len(values) - 1)])


def spread_of(errors: Array, groups: Groups) -> float:
    """How far the median of one more group may lie from the prediction, as a half-width: Student's t over the groups' medians,
    about 0 as what is predicted stays the middle. Of two groups or more."""
    medians = np.array([np.median(errors[groups == group]) for group in np.unique(groups)])
    count = len(medians)
    return float(t.ppf((1 + SHARE) / 2, count - 1) * sqrt(np.mean(medians**2)) * sqrt(1 + 1 / count))


def left_out(errors: Array, groups: Groups) -> dict[str, tuple[float, float]]:
    """By group: the half-width from all other groups, and the share of this one's rows that it covers."""
    found = {}
    for group in np.unique(groups):
        mask = groups == group
        width = half_width(errors[~mask], groups[~mask])
        found[str(group)] = width, float(np.mean(np.abs(errors[mask]) <= width))
    return found


def ratios(width: float) -> Mapping[str, float]:
    """As lowest and highest of measured over predicted."""
    return {"low_ratio": round(exp(-width), 4), "high_ratio": round(exp(width), 4)}
