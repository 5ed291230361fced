"""The mistakes worth looking at: those of which the model was most sure. Shapes: N rows, K classes, M mistakes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.evaluate.scores import Integers


def worst_mistakes(y_N: Integers, probabilities_NK: NDArray[np.floating], *, most: int) -> Integers:
    """Row numbers of wrong answers, the surest first, M; equally sure ones stay in the order of the rows."""
    predicted_N = probabilities_NK.argmax(axis=1)
    wrong_M = np.flatnonzero(predicted_N != y_N)
    sure_M = probabilities_NK[wrong_M, predicted_N[wrong_M]]
    return wrong_M[np.argsort(-sure_M, kind="stable")][:most]


def described(
    rows_M: Integers,
    y_N: Integers,
    probabilities_NK: NDArray[np.floating],
    *,
    labels: Sequence[str],
    source_rows_N: Integers,
) -> list[dict[str, Any]]:
    """Each mistake for JSON: where the row stood in its source, what it is, what it was taken for, and how surely."""
    predicted_N = probabilities_NK.argmax(axis=1)
    return [
        {
            "row": int(source_rows_N[row]),
            "label": labels[y_N[row]],
            "predicted": labels[predicted_N[row]],
            "confidence": float(probabilities_NK[row, predicted_N[row]]),
            "true_probability": float(probabilities_NK[row, y_N[row]]),
        }
        for row in rows_M
    ]
