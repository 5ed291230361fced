"""Figures as people read them."""

import pytest

from datahall.foundation.readable import significant, with_unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1,230"),
        (4096, "4,096"),
        (0.012345, "0.0123"),
        (0, "0"),
        (123456789.0, "123,000,000"),
        (1.0831, "1.08"),
        (-2.5, "-2.50"),
    ],
)
def test_three_digits_say_enough(value: float, text: str) -> None:
    """Given a number, three significant digits are left; whole numbers keep theirs."""
    assert significant(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (4_070_000, "W", "4.07 MW"),
        (999_900, "W", "1.00 MW"),
        (3.2e7, "kWh", "32.0 GWh"),
        (4.05e18, "flop/s", "4.05 EFLOP/s"),
        (0.0421, "L/kWh", "0.042 L/kWh"),
        (2.345, "USD", "2.35 USD"),
        (212_345_678, "USD", "212 M USD"),
        (45_600, "EUR", "45.6k EUR"),
        (12_345, "kgCO2e", "12.3 tCO2e"),
        (0.0000034, "s", "3.40 µs"),
        (83, "s", "83 s"),
        (600, "s", "10 min"),
        (float("inf"), "s", "without end"),
        (float("inf"), "USD", "inf USD"),
        (float("nan"), "USD", "nan USD"),
        (0, "W", "0 W"),
        (1.0831, "1", "1.08"),
        (8_760, "h", "8,760 h"),
    ],
)
def test_a_unit_gets_its_prefix(value: float, unit: str, text: str) -> None:
    """Given a figure in base units, it is shown with the prefix that leaves three digits."""
    assert with_unit(value, unit) == text
