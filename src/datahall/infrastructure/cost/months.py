"""Calendar months of an hourly year."""

import numpy as np

from datahall.foundation.hourly import Series

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def month_starts(hours: int) -> tuple[int, ...]:
    """First hour of each month. Raises ValueError unless the year has 8,760 or 8,784 hours."""
    if hours not in {8760, 8784}:
        raise ValueError(f"month_starts: {hours} hours, but a year has 8760, or 8784 when it leaps")
    february = 29 if hours == 8784 else 28
    days = np.array([_DAYS[0], february, *_DAYS[2:]])
    return tuple(int(start) for start in 24 * (np.cumsum(days) - days))


def month_peaks(hourly: Series) -> Series:
    """Highest hour of each month, shape [12]."""
    return np.maximum.reduceat(hourly, np.array(month_starts(hourly.size)))


def month_sums(hourly: Series) -> Series:
    """Sum over each month, shape [12]."""
    return np.add.reduceat(hourly, np.array(month_starts(hourly.size)))
