import numpy as np
import pytest

from datahall.models.evaluate import bootstrap
from datahall.models.evaluate.bootstrap import mean_interval, score_intervals, wilson_interval
from datahall.models.evaluate.scores import confusion_matrix

HOW = {"samples": 4000, "confidence_ratio": 0.95}


def rows() -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(4)
    y_N = dice.integers(0, 3, 250)
    return y_N, np.where(dice.random(250) < 0.8, y_N, dice.integers(0, 3, 250))


def test_accuracy_interval_is_the_binomial_one():
    """Given 250 rows, the interval of accuracy is within 1 point of the normal approximation, p ± 1.96 √(p(1-p)/n)."""
    y_N, predicted_N = rows()
    found = score_intervals(confusion_matrix(y_N, predicted_N, classes=3), generator=np.random.default_rng(0), **HOW)
    p = (y_N == predicted_N).mean()
    half = 1.96 * np.sqrt(p * (1 - p) / 250)
    assert found["accuracy"] == pytest.approx((p - half, p + half), abs=0.01)


def test_drawing_counts_equals_drawing_rows():
    """Given 4,000 resamples either way, the interval of macro F1 from counts is that from the rows themselves."""
    from sklearn.metrics import f1_score

    y_N, predicted_N = rows()
    dice = np.random.default_rng(1)
    drawn = [dice.integers(0, 250, 250) for _ in range(400)]
    by_rows = np.quantile([f1_score(y_N[i], predicted_N[i], average="macro") for i in drawn], [0.025, 0.975])
    found = score_intervals(confusion_matrix(y_N, predicted_N, classes=3), generator=dice, **HOW)
    assert found["f1_macro"] == pytest.approx(by_rows, abs=0.02)


def test_mean_interval_narrows_with_the_root_of_the_rows():
    """Given four times the rows, the interval of a mean is half as wide."""
    dice = np.random.default_rng(7)
    few, many = dice.standard_normal(500), dice.standard_normal(2000)
    widths = [np.ptp(mean_interval(values, generator=dice, **HOW)) for values in (few, many)]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.15)


def test_same_seed_same_interval_and_chunks_do_not_matter(monkeypatch):
    """Given one seed, the intervals repeat, even when memory allows only three resamples at a time."""
    matrix = confusion_matrix(*rows(), classes=3)
    once = score_intervals(matrix, samples=10, confidence_ratio=0.9, generator=np.random.default_rng(3))
    monkeypatch.setattr(bootstrap, "CHUNK_NUMBERS", 27)
    again = score_intervals(matrix, samples=10, confidence_ratio=0.9, generator=np.random.default_rng(3))
    assert once == again


def test_a_perfect_model_is_not_known_to_be_perfect():
    """Given no mistake among 4 rows and a class without rows, accuracy may be as low as 51 %, and averages have no interval."""
    y_N = np.array([0, 1, 1, 0])
    found = score_intervals(confusion_matrix(y_N, y_N, classes=3), generator=np.random.default_rng(0), **HOW)
    assert found == {name: (pytest.approx(0.5101, abs=1e-4), 1.0) for name in ("accuracy", "recall_weighted")}


@pytest.mark.parametrize(("hits", "rows"), [(0, 20), (1, 20), (81, 263), (15, 148), (20, 20)])
def test_wilson_solves_its_equation(hits, rows):
    """Given hits among rows, the interval solves |share - p| = z √(p (1 - p) / rows) at both ends: Wilson's definition."""
    share, z = hits / rows, 1.959963984540054
    for end in wilson_interval(hits, rows, confidence_ratio=0.95):
        assert abs(share - end) == pytest.approx(z * np.sqrt(end * (1 - end) / rows), abs=1e-12)


def test_wilson_is_the_published_one():
    """Given 81 of 263 and 15 of 148, the intervals are those of Newcombe, Statist. Med. 17, 1998, table I, method 3."""
    for hits, rows, published in ((81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0, 0.1611))):
        assert wilson_interval(hits, rows, confidence_ratio=0.95) == pytest.approx(published, abs=5e-5)


def test_no_rows_have_no_share():
    """Given no rows, the function says what it needs."""
    with pytest.raises(ValueError, match="rows=0, but a share needs at least 1"):
        wilson_interval(0, 0, confidence_ratio=0.95)
