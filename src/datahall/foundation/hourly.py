"""A year of hourly energies that do not mix: what the IT equipment took, and what the whole facility took.

Apart from `energy.py`, so that who adds up a job's joules need not load NumPy.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from datahall.foundation.energy import FacilityEnergy, ItEnergy

Series = npt.NDArray[np.float64]
"""One value for each hour of a year: 8,760 of them, or 8,784."""


@dataclass(frozen=True, slots=True, eq=False)
class _Hourly:
    kwh: Series
    """kWh in each hour."""

    def __post_init__(self) -> None:
        if self.kwh.ndim != 1 or not np.all(np.isfinite(self.kwh)):
            raise ValueError(f"{type(self).__name__}: an energy for each hour is one row of finite numbers")

    @classmethod
    def of_w(cls, mean_w: Series) -> Self:
        """From the mean power of each hour, W."""
        return cls(mean_w / 1e3)

    def __add__(self, other: Self) -> Self:
        if type(self) is not type(other):
            raise TypeError(f"{type(self).__name__} and {type(other).__name__} do not add up: one of them is only a part")
        return type(self)(self.kwh + other.kwh)

    @property
    def hours(self) -> int:
        return int(self.kwh.size)


class HourlyIt(_Hourly):
    """kWh at the inlets of servers, switches and storage, hour by hour."""

    @property
    def total(self) -> ItEnergy:
        return ItEnergy(float(self.kwh.sum()))


class HourlyFacility(_Hourly):
    """kWh at the utility's meter, hour by hour: it holds the IT's share already, so no PUE comes on top."""

    @property
    def total(self) -> FacilityEnergy:
        return FacilityEnergy(float(self.kwh.sum()))
