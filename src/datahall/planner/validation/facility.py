"""Published PUE and WUE of cloud regions beside ours, where weather of the place is at hand.

Three cooling classes with one fixed set of parameters each; nothing is fitted to a site. Which class a region has is seldom
published, so it is assumed from what its provider states it builds and from the climate, never from the row's own figures. A
PUE hits within 0.05; a WUE within a factor of 1.5 or 0.1 L/kWh; a pair hits when both do. Two constants stand beside ours, each
chosen without the row: the median of all other rows, and that of the provider's other rows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from datahall.foundation.document import read
from datahall.foundation.errors import Refused
from datahall.infrastructure.cooling import cool
from datahall.infrastructure.spec import Site, Weather
from datahall.infrastructure.weather import WeatherYear, weather_of
from datahall.planner.validation.cells import is_blank, number, placed, said, unread
from datahall.planner.validation.facility_classes import CoolingClass, Station, class_of, station_of
from datahall.planner.validation.facility_climate import mean_weather
from datahall.planner.validation.rows import ValidationRow, compared, unjudged
from datahall.planner.validation.tables import shared_folder

PUBLISHED = Path(__file__).parent / "facility_rows.yaml"
PUE_TOLERANCE = 0.05
WUE_FACTOR = 1.5
WUE_TOLERANCE_L_PER_KWH = 0.1
IT_W = 1e6
DEFAULT_REPEATS = 5
"""A WUE that one provider states for so many regions is a default of its, not a measurement, and is not judged."""

Table = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One of the two published columns."""

    name: str
    column: str
    least: float
    """No hall is below it."""
    tolerance: str

    def figure(self, row: Mapping[str, Any]) -> float | None:
        """What is published, where it can be."""
        value = number(row, self.column)
        return value if value is not None and value >= self.least else None


PUE = Quantity("PUE", "pue", 1.0, f"within {PUE_TOLERANCE:g}")
WUE = Quantity("WUE, L/kWh", "wue_L_per_kWh", 0.0, f"within a factor of {WUE_FACTOR:g} or {WUE_TOLERANCE_L_PER_KWH:g} L/kWh")


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Annual figures, sums over sums."""

    pue: float
    wue_l_per_kwh: float

    def of(self, quantity: Quantity) -> float:
        return self.pue if quantity is PUE else self.wue_l_per_kwh


def published() -> list[dict[str, Any]]:
    """The rows that come with Datahall."""
    data = read(PUBLISHED).data
    return [dict(row) | {"source": data["source"]} for row in data["rows"]]


def rows(folder_of_weather: Path | None = None, own_rows: Table | None = None) -> list[ValidationRow]:
    """PUE and WUE of each row. own_rows: rows with the columns region, location, lat_lon, pue, wue_L_per_kWh.

    folder_of_weather: the folder `data` of the reference data; without it, that of `$DATAHALL_SHARED`. Where its hours are
    not there, monthly means that ship stand in, as the note says. A row without either within 150 km has `ours` None and says
    why; no row raises.
    """
    shared = shared_folder()
    folder = folder_of_weather or (shared / "data" if shared else None)
    table = published() if own_rows is None else own_rows
    repeats = Counter((said(row, "provider"), said(row, WUE.column)) for row in table)
    defaults = {key for key, times in repeats.items() if times >= DEFAULT_REPEATS and key[1]}
    return [line for i in range(len(table)) for line in _lines(table, i, folder, defaults)]


def _constant(table: Table, left_out: int, quantity: Quantity, *, provider: str | None) -> float | None:
    """The median over the other rows, all or one provider's: what a model has to beat."""
    others = (row for i, row in enumerate(table) if i != left_out and provider in (None, said(row, "provider")))
    values = [value for row in others if (value := quantity.figure(row)) is not None]
    return median(values) if values else None


def _lines(table: Table, index: int, folder: Path | None, defaults: set[tuple[str, str]]) -> Iterator[ValidationRow]:
    """One line for PUE and one for WUE, as far as the row fills them; one that says so where it fills neither."""
    row = table[index]
    name = " ".join(text for c in ("year", "provider", "region", "location") if (text := said(row, c)))
    given = [quantity for quantity in (PUE, WUE) if not is_blank(row, quantity.column)]
    if not given:
        yield compared("facility", name, PUE.name, published=None, ours=None, note=placed(row, "gives neither PUE nor WUE"))
        return
    ours, assumed = _ours(row, folder)
    found = [_line(row, name, quantity, ours.of(quantity) if ours else None, defaults) for quantity in given]
    for quantity, line in zip(given, found, strict=True):
        if quantity.figure(row) is None:
            yield replace(line, note=f"{line.note}; {assumed}")
        else:
            yield _beside_constants(replace(line, note=f"{assumed}{_pair(found)}{line.note}"), quantity, table, index)


def _line(
    row: Mapping[str, Any], name: str, quantity: Quantity, ours: float | None, defaults: set[tuple[str, str]]
) -> ValidationRow:
    """With its verdict, and in the note why there is none."""
    figure = number(row, quantity.column)
    if figure is None:
        return unread(row, "facility", name, quantity.name, quantity.column)
    line = compared("facility", name, quantity.name, published=figure, ours=ours, tolerance=quantity.tolerance)
    if figure < quantity.least:
        why = placed(row, f"impossible: no {quantity.name[:3]} is below {quantity.least:g}")
        return replace(unjudged(line), note=why)
    why = _unjudged_as(row, quantity, defaults)
    return replace(line, hit=None if ours is None or why else _hits(quantity, figure, ours), note=why)


def _unjudged_as(row: Mapping[str, Any], quantity: Quantity, defaults: set[tuple[str, str]]) -> str:
    """Why a figure is no measurement; empty where it is one."""
    note = said(row, "note")
    if "design value" in note:
        return "; a design value, not judged"
    is_default = (said(row, "provider"), said(row, WUE.column)) in defaults or "default" in note
    return "; a default of the provider, not judged" if quantity is WUE and is_default else ""


def _pair(lines: Sequence[ValidationRow]) -> str:
    hits = [line.hit for line in lines]
    return "" if len(hits) < 2 or None in hits else "; the pair hits" if all(hits) else "; the pair misses"


def _beside_constants(line: ValidationRow, quantity: Quantity, table: Table, index: int) -> ValidationRow:
    """With what the two constants say, and whether they would have hit."""
    provider = said(table[index], "provider")
    every = _constant(table, index, quantity, provider=None)
    peers = _constant(table, index, quantity, provider=provider) if provider else None
    beside = compared("", "", "", published=line.published, ours=every, peer_baseline=peers)

    def hit(constant: float | None) -> bool | None:
        if line.hit is None or constant is None or line.published is None:
            return None
        return _hits(quantity, line.published, constant)

    return replace(
        line,
        baseline=every,
        baseline_error_ratio=beside.error_ratio,
        baseline_hit=hit(every),
        peer_baseline=peers,
        peer_baseline_error_ratio=beside.peer_baseline_error_ratio,
        peer_baseline_hit=hit(peers),
    )


def _hits(quantity: Quantity, figure: float, ours: float) -> bool:
    if quantity is PUE:
        return abs(ours - figure) <= PUE_TOLERANCE + 1e-9
    near = abs(ours - figure) <= WUE_TOLERANCE_L_PER_KWH
    return near or (figure > 0 and 1 / WUE_FACTOR <= ours / figure <= WUE_FACTOR)


def _ours(row: Mapping[str, Any], folder: Path | None) -> tuple[Efficiency | None, str]:
    """What we compute, and by which assumptions; or why not."""
    station, where = station_of(row)
    if station is None:
        return None, placed(row, f"not computed: {where}")
    try:
        weather, basis = _weather(station, folder)
    except Refused as refused:
        return None, placed(row, f"not computed: {refused.problems[0].what}")
    if weather is None:
        return None, placed(row, f"not computed: {basis}")
    kind, why = class_of(row, weather)
    return efficiency(kind, weather), f"assumed: {kind.about}, as {why}; {where}{basis}"


def _weather(station: Station, folder: Path | None) -> tuple[WeatherYear | None, str]:
    """Hours where their file is there, else means that ship; with what to say of it. Raises Refused where it is wrong."""
    if folder is not None and (folder / station.file).is_file():
        site = Site(elevation_m=station.elevation_m, weather=Weather(file=station.file, only=station.only))
        return weather_of(site, folder), ""
    region = station.means or station.only.get("region", "")
    site = Site(elevation_m=station.elevation_m, latitude_deg=station.latitude_deg, longitude_deg=station.longitude_deg)
    if (weather := mean_weather(region, site)) is not None:
        return weather, ", monthly means, not hours"
    return None, f"the weather of {station.name} is not at hand; set DATAHALL_SHARED"


def efficiency(kind: CoolingClass, weather: WeatherYear) -> Efficiency:
    """What a hall with this plant has in this year, at full and even load."""
    loss_w = kind.electrical_ratio * IT_W
    year = cool(kind.cooling, weather, air_heat_w=IT_W, liquid_heat_w=0.0, indoor_loss_w=loss_w)
    it_wh = IT_W * weather.hours
    return Efficiency(
        pue=1 + kind.electrical_ratio + float(year.electricity_w.sum()) / it_wh,
        wue_l_per_kwh=float(year.water_l.sum()) / (it_wh / 1e3),
    )
