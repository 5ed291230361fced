import numpy as np
import pytest

from datahall.infrastructure.cost import month_peaks, month_starts, month_sums


def test_months_start_where_the_calendar_says():
    """Given a common and a leap year, March begins on day 59 and on day 60."""
    assert month_starts(8760)[:3] == (0, 744, 59 * 24)
    assert month_starts(8784)[:3] == (0, 744, 60 * 24)
    assert (len(month_starts(8760)), month_starts(8784)[-1]) == (12, (366 - 31) * 24)


def test_a_year_of_another_length_is_none():
    """Given 8,761 hours, it is refused."""
    with pytest.raises(ValueError, match="8761 hours, but a year has 8760, or 8784"):
        month_starts(8761)


@pytest.mark.parametrize("hours", [8760, 8784])
def test_every_hour_belongs_to_one_month(hours: int):
    """Given any year, its months add up to it, and the last hour is December's."""
    hourly = np.arange(hours, dtype=float)
    assert month_sums(hourly).sum() == hourly.sum()
    assert month_peaks(hourly)[-1] == hours - 1 and month_peaks(hourly)[0] == 743
