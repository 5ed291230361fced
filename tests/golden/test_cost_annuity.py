"""Blank and Tarquin, Engineering Economy, Compound Interest Factor Tables: columns A/P, A/F of Tables 1 and 8."""

import pytest

from datahall.infrastructure.cost import annuity, sinking_fund

ROWS = [
    # rate, n, A/P, A/F
    (0.0025, 1, 1.00250, 1.00000),
    (0.0025, 2, 0.50188, 0.49938),
    (0.0025, 5, 0.20150, 0.19900),
    (0.0025, 10, 0.10138, 0.09888),
    (0.0025, 20, 0.05132, 0.04882),
    (0.03, 1, 1.03000, 1.00000),
    (0.03, 3, 0.35353, 0.32353),
    (0.03, 5, 0.21835, 0.18835),
    (0.03, 10, 0.11723, 0.08723),
    (0.03, 15, 0.08377, 0.05377),
    (0.03, 20, 0.06722, 0.03722),
    (0.03, 25, 0.05743, 0.02743),
]


@pytest.mark.parametrize(("rate", "periods", "recovery", "fund"), ROWS)
def test_factors_match_the_tables(rate: float, periods: int, recovery: float, fund: float) -> None:
    """Given a rate and a life, both factors agree with the printed five decimals, to half of the last."""
    assert annuity(rate, periods) == pytest.approx(recovery, abs=5e-6)
    assert sinking_fund(rate, periods) == pytest.approx(fund, abs=5e-6)


def test_without_interest_a_loan_is_paid_in_equal_parts() -> None:
    """Given a rate of zero, or one too small to see, the factor is 1/n: the limit of the formula."""
    assert annuity(0.0, 15) == 1 / 15
    assert annuity(1e-12, 15) == pytest.approx(1 / 15, rel=1e-9)


def test_a_loan_has_a_rate_and_a_life() -> None:
    """Given a negative rate or no life, the factor is refused."""
    with pytest.raises(ValueError, match="a loan needs rate >= 0 and periods > 0"):
        annuity(-0.01, 5)
    with pytest.raises(ValueError, match="periods=0"):
        annuity(0.05, 0)
