import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.data.cleaning import clean
from datahall.models.data.rows import Column, Raw, Rows
from datahall.models.data.spec import DataSpec

NAN = np.nan


def raw(x, y, *, test=None, groups=None) -> Raw:
    x = np.asarray(x, np.float64)
    columns = tuple(Column(f"c{i}") for i in range(x.shape[1]))
    held_out = None if test is None else Rows(np.asarray(test[0], np.float64), np.asarray(test[1]), *test[2:])
    return Raw("table", Rows(x, np.asarray(y), groups), held_out, columns, where="t.csv")


def spec(**fields) -> DataSpec:
    return DataSpec.model_validate({"source": {"kind": "digits"}, "clean": fields})


def test_repeated_rows_are_dropped_once_and_counted():
    """Given a row that stands three times, the first stays and two are counted."""
    found = clean(raw([[1], [2], [1], [1], [3]], [0, 1, 0, 0, 1]), spec())
    assert found.rows.tolist() == [0, 1, 4]
    assert found.counts["duplicates"] == {"policy": "drop", "rows": 2, "rows_dropped": 2, "test_rows": 0}


def test_contradictions_are_dropped_on_both_sides():
    """Given equal features under two labels, all of those rows go: nobody knows which is right."""
    found = clean(raw([[1], [2], [1], [2], [3], [4]], [0, 1, 1, 1, 0, 1]), spec())
    assert found.rows.tolist() == [1, 4, 5]
    assert found.counts["conflicts"]["rows_dropped"] == 2
    assert found.counts["duplicates"]["rows_dropped"] == 1


def test_what_is_kept_on_request_stays_together():
    """Given `keep`, repeated rows stay, are counted, and belong to one unit that no split tears apart."""
    found = clean(raw([[1], [2], [1], [1]], [0, 1, 0, 1]), spec(duplicates="keep", conflicts="keep"))
    assert found.rows.tolist() == [0, 1, 2, 3]
    assert found.unit[0] == found.unit[2] == found.unit[3] != found.unit[1]
    assert found.counts["conflicts"] == {"policy": "keep", "rows": 3, "rows_dropped": 0, "test_rows": 0}


def test_training_rows_that_stand_in_the_test_part_are_always_dropped():
    """Given a test part of the source's own, equal training rows go, whatever their label; the test stays whole."""
    found = clean(raw([[1], [2], [3]], [0, 1, 0], test=([[2], [2], [9]], [1, 0, 0])), spec(duplicates="keep"))
    assert found.rows.tolist() == [0, 2]
    assert found.test_rows.tolist() == [0, 1, 2]
    assert found.counts["train_rows_in_test_dropped"] == 1
    assert found.counts["conflicts"]["test_rows"] == 2


def test_rows_with_holes_are_dropped_and_counted_by_column():
    """Given NaN, infinity and a number past float32, three rows go."""
    found = clean(raw([[1, 1], [NAN, 2], [3, np.inf], [4, -1e300], [5, 5]], [0, 1, 0, 1, 1]), spec())
    assert found.rows.tolist() == [0, 4]
    assert found.counts["missing"] == {
        "policy": "drop",
        "rows": 3,
        "rows_dropped": 3,
        "test_rows_dropped": 0,
        "rows_without_label": 0,
        "by_column": {"c0": 1, "c1": 2},
    }


def test_rows_to_be_filled_stay_but_a_label_cannot_be_filled():
    """Given `mean`, a row with a hole stays, a row without a label goes."""
    found = clean(raw([[1], [NAN], [3]], ["a", "b", ""]), spec(missing="mean"))
    assert found.rows.tolist() == [0, 1]
    assert found.counts["missing"]["rows_without_label"] == 1


@pytest.mark.parametrize(
    ("data", "fields", "message"),
    [
        (raw(np.zeros((0, 1)), []), {}, "DATA-050 there are no rows"),
        (raw([[1], [2]], [0, 1], test=(np.zeros((0, 1)), [])), {}, "DATA-050 there are no test rows"),
        (Raw("image", Rows(np.zeros((2, 0, 0), np.uint8), np.arange(2)), where="x"), {}, r"DATA-050 each row has the shape"),
        (raw([[NAN, 1], [NAN, 2]], [0, 1]), {}, "DATA-024 no row has a value in c0"),
        (raw([[NAN, 1], [1, NAN]], [0, 1]), {}, "DATA-050 no row is left: each one has a missing value. Drop the column `c0`"),
        (raw([[1], [NAN], [3]], [0, 1, 1]), {"missing": "refuse"}, "t.csv c0: DATA-055 1 of 3 rows have a missing value"),
        (raw([[1], [1]], [0, 1]), {}, "DATA-050 no row is left: each one repeats, contradicts"),
    ],
)
def test_nothing_to_learn_from_is_refused(data, fields, message):
    """Given no rows, or none that can stay, the problem says why."""
    with pytest.raises(Refused, match=message):
        clean(data, spec(**fields))


def test_groups_join_rows_and_do_not_reach_into_the_test():
    """Given groups, rows of one group are a unit; a row without a group is its own; groups of the test part are dropped."""
    groups = np.array([0, 0, 1, -1, -1])
    found = clean(raw([[1], [2], [3], [4], [5]], [0, 1, 0, 1, 0], groups=groups), spec())
    assert len(set(found.unit.tolist())) == 4
    assert found.unit[0] == found.unit[1]
    test = ([[9]], [1], np.array([0]))
    found = clean(raw([[1], [2], [3], [4], [5]], [0, 1, 0, 1, 0], groups=groups, test=test), spec())
    assert found.rows.tolist() == [2, 3, 4]
    assert found.counts["rows_of_test_groups_dropped"] == 2


def test_numbers_that_float32_cannot_tell_apart_are_equal():
    """Given 1 and 1 + 1e-12, they are stored as the same number, so the second is a duplicate."""
    assert clean(raw([[1], [1 + 1e-12], [-0.0], [0.0], [5]], [0, 0, 1, 1, 0]), spec()).rows.tolist() == [0, 2, 4]
