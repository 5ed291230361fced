"""Weights of the criteria: equal, by entropy, and thousands of draws around them."""

import numpy as np

from datahall.foundation.dice import stream_seed
from datahall.planner.site.methods import Array, gaps

LEAST_SHARE = 1e-9
"""Stands in for the worst site's 0, whose logarithm does not exist; its term is below 1e-7."""


def equal_weights(count: int) -> Array:
    """The same for all, (C,)."""
    return np.full(count, 1 / count)


def entropy_weights(table: Array, better: Array) -> Array:
    """More for a criterion in which the sites differ more, (C,); equal when they differ in none.

    A criterion with figures of 0 or below, such as prices, is first brought to 0..1 between worst and best site.
    Source: Shannon's entropy as in Hwang and Yoon, 1981, chapter 3.
    """
    positive = table.min(axis=0) > 0
    shares = np.where(positive, table, 1 - gaps(table, better) + LEAST_SHARE)
    shares = shares / shares.sum(axis=0)
    diversity = 1 + (shares * np.log(shares)).sum(axis=0) / np.log(max(len(table), 2))
    diversity = np.where(np.ptp(table, axis=0) > 0, diversity, 0.0)
    total = float(diversity.sum())
    return diversity / total if total > 0 else equal_weights(table.shape[1])


def draws_around(weights: Array, *, concentration: float, draws: int, seed: int) -> Array:
    """Weight vectors from a Dirichlet whose mean is `weights`, (draws, C); a weight of 0 stays 0.

    A weight w varies with a standard deviation of sqrt(w (1 - w) / (concentration + 1)).
    """
    drawn = np.zeros((draws, len(weights)))
    some = weights > 0
    dice = np.random.default_rng(stream_seed(seed, "site weights around the user's"))
    drawn[:, some] = dice.dirichlet(concentration * weights[some], size=draws)
    return drawn


def draws_anywhere(count: int, *, draws: int, seed: int) -> Array:
    """Weight vectors, each as likely as any other, (draws, C)."""
    dice = np.random.default_rng(stream_seed(seed, "site weights anywhere"))
    return dice.dirichlet(np.ones(count), size=draws)
