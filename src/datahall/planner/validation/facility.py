"""Published PUE and WUE of cloud regions beside ours, where hourly weather of the place is at hand.

Four cooling classes with one fixed set of parameters each; nothing is fitted to a site. Which class a region has is seldom
published, so it is assumed by one rule, from the published figures themselves: that makes the pair a test of plausibility,
not a prediction. A PUE hits within 0.05; a WUE within a factor of 1.5 or 0.1 L/kWh; a pair hits when both do.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from datahall.foundation.document import read
from datahall.foundation.errors import Refused
from datahall.infrastructure.cooling import cool
from datahall.infrastructure.spec import Site, Weather
from datahall.infrastructure.weather import WeatherYear, weather_of
from datahall.planner.validation.cells import number, said
from datahall.planner.validation.facility_classes import CoolingClass, Station, class_of, station_of
from datahall.planner.validation.rows import ValidationRow, compared
from datahall.planner.validation.tables import shared_folder

PUBLISHED = Path(__file__).parent / "facility_rows.yaml"
PUE_TOLERANCE = 0.05
WUE_FACTOR = 1.5
WUE_TOLERANCE_L_PER_KWH = 0.1
IT_W = 1e6
DEFAULT_REPEATS = 5
"""A WUE that one provider states for so many regions is a default of its, not a measurement, and is not judged."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Annual figures, sums over sums."""

    pue: float
    wue_l_per_kwh: float


def published() -> list[dict[str, Any]]:
    """The rows that come with Datahall."""
    data = read(PUBLISHED).data
    return [dict(row) | {"source": data["source"]} for row in data["rows"]]


def rows(folder_of_weather: Path | None = None, own_rows: Sequence[Mapping[str, Any]] | None = None) -> list[ValidationRow]:
    """PUE and WUE of each row. own_rows: rows with the columns region, location, lat_lon, pue, wue_L_per_kWh.

    folder_of_weather: the folder `data` of the reference data; without it, that of `$DATAHALL_SHARED`.
    A row without weather within 150 km, or whose file is not there, has `ours` None and says why; no row raises.
    """
    shared = shared_folder()
    folder = folder_of_weather or (shared / "data" if shared else None)
    table = published() if own_rows is None else own_rows
    repeats = Counter((said(row, "provider"), said(row, "wue_L_per_kWh")) for row in table)
    defaults = {key for key, times in repeats.items() if times >= DEFAULT_REPEATS and key[1]}
    return [
        line for i, row in enumerate(table) for line in _lines(row, folder, _constants(table, i), is_default=_is(row, defaults))
    ]


def _is(row: Mapping[str, Any], defaults: set[tuple[str, str]]) -> bool:
    return (said(row, "provider"), said(row, "wue_L_per_kWh")) in defaults or "default" in said(row, "note")


def _constants(table: Sequence[Mapping[str, Any]], left_out: int) -> dict[str, float | None]:
    """The median of each column over the other rows: the constant that a model has to beat."""
    found: dict[str, float | None] = {}
    for column in ("pue", "wue_L_per_kWh"):
        values = [value for i, row in enumerate(table) if i != left_out and (value := number(row, column)) is not None]
        found[column] = median(values) if values else None
    return found


def _lines(
    row: Mapping[str, Any], folder: Path | None, constants: Mapping[str, float | None], *, is_default: bool
) -> list[ValidationRow]:
    """One line for PUE and one for WUE, as far as they are published."""
    pue, wue = number(row, "pue"), number(row, "wue_L_per_kWh")
    name = " ".join(text for c in ("year", "provider", "region", "location") if (text := said(row, c)))
    ours, note = _ours(row, folder)
    design = "design value" in said(row, "note")
    pue_hit = None if ours is None or pue is None or design else abs(ours.pue - pue) <= PUE_TOLERANCE + 1e-9
    wue_hit = None if ours is None or wue is None or design or is_default else _wue_hits(wue, ours.wue_l_per_kwh)
    if pue_hit is not None and wue_hit is not None:
        note += "; the pair hits" if pue_hit and wue_hit else "; the pair misses"
    note += "; a design value, not judged" if design else "; a default of the provider, not judged" if is_default else ""
    figures = (
        ("PUE", pue, ours.pue if ours else None, pue_hit, constants["pue"]),
        ("WUE, L/kWh", wue, ours.wue_l_per_kwh if ours else None, wue_hit, constants["wue_L_per_kWh"]),
    )
    return [
        compared("facility", name, quantity, published=figure, ours=value, hit=hit, baseline=constant, note=note)
        for quantity, figure, value, hit, constant in figures
        if figure is not None
    ]


def _wue_hits(published_l: float, ours_l: float) -> bool:
    near = abs(ours_l - published_l) <= WUE_TOLERANCE_L_PER_KWH
    return near or (published_l > 0 and 1 / WUE_FACTOR <= ours_l / published_l <= WUE_FACTOR)


def _ours(row: Mapping[str, Any], folder: Path | None) -> tuple[Efficiency | None, str]:
    """What we compute, and by which assumptions; or why not."""
    station, why = station_of(row)
    if station is None:
        return None, f"not computed: {why}"
    if folder is None or not (folder / station.file).is_file():
        return None, f"not computed: the weather of {station.name} is not at hand; set DATAHALL_SHARED"
    try:
        weather = _weather(station, folder)
    except Refused as refused:
        return None, f"not computed: {refused.problems[0].what}"
    kind = class_of(row)
    return _efficiency(kind, weather), f"assumed: {kind.about}; {why}"


def _weather(station: Station, folder: Path) -> WeatherYear:
    site = Site(elevation_m=station.elevation_m, weather=Weather(file=station.file, only=station.only))
    return weather_of(site, folder)


def _efficiency(kind: CoolingClass, weather: WeatherYear) -> Efficiency:
    loss_w = kind.electrical_ratio * IT_W
    year = cool(kind.cooling, weather, air_heat_w=IT_W, liquid_heat_w=0.0, indoor_loss_w=loss_w)
    it_wh = IT_W * weather.hours
    return Efficiency(
        pue=1 + kind.electrical_ratio + float(year.electricity_w.sum()) / it_wh,
        wue_l_per_kwh=float(year.water_l.sum()) / (it_wh / 1e3),
    )
