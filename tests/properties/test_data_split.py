"""No seed, no grouping and no shape of the data makes a split leak or lose a row."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.foundation.errors import Refused
from datahall.models.data.cleaning import clean
from datahall.models.data.duplicates import row_ids
from datahall.models.data.rows import Column, Raw, Rows
from datahall.models.data.spec import DataSpec
from datahall.models.data.split import Shares, deal

ratios = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.33, 0.5])
seeds = st.integers(0, 2**63 - 1)
labels = st.lists(st.integers(3, 40), min_size=2, max_size=5).map(lambda counts: np.repeat(np.arange(len(counts)), counts))
shares_of = st.builds(Shares, ratios, ratios, st.booleans())


def dealt(y, unit, shares, seed):
    return deal(y, unit, shares, names=[str(c) for c in range(int(y.max()) + 1)], seed=seed, where="rows")


@given(y=labels, test=ratios, validation=ratios, seed=seeds)
def test_single_rows_are_dealt_exactly_once_in_each_class_share(y, test, validation, seed):
    """Given rows without groups, the parts are a partition, and each class is within one row of its share."""
    found = dealt(y, np.arange(len(y)), Shares(test, validation), seed)
    assert sorted(np.concatenate([found.train, found.validation, found.test]).tolist()) == list(range(len(y)))
    counts = np.bincount(y)
    in_test = np.bincount(y[found.test], minlength=len(counts))
    in_validation = np.bincount(y[found.validation], minlength=len(counts))
    assert np.abs(in_test - counts * test).max() <= 1
    assert np.abs(in_validation - (counts - in_test) * validation).max() <= 1


@given(y=labels, shares=shares_of, seed=seeds, data=st.data())
def test_units_are_never_torn(y, shares, seed, data):
    """Given any grouping, the parts are a partition, no group is on two sides, every asked part and class gets rows."""
    groups = data.draw(st.integers(3, 60))
    unit = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, groups, len(y))
    try:
        found = dealt(y, unit, shares, seed)
    except Refused:
        return
    parts = [found.train, found.validation, found.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(y)))
    sides = [set(unit[part].tolist()) for part in parts]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert all(len(parts[p]) for p in shares.parts)
    assert set(y[found.train].tolist()) == set(y.tolist())


@settings(deadline=None)
@given(
    x=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=8, max_size=80),
    keep=st.booleans(),
    data=st.data(),
    seed=seeds,
)
def test_no_row_stands_on_two_sides_even_when_duplicates_are_kept(x, keep, data, seed):
    """Given many equal rows, with duplicates and contradictions kept or dropped, no row of features is on two sides."""
    y = np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(x), max_size=len(x))))
    choice = "keep" if keep else "drop"
    spec = DataSpec.model_validate({"source": {"kind": "digits"}, "clean": {"duplicates": choice, "conflicts": choice}})
    raw = Raw("table", Rows(np.array(x, np.float64), y), columns=(Column("a"), Column("b")), where="rows")
    try:
        kept = clean(raw, spec)
        found = dealt(kept.y, kept.unit, Shares(0.2, 0.1), seed)
    except Refused:
        return
    [ids] = row_ids(raw.rows.x[kept.rows])
    sides = [set(ids[part].tolist()) for part in (found.train, found.validation, found.test)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


@given(y=labels, seed=seeds)
def test_the_same_seed_gives_the_same_deal(y, seed):
    """Given a seed, dealing again gives the same rows in the same order."""
    first, again = (dealt(y, np.arange(len(y)), Shares(0.2, 0.1), seed) for _ in range(2))
    assert first.train.tolist() == again.train.tolist()
    assert first.test.tolist() == again.test.tolist()


@given(method=st.sampled_from(["standard", "minmax", "unit"]), data=st.data())
def test_normalised_rows_are_finite_and_affine(method, data):
    """Given any finite table, normalising gives finite numbers and keeps the order of each column."""
    from datahall.models.data.normaliser import fit

    numbers = st.floats(-1e6, 1e6, width=32)
    column = data.draw(st.lists(numbers, min_size=1, max_size=30))
    x = np.array(column, np.float32)[:, None]
    x_norm = fit(x, method, kind="table", value_max=1.0).apply(x)
    assert np.isfinite(x_norm).all()
    order = np.argsort(x[:, 0], kind="stable")
    assert (np.diff(x_norm[order, 0]) >= 0).all()
    if method == "minmax":
        assert x_norm.max() <= 1 + 1e-5
