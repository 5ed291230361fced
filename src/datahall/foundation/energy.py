"""Energies that do not mix: what the IT equipment took, and what the whole facility took to serve it.

Applying PUE twice, or never, is the commonest fault of carbon calculators; here it is a TypeError.
"""

from dataclasses import dataclass
from typing import Self, TypeVar

J_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True, order=True)
class _Energy:
    kwh: float

    def __add__(self, other: Self) -> Self:
        return type(self)(self.kwh + _same(self, other).kwh)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.kwh - _same(self, other).kwh)

    def __mul__(self, factor: float) -> Self:
        return type(self)(self.kwh * factor)

    @property
    def joules(self) -> float:
        return self.kwh * J_PER_KWH


class ItEnergy(_Energy):
    """kWh at the inlets of servers, switches and storage: the denominator of PUE, WUE and CUE."""


class FacilityEnergy(_Energy):
    """kWh at the utility's meter: IT, cooling, losses, lights. What is paid for, and what emits."""


E = TypeVar("E", bound=_Energy)


def _same(mine: E, other: E) -> E:
    if type(mine) is not type(other):
        raise TypeError(f"{type(mine).__name__} and {type(other).__name__} do not add up: multiply IT energy by a PUE first")
    return other


def pue(facility: FacilityEnergy, it: ItEnergy) -> float:
    """Power usage effectiveness: facility over IT energy. Raises ValueError when no IT energy was used.

    Source: The Green Grid, White Paper 49; ISO/IEC 30134-2:2016.
    """
    if not isinstance(facility, FacilityEnergy) or not isinstance(it, ItEnergy):
        raise TypeError("pue: takes a FacilityEnergy and an ItEnergy, in this order")
    if it.kwh <= 0:
        raise ValueError(f"pue: IT energy is {it.kwh:g} kWh, but there is no PUE without IT load")
    return facility.kwh / it.kwh


def at_pue(it: ItEnergy, ratio: float) -> FacilityEnergy:
    """What the facility takes for this IT energy. Raises ValueError below 1, which no facility reaches.

    Raises TypeError for a FacilityEnergy: its PUE is in it already.
    """
    if not isinstance(it, ItEnergy):
        raise TypeError(f"at_pue: takes an ItEnergy; a {type(it).__name__} has its PUE in it already")
    if ratio < 1:
        raise ValueError(f"at_pue: {ratio:g} is below 1, so the facility would take less than its IT")
    return FacilityEnergy(it.kwh * ratio)
