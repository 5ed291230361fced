import json

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.evaluate.evaluation import evaluation
from datahall.models.evaluate.spec import EvaluateSpec

LABELS = ("cat", "dog", "hare")


def answers() -> tuple[np.ndarray, np.ndarray]:
    """Six rows, none of them a hare; one dog taken for a cat."""
    p_NK = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.6, 0.1], [0.9, 0.05, 0.05]])
    return np.array([0, 0, 1, 1, 1, 1]), p_NK


def test_a_class_without_rows_is_null_and_said():
    """Given no hare in the test part, its recall is null, the notes say so, and the document is plain JSON."""
    found = evaluation(*answers(), labels=LABELS, spec=EvaluateSpec(), seed=1)
    hare = found["classes"][2]
    assert (hare["rows"], hare["recall"], hare["precision"]) == (0, None, None)
    assert (hare["recall_interval"], hare["precision_interval"]) == (None, None)
    assert found["notes"] == ["No test row is of class “hare”, and none was taken for it: it is left out of the averages."]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_model_that_ignores_a_class_scores_no_higher_for_it():
    """Given 8 cats and 2 dogs, all called cat, against one dog called right: the averages of the first are lower, its missing
    precision counts as 0, and a note says so; a class that is answered without being there is said as well."""
    y_N = np.array([0] * 8 + [1] * 2)
    blind, seeing = (np.eye(3)[answer_N] for answer_N in ([0] * 10, [0] * 8 + [0, 1]))
    first, second = (evaluation(y_N, p_NK, labels=LABELS, spec=EvaluateSpec(), seed=1) for p_NK in (blind, seeing))
    assert first["metrics"]["precision_macro"] == pytest.approx(0.8 / 2)
    for name in ("precision_macro", "recall_macro", "f1_macro", "precision_weighted"):
        assert first["metrics"][name] < second["metrics"][name], name
    assert "No row was taken for class “dog”: its precision is undefined and counts as 0 in the averages." in first["notes"]
    foreign = evaluation(y_N, np.eye(3)[[2] * 10], labels=LABELS, spec=EvaluateSpec(), seed=1)
    assert any("“hare”, but some were taken for it: its recall counts as 0" in note for note in foreign["notes"])


def test_without_a_mistake_the_interval_still_has_a_width():
    """Given 100 rows, all right, accuracy and each recall are 1 but known only from below; averages have no interval."""
    y_N = np.repeat([0, 1], 50)
    found = evaluation(y_N, np.eye(3)[y_N], labels=LABELS, spec=EvaluateSpec(), seed=1)
    assert found["intervals"]["accuracy"] == [pytest.approx(0.963, abs=5e-4), 1.0]
    assert found["classes"][0]["recall_interval"] == [pytest.approx(0.929, abs=5e-4), 1.0]
    assert "f1_macro" not in found["intervals"] and "log_loss" in found["intervals"]


def test_headline_numbers_lie_in_their_intervals():
    """Given 1,000 resamples, each metric that has an interval lies in it."""
    found = evaluation(*answers(), labels=LABELS, spec=EvaluateSpec(), seed=1)
    assert found["metrics"]["accuracy"] == pytest.approx(5 / 6)
    assert {"accuracy", "f1_macro", "log_loss", "brier"} <= set(found["intervals"])
    for name, (low, high) in found["intervals"].items():
        assert low <= found["metrics"][name] <= high, name


def test_intervals_follow_the_recipes_seed():
    """Given equal seeds, equal intervals; with bootstrap_samples=0 there are none."""
    first, second, other = (evaluation(*answers(), labels=LABELS, spec=EvaluateSpec(), seed=s) for s in (1, 1, 2))
    assert first == second != other
    assert evaluation(*answers(), labels=LABELS, spec=EvaluateSpec(bootstrap_samples=0), seed=1)["intervals"] == {}


def test_an_empty_test_part_is_refused():
    """Given no test row, the problem names the split."""
    with pytest.raises(Refused, match=r"data.split: EVAL-002 the test part is empty.*Raise data.split.test_ratio"):
        evaluation(np.array([], np.int64), np.zeros((0, 3)), labels=LABELS, spec=EvaluateSpec(), seed=0)


def test_a_diverged_model_is_refused():
    """Given NaN probabilities, the problem counts them and points at the learning rate."""
    y_N, p_NK = answers()
    p_NK[2] = np.nan
    with pytest.raises(Refused, match=r"EVAL-004 the model answers 1 of 6 test rows with NaN.*learning_rate"):
        evaluation(y_N, p_NK, labels=LABELS, spec=EvaluateSpec(), seed=0)


def test_a_model_of_other_labels_is_refused():
    """Given two probabilities a row for three labels, the problem names both numbers."""
    y_N, p_NK = answers()
    with pytest.raises(Refused, match=r"EVAL-003 \(6, 2\) probabilities and classes up to 1 do not fit 3 labels"):
        evaluation(y_N, p_NK[:, :2], labels=LABELS, spec=EvaluateSpec(), seed=0)
