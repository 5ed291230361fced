"""What a candidate's year is worked out from: hours where their files are there, means where they are not, and which it was."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TypeVar

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.hourly import Series
from datahall.foundation.money import Amount
from datahall.foundation.paths import Path
from datahall.infrastructure.catalog.catalogue import near
from datahall.infrastructure.spec import HourlyFile, Site
from datahall.infrastructure.weather import WeatherYear, hourly_series, weather_of
from datahall.infrastructure.weather.series import ANY, CARBON
from datahall.planner.site.means import Regions
from datahall.planner.site.places import real_path
from datahall.planner.site.spec import Candidate

HOURS = 8760
Where = Callable[[Path], str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Everything that differs from place to place, read."""

    site: Site
    """With means in place of the files that are not there."""
    weather: WeatherYear | None
    carbon: Series | None
    """Location-based, kgCO2e/kWh in each hour; None: a constant stands in `site`, or nothing is known."""
    price: Series | None
    """Of a kWh in each hour, in the tariff's currency; None likewise."""
    basis: dict[str, str]
    """`weather`, `carbon`, `price` -> `hours`, `monthly means`, `mean of the year`, `declared`, or `not known`."""


def sources_of(candidate: Candidate, folder: FilePath, regions: Regions | None, *, where: Where) -> Sources:
    """Read what the candidate names. where: turns a path inside the candidate into the place to tell.

    Raises Refused with every problem.
    """
    return _Reader(candidate, folder, regions, where).read()


class _Reader:
    """One candidate while it is read."""

    def __init__(self, candidate: Candidate, folder: FilePath, regions: Regions | None, where: Where) -> None:
        self.candidate, self.folder, self.regions, self.where = candidate, folder, regions, where
        self.region = candidate.means or candidate.name
        self.problems: list[Problem] = []
        self.basis: dict[str, str] = {}
        self.site = candidate.site

    def read(self) -> Sources:
        weather = self._told(self._weather)
        hours = weather.hours if weather else HOURS
        offset_h = weather.utc_offset_h if weather else self.site.utc_offset_h or 0.0
        carbon = self._told(lambda: self._carbon(hours, offset_h))
        price = self._told(lambda: self._price(hours, offset_h))
        if self.problems:
            raise Refused(self.problems)
        return Sources(self.site, weather, carbon, price, self.basis)

    def _told(self, part: Callable[[], T | None]) -> T | None:
        """One part, or its problems noted, so that the other parts are read in the same run."""
        try:
            return part()
        except Refused as error:
            self.problems += error.problems
            return None

    def _weather(self) -> WeatherYear | None:
        weather = self.site.weather
        if weather is None:
            self.basis["weather"] = "not known"
            return None
        if weather.file is not None and (found := self._found(weather.file, ("site", "weather", "file"))) is None:
            return self._mean_weather()
        if weather.file is not None:
            self.site = self.site.model_copy(update={"weather": weather.model_copy(update={"file": str(found)})})
        self.basis["weather"] = "hours"
        return weather_of(self.site, self.folder, where=self.where)

    def _mean_weather(self) -> WeatherYear | None:
        self.basis["weather"] = "monthly means"
        if self.regions is None or (self.region, "dry_bulb_c") not in self.regions.climate:
            self._lacks_means(("site", "weather", "file"))
            return None
        return self.regions.weather(self.region, self.site)

    def _carbon(self, hours: int, offset_h: float) -> Series | None:
        grid, path = self.site.grid, ("site", "grid", "carbon_kgco2e_per_kwh")
        declared = grid.carbon_kgco2e_per_kwh if grid else None
        if grid is None or not isinstance(declared, HourlyFile):
            self.basis["carbon"] = "not known" if declared is None else "declared"
            return None
        series, mean = self._series(declared, path, "carbon", (hours, offset_h))
        if mean is not None and self.regions:
            source = f"mean of the year, {self.regions.source}"
            new = grid.model_copy(update={"carbon_kgco2e_per_kwh": mean, "source": source})
            self.site = self.site.model_copy(update={"grid": new})
        return series

    def _price(self, hours: int, offset_h: float) -> Series | None:
        tariff, path = self.site.tariff, ("site", "tariff", "energy_per_kwh")
        if tariff is None or not isinstance(tariff.energy_per_kwh, HourlyFile):
            self.basis["price"] = "not known" if tariff is None else "declared"
            return None
        series, mean = self._series(tariff.energy_per_kwh, path, "price", (hours, offset_h))
        if mean is not None and self.regions:
            amount = Amount(mean, self.regions.currency)
            self.site = self.site.model_copy(update={"tariff": tariff.model_copy(update={"energy_per_kwh": amount})})
        return series

    def _series(
        self, file: HourlyFile, path: Path, quantity: str, frame: tuple[int, float]
    ) -> tuple[Series | None, float | None]:
        """The hours, or the mean that stands in for them. frame: hours of the year, offset from UTC."""
        found = self._found(file.file, (*path, "file"))
        if found is None:
            self.basis[quantity] = "mean of the year"
            column = "carbon_kgco2e_per_kwh" if quantity == "carbon" else "price_per_kwh"
            mean = self.regions.annual.get(self.region, {}).get(column) if self.regions else None
            if mean is None:
                self._lacks_means((*path, "file"))
            return None, mean
        self.basis[quantity] = "hours"
        real = file.model_copy(update={"file": str(found)})
        place = self.where((*path, "file"))
        limits = CARBON if quantity == "carbon" else ANY
        return hourly_series(real, self.folder, hours=frame[0], utc_offset_h=frame[1], where=place, limits=limits), None

    def _found(self, text: str, path: Path) -> FilePath | None:
        """The file, or None when it is not there and means may stand in. Raises Refused for a path that is no path."""
        real = real_path(text, self.folder, where=self.where(path))
        return real if real.exists() else None

    def _lacks_means(self, path: Path) -> None:
        """The file is not there, and nothing stands in for it."""
        text = self.candidate.site
        for part in path[1:]:
            text = getattr(text, str(part))
        if self.regions is None:
            fix = "check the path, set the variable in it, or add `means` to the file"
            self.problems.append(Problem("SITE-012", self.where(path), f"`{text}`: there is no such file", fix))
            return
        what = f"`{text}`: there is no such file, and the means have no `{self.region}`"
        self.problems.append(Problem("SITE-013", self.where(path), what, near(self.region, self.regions.names())))
