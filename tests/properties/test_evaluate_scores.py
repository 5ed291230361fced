"""What every table of answers obeys."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from datahall.models.evaluate import bootstrap, calibration, scores

ANSWERS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


def table(pairs: list[tuple[int, int]]) -> np.ndarray:
    y_N, predicted_N = np.array(pairs).T
    return scores.confusion_matrix(y_N, predicted_N, classes=5)


@given(ANSWERS)
def test_no_row_is_lost_and_scores_stay_between_zero_and_one(pairs):
    matrix = table(pairs)
    assert matrix.sum() == len(pairs)
    for value in scores.headline(scores.counts_of(matrix)).values():
        assert np.isnan(value) or 0 <= value <= 1


@given(ANSWERS)
def test_weighted_recall_is_accuracy(pairs):
    found = scores.headline(scores.counts_of(table(pairs)))
    assert abs(found["recall_weighted"] - found["accuracy"]) < 1e-12


@given(ANSWERS, st.permutations(range(5)))
def test_renaming_the_classes_changes_no_headline(pairs, names):
    before = scores.headline(scores.counts_of(table(pairs)))
    after = scores.headline(scores.counts_of(table([(names[a], names[b]) for a, b in pairs])))
    for name, value in before.items():
        np.testing.assert_allclose(value, after[name], atol=1e-12)


@given(ANSWERS)
def test_every_table_has_intervals_where_it_has_scores(pairs):
    matrix = table(pairs)
    dice = np.random.default_rng(0)
    found = bootstrap.score_intervals(matrix, samples=20, confidence_ratio=0.9, generator=dice)
    defined = {name for name, value in scores.headline(scores.counts_of(matrix)).items() if not np.isnan(value)}
    always = {"accuracy", "recall_weighted"}
    assert always | ({"recall_macro"} if np.trace(matrix) < matrix.sum() else set()) <= set(found)
    assert set(found) <= defined | {"precision_weighted"}


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_calibration_error_never_beats_the_overall_gap(seed, bins):
    """By the triangle inequality the binned error is at least |mean confidence - accuracy|, and at most 1."""
    dice = np.random.default_rng(seed)
    p_NK = dice.dirichlet(np.ones(3), 50)
    y_N = dice.integers(0, 3, 50)
    error = calibration.expected_calibration_error(calibration.reliability(y_N, p_NK, bins=bins))
    gap = abs(p_NK.max(axis=1).mean() - (p_NK.argmax(axis=1) == y_N).mean())
    assert gap - 1e-12 <= error <= 1
