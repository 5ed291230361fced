import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.planner.site.change import reweighted, value_change, weight_change
from datahall.planner.site.methods import METHODS, ranks
from datahall.planner.site.stability import agreements, kendall_tau_b
from datahall.planner.site.weights import draws_anywhere, draws_around, entropy_weights


@st.composite
def tables(draw):
    """A table of sites by criteria with values worth comparing, weights and directions."""
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sites, criteria = draw(st.integers(2, 9)), draw(st.integers(2, 6))
    table = dice.uniform(-5, 20, (sites, criteria))
    return table, dice.dirichlet(np.ones(criteria)), dice.choice([-1.0, 1.0], criteria)


@pytest.mark.parametrize("method", METHODS)
@given(case=tables())
def test_who_is_best_in_everything_wins(method, case):
    """Given a site that is better than all others in each criterion, it comes first by every method."""
    table, weights, better = case
    table[0] = (table * better).max(axis=0) * better + better
    scores = METHODS[method](table, weights, better)
    assert scores.argmax() == 0
    assert ranks(scores)[0] == 1


@pytest.mark.parametrize("method", METHODS)
@given(case=tables(), scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100))
def test_units_do_not_decide(method, case, scale, shift):
    """Given figures in another unit, or counted from another zero, the scores are the same."""
    table, weights, better = case
    moved = table.copy()
    moved[:, 0] = moved[:, 0] * scale + shift
    assert METHODS[method](moved, weights, better) == pytest.approx(METHODS[method](table, weights, better), abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
@given(case=tables(), seed=st.integers(0, 1000))
def test_the_order_in_the_file_does_not_decide(method, case, seed):
    """Given the same sites and criteria in another order, each site keeps its score."""
    table, weights, better = case
    dice = np.random.default_rng(seed)
    rows, columns = dice.permutation(len(table)), dice.permutation(len(weights))
    moved = METHODS[method](table[rows][:, columns], weights[columns], better[columns])
    assert moved == pytest.approx(METHODS[method](table, weights, better)[rows], abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(case=tables())
def test_many_at_once_are_one_by_one(method, case):
    """Given five weight vectors together, each row of scores is what its vector gives alone."""
    table, _, better = case
    draws = draws_anywhere(table.shape[1], draws=5, seed=1)
    together = METHODS[method](table, draws, better)
    assert together == pytest.approx(np.array([METHODS[method](table, row, better) for row in draws]), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_what_all_share_decides_nothing(method):
    """Given a criterion in which all sites are equal, taking it away changes no place."""
    table, better = np.array([[1.0, 5, 7], [2, 4, 7], [3, 1, 7]]), np.array([-1.0, 1, 1])
    with_it = METHODS[method](table, np.array([0.3, 0.3, 0.4]), better)
    without = METHODS[method](table[:, :2], np.array([0.5, 0.5]), better[:2])
    assert list(ranks(with_it)) == list(ranks(without))


@given(case=tables(), seed=st.integers(0, 99))
def test_draws_come_back_by_seed_around_their_mean(case, seed):
    """Given the same seed, the draws are the same; their mean is the user's weights, and a weight of 0 stays 0."""
    _, weights, _ = case
    weights = np.append(weights, 0.0)
    draws = draws_around(weights, concentration=50, draws=4000, seed=seed)
    assert (draws == draws_around(weights, concentration=50, draws=4000, seed=seed)).all()
    assert draws.sum(axis=1) == pytest.approx(1)
    assert (draws[:, -1] == 0).all()
    # Five standard errors of the mean of 4,000 draws.
    assert np.abs(draws.mean(axis=0) - weights).max() < 5 * 0.5 / np.sqrt(51 * 4000)


@pytest.mark.parametrize("method", METHODS)
@given(case=tables())
def test_the_named_weight_is_where_the_winner_changes(method, case):
    """Given the weight that is said to change the winner, just before it the old one leads, and there the new one does."""
    table, weights, better = case
    first = int(np.argmax(METHODS[method](table, weights, better)))
    change = weight_change(table, weights, better, 0, method=method)
    if change.needed is None:
        return
    at, before = change.needed, change.needed + 1e-6 * np.sign(change.now - change.needed)
    there, earlier = METHODS[method](table, reweighted(weights, 0, np.array([at, before])), better)
    assert there[change.winner] >= there[first] - 1e-12
    if min(change.now, change.needed) < before < max(change.now, change.needed):
        assert earlier[first] >= earlier.max() - 1e-6


def test_a_better_figure_lifts_the_runner_up():
    """Given two sites that differ in price alone, the dearer one wins once its price is below the other's."""
    table, weights, better = np.array([[10.0, 1], [12, 1.0]]), np.array([0.5, 0.5]), np.array([-1.0, 1])
    change = value_change(table, weights, better, 0, pair=(0, 1), bound=5.0, method="topsis")
    assert change.needed == pytest.approx(10.0, abs=1e-9)
    assert value_change(table, weights, better, 0, pair=(0, 1), bound=11.0, method="topsis").needed is None


def test_kendall_counts_pairs():
    """Given the same order, the reverse, and one swap of four, Kendall's tau is 1, -1, and 4 of 6 pairs."""
    one = np.array([1.0, 2, 3, 4])
    assert kendall_tau_b(one, one) == 1
    assert kendall_tau_b(one, -one) == -1
    assert kendall_tau_b(one, np.array([2.0, 1, 3, 4])) == pytest.approx(4 / 6)
    [agreement, *_] = agreements({"topsis": one, "promethee": one**2, "vikor": -one})
    assert (agreement.kendall, agreement.spearman) == (1, pytest.approx(1))


def test_entropy_looks_where_sites_differ():
    """Given a criterion that is the same everywhere and one with a negative price, the first weighs nothing."""
    weights = entropy_weights(np.array([[1.2, -3.0], [1.2, 40.0], [1.2, 60.0]]), np.array([-1.0, -1.0]))
    assert weights == pytest.approx([0, 1])
