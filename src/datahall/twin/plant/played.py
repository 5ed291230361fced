"""What came of a run of the plant: power, heat, PUE, water, energy, money and carbon, slice by slice and hour by hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from datahall.infrastructure.cooling import CoolingYear
from datahall.infrastructure.power import RackFlow
from datahall.infrastructure.power.columns import Bools, Floats, Ints
from datahall.twin.plant.overloads import Overload
from datahall.twin.plant.slices import HOUR_MS, Slices

Quantity = Literal["it_kwh", "facility_kwh", "money", "carbon_kgco2e", "market_kgco2e", "water_l"]
QUANTITIES: tuple[Quantity, ...] = ("it_kwh", "facility_kwh", "money", "carbon_kgco2e", "market_kgco2e", "water_l")


@dataclass(frozen=True, eq=False)
class Played:
    """S slices, P places. W unless named otherwise; means of the slice unless named otherwise."""

    slices: Slices
    place_w: Floats
    """(P, S) what each rack and machine draws."""
    dark: Bools | None
    """(P, S) where nothing feeds a rack; None where nothing ever does not."""
    flow: RackFlow
    """Power, with its losses."""
    cooling: CoolingYear | None
    """None where the hall has no cooling or no weather: then what the meter sees leaves cooling out."""
    it_peak_w: Floats
    """(S,) all IT in its highest moment of the slice."""
    peak_ms: Ints
    """(S,) that moment."""
    facility_peak_w: Floats
    """(S,) what the meter sees in that moment, with the slice's cooling."""
    per_slice: Mapping[Quantity, Floats]
    """(S,) sums of each slice; what the hall has no rates for is left out. Money is in its currency, with energy, water, and
    demand in the hour that sets it."""
    demand_money: float
    """The part of the money that is for the highest hour of each month."""
    overloads: tuple[Overload, ...]
    over_cap_w: Floats
    """(S,) by how much the highest moment is above the caps, of IT or at the meter; 0 where it is not."""
    missing: tuple[str, ...]
    """What the hall would have to say, so that all of this is whole."""

    @property
    def pue(self) -> Floats:
        """(S,) NaN without IT load."""
        return _ratio(self.per_slice["facility_kwh"], self.per_slice["it_kwh"])

    @property
    def hourly_pue(self) -> Floats:
        """PUE of each hour since the start; NaN without IT load."""
        return _ratio(self.hourly("facility_kwh"), self.hourly("it_kwh"))

    @property
    def mean_pue(self) -> float | None:
        """Sum over sum; None without IT load, or without a cooling plant to count."""
        it_kwh = self.total("it_kwh")
        return self.total("facility_kwh") / it_kwh if self.cooling is not None and it_kwh > 0 else None

    def hourly(self, quantity: Quantity) -> Floats:
        """Sums of each hour since the start. Raises KeyError where the hall has no rates for it."""
        return self.slices.by_hour(self.per_slice[quantity])

    def total(self, quantity: Quantity) -> float:
        """Of the whole run. Raises KeyError where the hall has no rates for it."""
        return float(self.per_slice[quantity].sum())

    @property
    def peak_w(self) -> tuple[float, int]:
        """The highest that the meter sees, W, and when, ms."""
        place = int(self.facility_peak_w.argmax())
        return float(self.facility_peak_w[place]), int(self.peak_ms[place])

    def between(self, quantity: Quantity, from_ms: int, to_ms: int) -> float:
        """Of any stretch of the run, slices being even inside."""
        per_ms = self.per_slice[quantity] / self.slices.width_ms
        edges = np.clip(self.slices.edges_ms, from_ms, to_ms)
        return float(per_ms @ np.diff(edges))

    def totals(self) -> dict[str, float]:
        """All of the run, and its PUE where that is known."""
        found: dict[str, float] = {name: self.total(name) for name in QUANTITIES if name in self.per_slice}
        return found | ({"pue": self.mean_pue} if self.mean_pue is not None else {})


def kwh(mean_w: Floats, slices: Slices) -> Floats:
    """Energy of each slice from its mean power."""
    return mean_w / 1e3 * (slices.width_ms / HOUR_MS)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
