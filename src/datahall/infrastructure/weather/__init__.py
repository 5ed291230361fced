"""Weather by the hour, and other series that come in files of hours."""

from datahall.infrastructure.weather.loader import weather_of
from datahall.infrastructure.weather.series import hourly_series, hours_in
from datahall.infrastructure.weather.year import WeatherYear

__all__ = ["WeatherYear", "hourly_series", "hours_in", "weather_of"]
