"""Closed forms of availability, by hand."""

import pytest

from datahall.infrastructure.reliability.closed_forms import (
    any_of,
    any_of_many,
    at_least,
    k_of_n_unavailability,
    standby_unavailability,
    unavailability,
)


def test_one_element() -> None:
    """Given 2 failures a year and 4 h of repair, MTBF is 4,380 h and it is down 4 of 4,384 h."""
    assert unavailability(failures_per_year=2, repair_h=4) == pytest.approx(4 / 4384, rel=1e-12)


def test_a_negative_rate_is_refused() -> None:
    """Given a negative failure rate, the message has both figures."""
    with pytest.raises(ValueError, match=r"-1 failures a year and 4 h must not be negative"):
        unavailability(failures_per_year=-1, repair_h=4)


def test_series_and_many() -> None:
    """Given chances of 0.1 and 0.2, either holds with 0.28; ten of 1e-12 keep their digits; a certain one is certain."""
    assert any_of((0.1, 0.2)) == pytest.approx(0.28) and any_of((0.1, 1.0)) == 1.0
    assert any_of_many(1e-12, 10) == pytest.approx(1e-11, rel=1e-9, abs=0) and any_of_many(1.0, 2) == 1.0


def test_two_of_three() -> None:
    """Given three units, each down 10 % of the time, two or more are down in 3 x 0.01 x 0.9 + 0.001 of it."""
    assert at_least(2, of=3, chance=0.1) == pytest.approx(0.028)
    assert k_of_n_unavailability(needed=2, count=3, chance=0.1) == pytest.approx(0.028)


def test_without_a_spare_any_failure_counts_and_common_cause_adds_nothing() -> None:
    """Given three needed of three, one or more down is an outage, whatever the beta."""
    assert k_of_n_unavailability(needed=3, count=3, chance=0.1, beta_ratio=0.3) == pytest.approx(1 - 0.9**3)


def test_a_chance_above_one_is_refused() -> None:
    """Given a chance of 1.5, the message says what it is."""
    with pytest.raises(ValueError, match=r"chance=1.5, but a chance is from 0 to 1"):
        at_least(1, of=2, chance=1.5)


def test_a_standby_unit_may_be_in_repair_or_not_start() -> None:
    """Given one failed start in a hundred and a unit that is down half the time, it is missed in 0.505 of all cases."""
    chance = standby_unavailability(fail_to_start_ratio=0.01, failures_per_year=1, repair_h=8760)
    assert chance == pytest.approx(0.505)
