import numpy as np
import pytest
from sklearn import metrics as peer
from sklearn.calibration import calibration_curve

from datahall.models.evaluate.calibration import brier_rows, expected_calibration_error, log_loss_rows, reliability


def answers(classes: int = 4, rows: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """True classes, and float32 probabilities that lean towards them."""
    dice = np.random.default_rng(2)
    y_N = dice.integers(0, classes, rows)
    z_NK = dice.standard_normal((rows, classes)) * 2 + 2 * np.eye(classes)[y_N]
    p_NK = np.exp(z_NK) / np.exp(z_NK).sum(axis=1, keepdims=True)
    return y_N, p_NK.astype(np.float32)


@pytest.mark.parametrize("classes", [2, 4, 10])
def test_losses_equal_scikit_learn(classes):
    """Given 500 answers, log loss and Brier score (its sum over classes) equal scikit-learn's."""
    y_N, p_NK = answers(classes)
    assert log_loss_rows(y_N, p_NK).mean() == pytest.approx(peer.log_loss(y_N, p_NK, labels=range(classes)), rel=1e-5)
    expected = peer.brier_score_loss(y_N, p_NK, labels=range(classes), scale_by_half=False)
    assert brier_rows(y_N, p_NK).mean() == pytest.approx(expected, rel=1e-5)


def test_bins_equal_scikit_learn():
    """Given 15 bins, the occupied ones hold the confidences and accuracies that scikit-learn's curve shows."""
    y_N, p_NK = answers()
    bins = reliability(y_N, p_NK, bins=15)
    right_N = p_NK.argmax(axis=1) == y_N
    expected = calibration_curve(right_N, p_NK.max(axis=1).astype(float), n_bins=15)
    np.testing.assert_allclose(bins.accuracy[bins.rows > 0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(bins.confidence[bins.rows > 0], expected[1], rtol=1e-6)
    assert bins.rows.sum() == 500


def test_calibration_error_by_hand():
    """Given two answers at 0.9 and two at 0.6, each half right, the error is (0.4 + 0.1) / 2."""
    p_NK = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    bins = reliability(np.array([0, 1, 0, 1]), p_NK, bins=10)
    assert expected_calibration_error(bins) == pytest.approx(0.25)


def test_sure_and_wrong_costs_much_but_not_infinity():
    """Given probability 0 for the true class, the loss is that of float32's smallest step: 15.9."""
    [loss] = log_loss_rows(np.array([1]), np.array([[1.0, 0.0]], np.float32))
    assert loss == pytest.approx(15.94, abs=0.01)
    assert brier_rows(np.array([1]), np.array([[1.0, 0.0]], np.float32)) == pytest.approx(2)
