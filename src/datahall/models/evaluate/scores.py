"""Scores of a classifier from its counts: hits, true rows and predicted rows of each class.

Shapes: N rows, K classes, S resamples (or nothing): all functions work on the last axis, so one table or a thousand
resampled ones cost one call. A class's score that divides by nothing is NaN here and null in JSON, never a silent 0 or 1.
In an average it counts as 0, like scikit-learn's `zero_division=0`: left out, a class that is never answered would raise it.
Only a class that is neither there nor answered stays out, because nothing was asked about it.
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


def macro(score_SK: Array, counts: Counts) -> Array:
    """Mean over the classes that are there or were answered: each counts alike, an undefined score as 0, (S)."""
    present_SK = (counts.true + counts.predicted) > 0
    return divided(np.nan_to_num(score_SK).sum(axis=-1), present_SK.sum(axis=-1))


def weighted(score_SK: Array, counts: Counts) -> Array:
    """Mean weighted by the classes' rows, an undefined score as 0, (S)."""
    return divided((np.nan_to_num(score_SK) * counts.true).sum(axis=-1), counts.true.sum(axis=-1))


def headline(counts: Counts) -> dict[str, Array]:
    """Each score that comes as one number for the whole table, (S)."""
    result = {"accuracy": accuracy(counts)}
    for name, score in (("precision", precision), ("recall", recall), ("f1", f1)):
        values_SK = score(counts)
        result[f"{name}_macro"] = macro(values_SK, counts)
        result[f"{name}_weighted"] = weighted(values_SK, counts)
    return result


def divided(above: Numbers, below: Numbers) -> Array:
    """above / below, NaN where `below` is zero."""
    result: Array = np.divide(above, below, out=np.full(np.shape(above), math.nan), where=np.asarray(below) > 0)
    return result


def or_null(value: Any) -> float | None:
    """A number for JSON: NaN becomes None."""
    number = float(value)
    return None if math.isnan(number) else number
