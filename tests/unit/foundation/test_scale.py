import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.foundation.scale import ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 2.3, [0, 0.5, 1, 1.5, 2, 2.5]), (0.83, 0.838, [0.83, 0.832, 0.834, 0.836, 0.838])],
)
def test_ticks_are_round(low, high, expected):
    """Given a range, its ticks are the numbers a person would choose."""
    assert ticks(low, high) == expected


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_enclose_the_range_and_rise(low, span):
    found = ticks(low, low + span)
    assert found == sorted(set(found)) and 2 <= len(found) <= 9
    slack = 1e-6 * span + 1e-12 * abs(low)  # a floating-point step of `low` itself
    assert found[0] <= low + slack and found[-1] >= low + span - slack


def test_counts_have_whole_ticks():
    """Given one to three of something, no tick stands at 1.5."""
    assert ticks(1, 3, whole=True) == [1, 2, 3]
