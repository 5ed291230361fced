"""Cooling by the hour, and what holds once it is lost."""

from datahall.infrastructure.cooling.heat import Heat, heat_of
from datahall.infrastructure.cooling.ride_through import Curve, RideThroughResult, ride_through
from datahall.infrastructure.cooling.year import CoolingYear, cool

__all__ = ["CoolingYear", "Curve", "Heat", "RideThroughResult", "cool", "heat_of", "ride_through"]
