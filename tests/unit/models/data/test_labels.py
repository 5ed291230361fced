import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.data.labels import Labels, coded, is_missing


def code(y, y_test=(), names=()):
    y, y_test = np.asarray(y), np.asarray(y_test) if len(y_test) else np.asarray(y)[:0]
    return coded(
        Labels(y, np.arange(len(y)) + 100), Labels(y_test, np.arange(len(y_test)), "test row"), names=names, where="d.csv"
    )


@pytest.mark.parametrize(
    ("y", "names", "codes"),
    [
        ([3, 1, 3], ("1", "3"), [1, 0, 1]),
        ([-1, 1, 1], ("-1", "1"), [0, 1, 1]),
        ([2.0, 10.0], ("2", "10"), [0, 1]),
        ([True, False], ("0", "1"), [1, 0]),
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        (["10", "9"], ("9", "10"), [1, 0]),
        (["01", "1"], ("01", "1"), [0, 1]),
    ],
)
def test_classes_are_found_in_order_of_value(y, names, codes):
    """Given numbers, truths or texts, classes are numbered by value: 9 before 10, though not as text."""
    found = code(y)
    assert (found.names, found.y.tolist()) == (names, codes)


def test_names_may_stand_for_numbers():
    """Given labels 0 and 1 and two names, the names go with the numbers."""
    assert code(["0", "1", "1"], names=("died", "survived")).y.tolist() == [0, 1, 1]


def test_names_may_order_the_labels_that_stand_in_the_data():
    """Given labels that are among the names, their order follows the names, for texts and for numbers."""
    assert code(["lo", "hi"], names=("lo", "mid", "hi")).y.tolist() == [0, 2]
    assert code([7, 5], names=("7", "5")).y.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("y", "y_test", "names", "message"),
    [
        ([0, 1, 2], (), ("a", "b"), "DATA-052 row 102 with a label out of range: 2; the classes are 0, 1"),
        (["a", "x", "x"], (), ("a", "b"), "row 101 and 1 more with a label out of range: 'x'"),
        (["a", "b"], ["c"], (), "DATA-052 test row 0 with a label out of range: 'c'"),
        ([0.5, 1], (), (), "DATA-052 row 100 has the label 0.5, which is no class"),
        ([5, 5], (), (), "DATA-051 all 2 rows have the label '5'"),
        ([0, 1], (), ("a", "a"), "DATA-052 'a' stands twice"),
        (np.array([b"a", b"b"]), (), (), "DATA-052 labels are of type"),
    ],
)
def test_labels_that_are_no_classes_are_refused(y, y_test, names, message):
    """Given labels out of range, fractions, unknown test labels or one class only, the problem says which row."""
    with pytest.raises(Refused, match=message):
        code(y, y_test, names)


def test_missing_labels():
    """Given empty texts and NaN, those rows have no label; whole numbers always have one."""
    assert is_missing(np.array(["a", ""])).tolist() == [False, True]
    assert is_missing(np.array([1, np.nan])).tolist() == [False, True]
    assert is_missing(np.array([1, 2])).tolist() == [False, False]
