"""What a hall emits in a year, hour by hour, and its carbon and source-water effectiveness."""

from dataclasses import dataclass

import numpy as np

from datahall.foundation.energy import FacilityEnergy, ItEnergy
from datahall.foundation.hourly import HourlyFacility, HourlyIt, Series
from datahall.infrastructure.carbon.embodied import Embodied
from datahall.infrastructure.carbon.intensity import Intensity


@dataclass(frozen=True, slots=True, eq=False)
class CarbonYear:
    """Emissions of a year. None where neither the hall nor a table says how much a kWh emits."""

    location_kgco2e: Series | None
    """Location-based, in each hour."""
    market_kgco2e: Series | None
    """Market-based, in each hour."""
    location: Intensity | None
    market: Intensity | None
    it_energy: ItEnergy
    facility_energy: FacilityEnergy
    embodied: Embodied

    @property
    def location_total_kgco2e(self) -> float | None:
        return None if self.location_kgco2e is None else float(self.location_kgco2e.sum())

    @property
    def market_total_kgco2e(self) -> float | None:
        return None if self.market_kgco2e is None else float(self.market_kgco2e.sum())

    @property
    def cue(self) -> float | None:
        """Location-based, kgCO2e per kWh of IT."""
        return cue(self.location_kgco2e, self.it_energy)

    @property
    def market_cue(self) -> float | None:
        return cue(self.market_kgco2e, self.it_energy)

    @property
    def with_embodied_kgco2e(self) -> float | None:
        """Location-based emissions of the year and its share of making the equipment."""
        operation = self.location_total_kgco2e
        return None if operation is None else operation + self.embodied.kgco2e_per_year


def carbon_of(
    facility: HourlyFacility, it: HourlyIt, *, location: Intensity | None, market: Intensity | None, embodied: Embodied
) -> CarbonYear:
    """The year's emissions: facility energy of each hour times what a kWh emits in that hour."""
    return CarbonYear(
        location_kgco2e=None if location is None else emissions_of(facility, location),
        market_kgco2e=None if market is None else emissions_of(facility, market),
        location=location,
        market=market,
        it_energy=it.total,
        facility_energy=facility.total,
        embodied=embodied,
    )


def emissions_of(facility: HourlyFacility, intensity: Intensity) -> Series:
    """kgCO2e in each hour. Raises TypeError for IT energy: what the meter does not see is not what the grid feeds."""
    if not isinstance(facility, HourlyFacility):
        raise TypeError("emissions_of: takes a HourlyFacility; IT energy leaves out cooling and losses")
    return np.asarray(facility.kwh * intensity.kgco2e_per_kwh)


def cue(emitted_kgco2e: Series | None, it: ItEnergy) -> float | None:
    """Carbon usage effectiveness, kgCO2e per kWh of IT: sum over sum. None without emissions or IT energy.

    Source: The Green Grid, White Paper 32, 2010; ISO/IEC 30134-8:2022.
    """
    if not isinstance(it, ItEnergy):
        raise TypeError("cue: the denominator is an ItEnergy")
    return float(emitted_kgco2e.sum()) / it.kwh if emitted_kgco2e is not None and it.kwh > 0 else None


def wue_source_l_per_kwh(
    site_water_l: float, facility: FacilityEnergy, it: ItEnergy, *, grid_water_l_per_kwh: float
) -> float | None:
    """Water at the site and at the power stations, L per kWh of IT; None without IT energy.

    Source: The Green Grid, White Paper 35, 2011: WUE_source = (site water + facility energy x grid water) / IT energy.
    """
    if not isinstance(facility, FacilityEnergy) or not isinstance(it, ItEnergy):
        raise TypeError("wue_source_l_per_kwh: takes a FacilityEnergy and an ItEnergy, in this order")
    return (site_water_l + facility.kwh * grid_water_l_per_kwh) / it.kwh if it.kwh > 0 else None
