"""How far probabilities can be believed. Shapes: N rows, K classes, M bins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.models.evaluate.scores import Array, Integers, divided

SMALLEST = float(np.finfo(np.float32).eps)
"""Probabilities come out of a float32 softmax: below this, zero and almost zero are the same."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Rows grouped by how sure the model was of its answer: bin m holds confidences in (edges[m], edges[m + 1]]."""

    edges: Array
    rows: Integers
    """Rows in each of the M bins."""
    confidence: Array
    """Mean confidence; NaN in an empty bin."""
    accuracy: Array
    """Share that was right; NaN in an empty bin."""


def reliability(y_N: Integers, probabilities_NK: NDArray[np.floating], *, bins: int) -> Reliability:
    """Confidence against accuracy of the answers given, in bins of equal width."""
    confidence_N = probabilities_NK.max(axis=1).astype(np.float64)
    right_N = (probabilities_NK.argmax(axis=1) == y_N).astype(np.float64)
    edges = np.linspace(0, 1, bins + 1)
    bin_N = np.searchsorted(edges[1:-1], confidence_N)
    rows: Integers = np.bincount(bin_N, minlength=bins)
    confidence_M, right_M = (np.bincount(bin_N, weights=values, minlength=bins) for values in (confidence_N, right_N))
    return Reliability(edges, rows, divided(confidence_M, rows), divided(right_M, rows))


def expected_calibration_error(bins: Reliability) -> float:
    """Mean distance between confidence and accuracy, weighted by rows: 0 is perfectly calibrated.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015; of the top answer, as in Guo et al., arXiv:1706.04599, equation 3.
    """
    gap_M = np.nan_to_num(np.abs(bins.accuracy - bins.confidence))
    return float((gap_M * bins.rows).sum() / bins.rows.sum())


def brier_rows(y_N: Integers, probabilities_NK: NDArray[np.floating]) -> Array:
    """Σ_k (p - y)² of each row, between 0 and 2; its mean is the Brier score (Brier, 1950, in its original form)."""
    p_NK = probabilities_NK.astype(np.float64)
    true_N = np.take_along_axis(p_NK, y_N[:, None], axis=1)[:, 0]
    result: Array = (p_NK**2).sum(axis=1) - 2 * true_N + 1
    return result


def log_loss_rows(y_N: Integers, probabilities_NK: NDArray[np.floating]) -> Array:
    """-ln p of the true class of each row; its mean is the log loss, the cross-entropy of training."""
    true_N = np.take_along_axis(probabilities_NK, y_N[:, None], axis=1)[:, 0].astype(np.float64)
    result: Array = -np.log(np.clip(true_N, SMALLEST, 1 - SMALLEST))
    return result
