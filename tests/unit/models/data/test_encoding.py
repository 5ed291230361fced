import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.data import encoding, missing, outliers
from datahall.models.data.rows import Column

COLUMNS = (Column("age"), Column("colour", ("red", "blue", "green")))
NAN = np.nan


def test_categories_are_those_of_training_rows():
    """Given red and blue in training, each gets a column by name; green at test time is counted and all zeros."""
    fitted = encoding.fit(np.array([[1.0, 0], [2, 1]]), COLUMNS, where="t.csv")
    assert fitted.names == ("age", "colour=blue", "colour=red")
    x, unknown = fitted.encode(np.array([[5.0, 0], [6, 2]]))
    assert x.dtype == np.float32
    assert x.tolist() == [[5, 0, 1], [6, 0, 0]]
    assert unknown == {"colour": 1}


def test_holes_are_filled_with_what_training_rows_have():
    """Given a mean of 2 and mostly blue, a row of holes becomes 2 and blue."""
    train = np.array([[1.0, 1], [NAN, 1], [3, 0]])
    fitted = encoding.fit(train, COLUMNS, fill=missing.fills(train, COLUMNS, "mean"), where="t.csv")
    assert fitted.encode(np.array([[NAN, NAN]]))[0].tolist() == [[2, 1, 0]]
    assert fitted.described() == [
        {"name": "age", "kind": "number", "fill": 2.0},
        {"name": "colour", "kind": "category", "values": ["blue", "red"], "fill": "blue"},
    ]


def test_outliers_are_found_and_clipped_at_the_fences_of_training_rows():
    """Given ages 0 to 100 and a fence at one interquartile range, 1,000 is an outlier and becomes 125."""
    train = np.stack([np.linspace(0, 100, 101), np.zeros(101)], axis=1)
    fences = outliers.fences(train, COLUMNS, iqr=1)
    assert outliers.counted(np.array([[1000.0, 0], [50, 2]]), COLUMNS, fences) == {
        "values": 1,
        "rows": 1,
        "by_column": {"age": 1},
    }
    fitted = encoding.fit(train, COLUMNS, clip=fences, where="t.csv")
    assert fitted.encode(np.array([[1000.0, 0], [-1000, 0]]))[0][:, 0].tolist() == [125, -25]
    assert fitted.described()[0] == {"name": "age", "kind": "number", "low": -25.0, "high": 125.0}


def test_a_column_with_equal_quartiles_has_no_fence():
    """Given a column that is nearly always 0, its interquartile range says nothing, so nothing in it is an outlier."""
    train = np.array([[0.0]] * 9 + [[7]])
    fences = outliers.fences(train, COLUMNS[:1], iqr=3)
    assert not fences.outside(train).any()
    assert fences.flat == ("age",)


def test_an_absurdly_wide_table_is_refused(monkeypatch):
    """Given more encoded columns than the limit, the problem says how many."""
    monkeypatch.setattr(encoding, "MAX_COLUMNS", 2)
    with pytest.raises(Refused, match=r"t\.csv: DATA-023 the categories make 3 columns; at most 2"):
        encoding.fit(np.array([[1.0, 0], [2, 1]]), COLUMNS, where="t.csv")


def test_the_median_ignores_the_odd_large_value():
    """Given 1, 2 and 900, the median is 2; a column without any value is filled with 0."""
    x = np.array([[1.0, NAN], [2, NAN], [900, NAN]])
    assert missing.fills(x, (Column("a"), Column("b")), "median").tolist() == [2, 0]
