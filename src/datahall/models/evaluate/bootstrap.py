"""Confidence intervals: Wilson's for a share of rows, and for all else by resampling the test rows (Efron, 1979, percentile
form), without a loop over resamples.

A resample of rows that are all right is all right: the bootstrap of a share of 1 is [1, 1], as if no row could ever be
answered wrongly. Wilson's interval (1927) has no such blind end, so accuracy, which is a share, has it. For the averages
over classes there is no such formula; without a mistake among the rows they have no interval rather than a wrong one.
A resample only matters through how often each cell of the confusion matrix is drawn, and those counts are one
multinomial draw: exact, and thousands of times less work than drawing the rows one by one.
Shapes: S resamples, N rows, K classes, C cells of the confusion matrix that are not empty.
"""

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from datahall.models.evaluate.scores import Array, Counts, Integers, headline

CHUNK_NUMBERS = 4_000_000
"""Draws kept in memory at a time: 32 MB."""

Interval = tuple[float, float]


def score_intervals(
    confusion_KK: Integers, *, samples: int, confidence_ratio: float, generator: np.random.Generator
) -> dict[str, Interval]:
    """The interval of each of `scores.headline` that is defined in at least one resample; of accuracy alone without a mistake.

    Accuracy's is `wilson_interval`, and so is that of weighted recall, which is the same number.
    """
    right, rows = int(np.trace(confusion_KK)), int(confusion_KK.sum())
    share = wilson_interval(right, rows, confidence_ratio=confidence_ratio)
    shares = {"accuracy": share, "recall_weighted": share}
    if right == rows:
        return shares
    chunks = [headline(counts) for counts in _resampled(confusion_KK, samples, generator)]
    drawn = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    defined = {name: values_S[~np.isnan(values_S)] for name, values_S in drawn.items()}
    found = {name: _interval(values_S, confidence_ratio) for name, values_S in defined.items() if len(values_S)}
    return found | shares


def wilson_interval(hits: int, rows: int, *, confidence_ratio: float) -> Interval:
    """The interval of the share hits / rows. Raises ValueError without rows.

    Source: Wilson, J. Am. Stat. Assoc. 22(158), 1927, doi:10.1080/01621459.1927.10502953; the form without continuity
    correction, as Brown, Cai and DasGupta recommend it, Statist. Sci. 16(2), 2001, doi:10.1214/ss/1009213286, equation 4.
    """
    if rows < 1:
        raise ValueError(f"wilson_interval: rows={rows}, but a share needs at least 1")
    z2 = NormalDist().inv_cdf((1 + confidence_ratio) / 2) ** 2
    share = hits / rows
    centre = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = math.sqrt(z2 * (share * (1 - share) / rows + z2 / (4 * rows**2))) / (1 + z2 / rows)
    # The ends are exact where rounding would put them a hair off.
    return (0.0 if hits == 0 else max(0.0, centre - half), 1.0 if hits == rows else min(1.0, centre + half))


def mean_interval(values_N: Array, *, samples: int, confidence_ratio: float, generator: np.random.Generator) -> Interval:
    """The interval of the mean of one number a row, such as its loss."""
    means = [
        values_N[generator.integers(0, len(values_N), (size, len(values_N)))].mean(axis=1)
        for size in _chunk_sizes(samples, len(values_N))
    ]
    return _interval(np.concatenate(means), confidence_ratio)


def _resampled(confusion_KK: Integers, samples: int, generator: np.random.Generator) -> Iterator[Counts]:
    true_C, predicted_C = np.nonzero(confusion_KK)
    cells_C = confusion_KK[true_C, predicted_C]
    shares_C = cells_C / cells_C.sum()
    hit_C = true_C == predicted_C
    for size in _chunk_sizes(samples, max(len(cells_C), len(confusion_KK))):
        draws_SC = generator.multinomial(int(cells_C.sum()), shares_C, size=size).astype(np.float64)
        classes = len(confusion_KK)
        yield Counts(
            _summed(draws_SC * hit_C, true_C, classes),
            _summed(draws_SC, true_C, classes),
            _summed(draws_SC, predicted_C, classes),
        )


def _summed(draws_SC: Array, class_C: Integers, classes: int) -> Array:
    """Draws added up by class, SK; a class without cells stays 0."""
    order = np.argsort(class_C, kind="stable")
    found, starts = np.unique(class_C[order], return_index=True)
    result = np.zeros((len(draws_SC), classes))
    result[:, found] = np.add.reduceat(draws_SC[:, order], starts, axis=1)
    return result


def _chunk_sizes(samples: int, width: int) -> Iterator[int]:
    size = max(1, CHUNK_NUMBERS // width)
    full, rest = divmod(samples, size)
    yield from [size] * full + [rest] * (rest > 0)


def _interval(values_S: Array, confidence_ratio: float) -> Interval:
    tail = (1 - confidence_ratio) / 2
    low, high = np.quantile(values_S, [tail, 1 - tail])
    return float(low), float(high)
