import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.data.split import Shares, deal, merged


def dealt(y, unit=None, *, test=0.2, validation=0.1, stratify=True, seed=0):
    y = np.asarray(y)
    unit = np.arange(len(y)) if unit is None else np.asarray(unit)
    names = [f"class{c}" for c in range(y.max() + 1)]
    return deal(y, unit, Shares(test, validation, stratify), names=names, seed=seed, where="t.csv")


def test_each_class_keeps_its_share():
    """Given 100 rows of one class and 50 of another, test and validation have 20 % and 8 % (a tenth of the rest) of each."""
    y = np.repeat([0, 1], [100, 50])
    found = dealt(y)
    assert np.bincount(y[found.test]).tolist() == [20, 10]
    assert np.bincount(y[found.validation]).tolist() == [8, 4]
    assert np.bincount(y[found.train]).tolist() == [72, 36]


def test_the_seed_decides_and_nothing_else():
    """Given equal seeds, equal parts in equal order; another seed, another deal."""
    y = np.repeat([0, 1], 40)
    first, again, other = dealt(y, seed=3), dealt(y, seed=3), dealt(y, seed=4)
    assert first.train.tolist() == again.train.tolist()
    assert sorted(first.test.tolist()) != sorted(other.test.tolist())


def test_rows_come_in_random_order():
    """Given rows sorted by class, the parts are not: the first rows of a part hold several classes."""
    y = np.repeat(np.arange(5), 100)
    assert len(set(y[dealt(y).train[:30]].tolist())) == 5


def test_groups_stay_whole_and_shares_are_near():
    """Given 60 groups of five rows with mixed classes, no group is torn and each part gets its share within a group or two."""
    y, unit = np.tile([0, 0, 1, 1, 1], 60), np.repeat(np.arange(60), 5)
    found = dealt(y, unit)
    sides = [set(unit[part].tolist()) for part in (found.train, found.validation, found.test)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert abs(len(found.test) - 60) <= 5
    assert abs(len(found.validation) - 24) <= 5


def test_three_groups_make_three_parts():
    """Given as many groups as parts, each part gets one, though the shares cannot be met."""
    found = dealt(np.tile([0, 1], 15), np.repeat([0, 1, 2], 10))
    assert [len(part) for part in (found.train, found.validation, found.test)] == [10, 10, 10]


def test_a_ratio_of_zero_leaves_the_part_empty():
    """Given no test and no validation, everything is trained on."""
    found = dealt([0, 1, 0, 1], test=0, validation=0)
    assert (len(found.train), len(found.validation), len(found.test)) == (4, 0, 0)


def test_without_strata_only_the_total_counts():
    """Given `stratify: false`, the test has a fifth of all rows."""
    assert len(dealt(np.tile([0, 1, 2], 50), stratify=False).test) == 30


@pytest.mark.parametrize(
    ("y", "unit", "fields", "message"),
    [
        ([0, 0, 0, 1, 1], None, {}, r"DATA-053 1 of 2 classes have fewer than 3 rows: 'class1' \(2\)"),
        ([0, 0, 0, 2, 2, 2], None, {}, r"DATA-053 .*'class1' \(0\)"),
        ([0, 1] * 3, [0] * 6, {}, "DATA-054 there are 1 groups of rows that must stay together, for 3 parts"),
        ([0] * 9 + [1] * 9, [0] * 9 + [1] * 9, {"validation": 0}, "DATA-054 no training row has the label"),
    ],
)
def test_too_few_rows_or_groups_are_refused(y, unit, fields, message):
    """Given a class or groups that cannot stand in every part, the problem says which and what to do."""
    with pytest.raises(Refused, match=message):
        dealt(y, unit, **fields)


def test_units_join_through_others():
    """Given rows 0-1 joined by group and 1-2 by equal features, all three are one unit."""
    unit = merged(np.array([0, 0, 1, 2]), np.array([5, 6, 6, 7]))
    assert unit[0] == unit[1] == unit[2] != unit[3]
    assert merged(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []
