"""Rankings that were published, or are shown by pymcdm, beside ours."""

import numpy as np
import pytest

from datahall.planner.site.methods import promethee, ranks, regrets, topsis, vikor
from datahall.planner.site.weights import entropy_weights


def test_topsis_chooses_the_fighter_aircraft():
    """Given Hwang and Yoon's four aircraft by six attributes (1981, chapter 3; the fourth, price, is a cost) and their weights,
    TOPSIS on vector-normalised columns gives their closeness 0.643, 0.268, 0.613, 0.312."""
    aircraft = np.array(
        [
            [2.0, 1500, 20_000, 5.5, 5, 9],
            [2.5, 2700, 18_000, 6.5, 3, 5],
            [1.8, 2000, 21_000, 4.5, 7, 7],
            [2.2, 1800, 20_000, 5.0, 5, 5],
        ]
    )
    weights, better = np.array([0.2, 0.1, 0.1, 0.1, 0.2, 0.3]), np.array([1.0, 1, 1, -1, 1, 1])
    # The book prints three decimals and carries four through its tables by hand: 0.61354 stands there as 0.613.
    assert topsis(aircraft, weights, better, unit="vector") == pytest.approx([0.643, 0.268, 0.613, 0.312], abs=1e-3)


def test_vikor_chooses_the_mountain():
    """Given the climbers' three mountains, risk 1, 2, 5 against altitude 3000, 3750, 4500 m at equal weights (Opricovic and
    Tzeng 2004, doi:10.1016/S0377-2217(03)00020-1, illustrative example), the second is VIKOR's compromise."""
    mountains = np.array([[1.0, 3000], [2, 3750], [5, 4500]])
    weights, better = np.array([0.5, 0.5]), np.array([-1.0, 1.0])
    whole, regret = regrets(mountains, weights, better)
    assert whole == pytest.approx([0.5, 0.375, 0.5])  # by hand from the paper's formula
    assert regret == pytest.approx([0.5, 0.25, 0.5])
    assert vikor(mountains, weights, better) == pytest.approx([0.0, 1.0, 0.0])
    assert list(ranks(vikor(mountains, weights, better))) == [2, 1, 2]


def test_promethee_nets_three_options():
    """Given the three options of pymcdm's PROMETHEE II example under the usual preference, the net flows are 0.1, -0.3, 0.2."""
    options = np.array([[4.0, 3, 2], [3, 2, 4], [5, 1, 3]])
    net = promethee(options, np.array([0.5, 0.3, 0.2]), np.ones(3), indifference_ratio=0, preference_ratio=0)
    assert net == pytest.approx([0.1, -0.3, 0.2])


@pytest.mark.parametrize("seed", range(5))
def test_ours_are_pymcdm_s(seed):
    """Given sixteen sites by seven criteria, half of them costs, all three methods and the entropy weights equal pymcdm's."""
    from pymcdm.methods import PROMETHEE_II, TOPSIS, VIKOR
    from pymcdm.weights import entropy_weights as entropy_of_pymcdm

    dice = np.random.default_rng(seed)
    table, weights = dice.uniform(1, 9, (16, 7)), dice.dirichlet(np.ones(7))
    better, span = np.where(np.arange(7) % 2, -1.0, 1.0), np.ptp(table, axis=0)
    assert topsis(table, weights, better) == pytest.approx(TOPSIS()(table, weights, better), abs=1e-12)
    assert vikor(table, weights, better) == pytest.approx(1 - VIKOR()(table, weights, better), abs=1e-12)
    theirs = PROMETHEE_II("vshape_2", p=0.5 * span, q=0.05 * span)(table, weights, better)
    assert promethee(table, weights, better) == pytest.approx(theirs, abs=1e-12)
    assert entropy_weights(table, better) == pytest.approx(entropy_of_pymcdm(table), abs=1e-12)
