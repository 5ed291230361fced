"""Scores of a classifier from its counts: hits, true rows and predicted rows of each class.

Shapes: N rows, K classes, S resamples (or nothing): all functions work on the last axis, so one table or a thousand
resampled ones cost one call. A score that divides by nothing is NaN here and null in JSON, never a silent 0 or 1.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Numbers = NDArray[np.floating] | Integers


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each class was hit, was there, and was predicted; each (S)K."""

    hit: Array
    true: Array
    predicted: Array


def confusion_matrix(y_N: Integers, predicted_N: Integers, *, classes: int) -> Integers:
    """How often class i (row) was taken for class j (column), KK."""
    cells: Integers = np.bincount(y_N * classes + predicted_N, minlength=classes * classes)
    return cells.reshape(classes, classes)


def counts_of(confusion_KK: Integers) -> Counts:
    """The counts that a confusion matrix holds."""
    table = confusion_KK.astype(np.float64)
    return Counts(np.diagonal(table), table.sum(axis=1), table.sum(axis=0))


def accuracy(counts: Counts) -> Array:
    """Share of all rows that are right, (S)."""
    return divided(counts.hit.sum(axis=-1), counts.true.sum(axis=-1))


def precision(counts: Counts) -> Array:
    """Of the rows taken for a class, the share that is of it, (S)K; NaN for a class that was never predicted."""
    return divided(counts.hit, counts.predicted)


def recall(counts: Counts) -> Array:
    """Of a class's rows, the share that was found, (S)K; NaN for a class without rows."""
    return divided(counts.hit, counts.true)


def f1(counts: Counts) -> Array:
    """Harmonic mean of precision and recall, 2 hits / (true + predicted), (S)K; NaN when both are nothing."""
    return divided(2 * counts.hit, counts.true + counts.predicted)


def macro(score_SK: Array) -> Array:
    """Mean over the classes for which the score is defined: each class counts alike, (S)."""
    return weighted(score_SK, np.ones_like(score_SK))


def weighted(score_SK: Array, rows_SK: Array) -> Array:
    """Mean weighted by the classes' rows, over the classes for which the score is defined, (S)."""
    weights = np.where(np.isnan(score_SK), 0.0, rows_SK)
    return divided((np.nan_to_num(score_SK) * weights).sum(axis=-1), weights.sum(axis=-1))


def headline(counts: Counts) -> dict[str, Array]:
    """Each score that comes as one number for the whole table, (S)."""
    result = {"accuracy": accuracy(counts)}
    for name, score in (("precision", precision), ("recall", recall), ("f1", f1)):
        values_SK = score(counts)
        result[f"{name}_macro"] = macro(values_SK)
        result[f"{name}_weighted"] = weighted(values_SK, counts.true)
    return result


def divided(above: Numbers, below: Numbers) -> Array:
    """above / below, NaN where `below` is zero."""
    result: Array = np.divide(above, below, out=np.full(np.shape(above), math.nan), where=np.asarray(below) > 0)
    return result


def or_null(value: Any) -> float | None:
    """A number for JSON: NaN becomes None."""
    number = float(value)
    return None if math.isnan(number) else number
