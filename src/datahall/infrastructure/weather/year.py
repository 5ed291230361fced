"""A year of weather, hour by hour."""

from dataclasses import dataclass, replace

import numpy as np

from datahall.infrastructure.weather.psychrometrics import Series, dew_point_c, moisture_of, saturation_pa, wet_bulb_c

COMMON_YEAR_H = 8760
LEAP_YEAR_H = 8784
LEAP_DAY = slice(59 * 24, 60 * 24)
"""29 February, in a leap year that begins on 1 January."""


@dataclass(frozen=True, slots=True)
class WeatherYear:
    """Series of 8760 or 8784 hours from 1 January in local standard time; the arrays may not be written to."""

    hours: int
    dry_bulb_c: Series
    dew_point_c: Series
    """Frost point below the triple point."""
    humidity_ratio: Series
    """Relative humidity, 0..1."""
    wet_bulb_c: Series
    pressure_pa: Series
    moisture: Series
    """Kilograms of water per kilogram of dry air."""
    latitude_deg: float | None
    longitude_deg: float | None
    elevation_m: float
    utc_offset_h: float
    source: str
    notes: tuple[str, ...] = ()
    """What was assumed, for the list of assumptions."""

    def without_leap_day(self, note: str) -> "WeatherYear":
        """The same year less 29 February; a common year as it is."""
        if self.hours == COMMON_YEAR_H:
            return self
        return replace(
            self,
            hours=COMMON_YEAR_H,
            dry_bulb_c=_locked(np.delete(self.dry_bulb_c, LEAP_DAY)),
            dew_point_c=_locked(np.delete(self.dew_point_c, LEAP_DAY)),
            humidity_ratio=_locked(np.delete(self.humidity_ratio, LEAP_DAY)),
            wet_bulb_c=_locked(np.delete(self.wet_bulb_c, LEAP_DAY)),
            pressure_pa=_locked(np.delete(self.pressure_pa, LEAP_DAY)),
            moisture=_locked(np.delete(self.moisture, LEAP_DAY)),
            notes=(*self.notes, note),
        )


def year_of(
    dry_bulb_c: Series,
    humidity_ratio: Series,
    pressure_pa: Series,
    *,
    latitude_deg: float | None,
    longitude_deg: float | None,
    elevation_m: float,
    utc_offset_h: float,
    source: str,
    notes: tuple[str, ...] = (),
) -> WeatherYear:
    """A year from what weather stations tell; dew point, wet bulb and moisture are worked out."""
    vapour_pa = humidity_ratio * saturation_pa(dry_bulb_c)
    moisture = moisture_of(vapour_pa, pressure_pa)
    return WeatherYear(
        hours=len(dry_bulb_c),
        dry_bulb_c=_locked(dry_bulb_c),
        dew_point_c=_locked(dew_point_c(vapour_pa)),
        humidity_ratio=_locked(humidity_ratio),
        wet_bulb_c=_locked(wet_bulb_c(dry_bulb_c, moisture, pressure_pa)),
        pressure_pa=_locked(pressure_pa),
        moisture=_locked(moisture),
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        elevation_m=elevation_m,
        utc_offset_h=utc_offset_h,
        source=source,
        notes=notes,
    )


def _locked(series: Series) -> Series:
    own = np.array(series, dtype=np.float64)
    own.setflags(write=False)
    return own
