"""Confidence intervals by resampling the test rows (Efron, 1979, percentile form), without a loop over resamples.

A resample only matters through how often each cell of the confusion matrix is drawn, and those counts are one
multinomial draw: exact, and thousands of times less work than drawing the rows one by one.
Shapes: S resamples, N rows, K classes, C cells of the confusion matrix that are not empty.
"""

from collections.abc import Iterator

import numpy as np

from datahall.models.evaluate.scores import Array, Counts, Integers, headline

CHUNK_NUMBERS = 4_000_000
"""Draws kept in memory at a time: 32 MB."""

Interval = tuple[float, float]


def score_intervals(
    confusion_KK: Integers, *, samples: int, confidence_ratio: float, generator: np.random.Generator
) -> dict[str, Interval]:
    """The interval of each of `scores.headline` that is defined in at least one resample."""
    chunks = [headline(counts) for counts in _resampled(confusion_KK, samples, generator)]
    drawn = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    defined = {name: values_S[~np.isnan(values_S)] for name, values_S in drawn.items()}
    return {name: _interval(values_S, confidence_ratio) for name, values_S in defined.items() if len(values_S)}


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
