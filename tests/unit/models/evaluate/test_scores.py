"""Every score beside scikit-learn's on the same rows, and what happens where a score is undefined."""

import math

import numpy as np
import pytest
from sklearn import metrics as peer

from datahall.models.evaluate import scores
from datahall.models.evaluate.scores import or_null


def rows(*, classes: int, missing: int | None = None, unused: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """400 true and predicted classes, right about 7 times in 10; none truly of class `missing`, none taken for `unused`."""
    dice = np.random.default_rng(classes)
    y_N = dice.integers(0, classes, 400)
    if missing is not None:
        y_N[y_N == missing] = 0
    predicted_N = np.where(dice.random(400) < 0.7, y_N, dice.integers(0, classes, 400))
    if unused is not None:
        predicted_N[predicted_N == unused] = 0
    return y_N, predicted_N


@pytest.mark.parametrize(
    ("classes", "missing", "unused"),
    [(2, None, None), (3, None, None), (10, None, None), (5, 4, None), (5, None, 2), (6, 1, 5)],
)
def test_scores_equal_scikit_learn(classes, missing, unused):
    """Given 400 rows, matrix, per-class scores and both averages equal scikit-learn's, where nothing over nothing counts as 0
    in an average, with a class without rows and one that is never answered."""
    y_N, predicted_N = rows(classes=classes, missing=missing, unused=unused)
    matrix = scores.confusion_matrix(y_N, predicted_N, classes=classes)
    counts = scores.counts_of(matrix)
    assert (matrix == peer.confusion_matrix(y_N, predicted_N, labels=range(classes))).all()
    found = scores.headline(counts)
    assert found["accuracy"] == pytest.approx(peer.accuracy_score(y_N, predicted_N))
    for average in ("macro", "weighted", None):
        how = {"labels": range(classes), "average": average, "zero_division": np.nan if average is None else 0}
        expected = peer.precision_recall_fscore_support(y_N, predicted_N, **how)[:3]
        for name, value in zip(("precision", "recall", "f1"), expected, strict=True):
            ours = getattr(scores, name)(counts) if average is None else found[f"{name}_{average}"]
            np.testing.assert_allclose(ours, value, rtol=1e-12)


def test_a_class_that_is_nowhere_is_null_and_stays_out_of_the_averages():
    """Given class 2 neither there nor predicted, its scores are null and the averages are of the other two."""
    counts = scores.counts_of(scores.confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), classes=3))
    assert [or_null(value) for value in scores.f1(counts)] == [pytest.approx(2 / 3), pytest.approx(2 / 3), None]
    assert scores.headline(counts)["recall_macro"] == pytest.approx((1 + 0.5) / 2)


def test_a_thousand_tables_are_scored_at_once():
    """Given a stack of two count tables, each score comes back as a stack of two."""
    one = scores.counts_of(scores.confusion_matrix(*rows(classes=3), classes=3))
    stack = scores.Counts(*(np.stack([a, 2 * a]) for a in (one.hit, one.true, one.predicted)))
    for name, value in scores.headline(stack).items():
        np.testing.assert_allclose(value, [scores.headline(one)[name]] * 2, err_msg=name)


def test_nothing_over_nothing_is_undefined():
    """Given 0 / 0, the ratio is NaN without a warning."""
    assert math.isnan(scores.divided(np.zeros(1), np.zeros(1))[0])
