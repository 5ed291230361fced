"""Three ways to rank sites, each for many weight vectors or many tables at once; a larger score is better in all of them.

Shapes: A sites, C criteria, and before them any number of leading axes that broadcast.
table (..., A, C): figures of the sites. weights (..., C): each row sums to 1. better (C,): 1 where more is better, -1 else.
A criterion in which all sites are equal decides nothing, in any method.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Method = Literal["topsis", "promethee", "vikor"]

INDIFFERENCE_RATIO = 0.05
"""PROMETHEE II: a lead within this share of the range between best and worst site counts nothing. A choice of ours."""
PREFERENCE_RATIO = 0.5
"""PROMETHEE II: a lead beyond this share of the range counts in full. A choice of ours."""
GROUP_RATIO = 0.5
"""VIKOR's v: the share of the whole against the worst regret; 0.5 is consensus (Opricovic and Tzeng 2004)."""


def gaps(table: Array, better: Array) -> Array:
    """How far each site is behind the best of its criterion, (..., A, C): 0 the best, 1 the worst; 0 where all are equal."""
    signed = table * better
    best, worst = signed.max(axis=-2, keepdims=True), signed.min(axis=-2, keepdims=True)
    span = best - worst
    behind: Array = np.divide(best - signed, span, out=np.zeros_like(signed), where=span > 0)
    return behind


def topsis(table: Array, weights: Array, better: Array, *, unit: Literal["range", "vector"] = "range") -> Array:
    """Nearness to the ideal site over nearness to the ideal and distance from the worst, (..., A), 0..1.

    unit: `range` brings each criterion to 0..1 between worst and best site, so that a weight says what that whole step is
    worth; `vector` divides by the column's length, as in the first paper.
    Source: Hwang and Yoon, Multiple Attribute Decision Making, Springer, 1981, chapter 3.
    """
    columns = 1 - gaps(table, better) if unit == "range" else better * table / _lengths(table)
    best, worst = columns.max(axis=-2, keepdims=True), columns.min(axis=-2, keepdims=True)
    from_best = np.sqrt(_weighted((columns - best) ** 2, weights**2))
    from_worst = np.sqrt(_weighted((columns - worst) ** 2, weights**2))
    whole = from_best + from_worst
    near: Array = np.divide(from_worst, whole, out=np.full_like(whole, 0.5), where=whole > 0)
    return near


def promethee(
    table: Array,
    weights: Array,
    better: Array,
    *,
    indifference_ratio: float = INDIFFERENCE_RATIO,
    preference_ratio: float = PREFERENCE_RATIO,
) -> Array:
    """Net flow of each site, (..., A), -1..1: how far it is preferred to the others, less how far they are to it.

    Linear preference with indifference (type V), thresholds as shares of the range; both 0: any lead counts in full (type I).
    Source: Brans and Vincke, Management Science 31(6), 1985, doi:10.1287/mnsc.31.6.647.
    """
    return _weighted(flows(table, better, indifference_ratio=indifference_ratio, preference_ratio=preference_ratio), weights)


def flows(
    table: Array,
    better: Array,
    *,
    indifference_ratio: float = INDIFFERENCE_RATIO,
    preference_ratio: float = PREFERENCE_RATIO,
) -> Array:
    """Net flow of each site in each criterion by itself, (..., A, C); `promethee` is their weighted sum."""
    behind = gaps(table, better)
    lead = behind[..., None, :, :] - behind[..., :, None, :]  # of site a over site b: how much further b is behind
    if preference_ratio > indifference_ratio:
        preferred = np.clip((lead - indifference_ratio) / (preference_ratio - indifference_ratio), 0.0, 1.0)
    else:
        preferred = (lead > indifference_ratio).astype(np.float64)
    others = max(table.shape[-2] - 1, 1)
    flow: Array = (preferred.sum(axis=-2) - preferred.sum(axis=-3)) / others
    return flow


def vikor(table: Array, weights: Array, better: Array, *, group_ratio: float = GROUP_RATIO) -> Array:
    """1 - Q of each site, (..., A), 0..1: closeness to the ideal by the whole and by the worst single regret.

    Source: Opricovic and Tzeng, European Journal of Operational Research 156(2), 2004, doi:10.1016/S0377-2217(03)00020-1.
    """
    whole, regret = regrets(table, weights, better)
    return 1 - group_ratio * _spread(whole) - (1 - group_ratio) * _spread(regret)


def regrets(table: Array, weights: Array, better: Array) -> tuple[Array, Array]:
    """VIKOR's S and R, each (..., A): the weighted sum of gaps, and the largest of them."""
    behind = gaps(table, better)
    return _weighted(behind, weights), (weights[..., None, :] * behind).max(axis=-1)


def ranks(scores: Array) -> npt.NDArray[np.int64]:
    """Places by score, 1 the first, (..., A); sites with equal scores share the better place."""
    # 1e-12 is far below what any figure can tell and far above rounding: the order of the sites must not decide.
    ahead = scores[..., None, :] > scores[..., :, None] + 1e-12
    places: npt.NDArray[np.int64] = 1 + ahead.sum(axis=-1)
    return places


METHODS: Mapping[Method, Callable[[Array, Array, Array], Array]] = {"topsis": topsis, "promethee": promethee, "vikor": vikor}


def _weighted(columns: Array, weights: Array) -> Array:
    """Sum over criteria, (..., A)."""
    total: Array = np.matmul(columns, weights[..., :, None])[..., 0] if columns.ndim > 2 else weights @ columns.T
    return total


def _lengths(table: Array) -> Array:
    length = np.sqrt((table**2).sum(axis=-2, keepdims=True))
    return np.where(length > 0, length, 1.0)


def _spread(values: Array) -> Array:
    """0 the smallest, 1 the largest, (..., A); all 0 where all are equal."""
    low, high = values.min(axis=-1, keepdims=True), values.max(axis=-1, keepdims=True)
    spread: Array = np.divide(values - low, high - low, out=np.zeros_like(values), where=high > low)
    return spread
