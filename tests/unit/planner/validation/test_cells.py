"""Cells of tables that others wrote."""

import pytest

from datahall.planner.validation.cells import count, number


@pytest.mark.parametrize(
    ("text", "value"), [("64", 64), ("1,024", 1024), ("12,288.5", 12288.5), ("1 024", 1024), ("1e3", 1000), ("-5", -5)]
)
def test_numbers_are_read_with_thousands_in_groups_of_three(text: str, value: float) -> None:
    """Given a number as people write it, that number is read."""
    assert number({"cell": text}, "cell") == value


@pytest.mark.parametrize("text", ["1,5", "6 4", "1,02", "10,24,5", "", "-", "abc", "1e999", "nan", "0x10"])
def test_what_may_mean_something_else_is_no_number(text: str) -> None:
    """Given a decimal comma, a slip, or no number at all, nothing is read: 1,5 is not 15."""
    assert number({"cell": text}, "cell") is None
    assert count({"cell": text}, "cell") is None
