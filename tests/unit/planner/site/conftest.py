"""A small hall, three sites, and a stand-in for the hall's year that needs no weather."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datahall.foundation.hourly import HourlyFacility, HourlyIt
from datahall.infrastructure.spec import Site
from datahall.infrastructure.weather import WeatherYear
from datahall.planner.load import Loaded
from datahall.planner.site.choose import rank_sites
from datahall.planner.site.hall_year import BuiltHall, HallYear
from datahall.planner.site.result import SiteChoice

HALL = """\
schema_version: 1
name: small
nodes:
  - name: n1
    cpu: {model: test, sockets: 1, cores: 2, threads: 2, tdp_w: 200, tdp_source: test}
    memory_bytes: 8 GiB
    accelerators: [{index: 0, model: test, memory_bytes: 8 GiB, tdp_w: 800, tdp_source: test}]
economy:
  currency: USD
  rates: {EUR: 1.1}
  build_per_critical_w: 10
"""
SITES = """\
schema_version: 1
name: three
hall: hall.yaml
users:
  - {place: Bergen, latitude_deg: 60.4, longitude_deg: 5.3}
candidates:
  - name: north
    site:
      latitude_deg: 60
      longitude_deg: 10
      grid: {carbon_kgco2e_per_kwh: 0.02}
      tariff: {energy_per_kwh: 0.05}
    power_available_w: 5 kW
    hazards: {earthquake: 0.1, flood: 0.2, source: test}
  - name: middle
    site:
      latitude_deg: 50
      longitude_deg: 9
      grid: {carbon_kgco2e_per_kwh: 0.4}
      tariff: {energy_per_kwh: 0.10 EUR}
    power_available_w: 4 kW
    hazards: {natural: 0.1, source: test}
  - name: south
    site:
      latitude_deg: 1
      longitude_deg: 104
      grid: {carbon_kgco2e_per_kwh: 0.5}
      tariff: {energy_per_kwh: 0.12}
    power_available_w: 3 kW
    hazards: {natural: 0.3, source: test}
criteria:
  - {measure: cost_per_accelerator_h}
  - {measure: cue_kgco2e_per_kwh}
  - {measure: pue}
  - {measure: rtt_s}
  - {measure: power_headroom_ratio}
weights:
  cost_per_accelerator_h: 0.4
  cue_kgco2e_per_kwh: 0.3
  pue: 0.1
  rtt_s: 0.1
  power_headroom_ratio: 0.1
draws: 500
"""


def pretended(loaded: Loaded) -> BuiltHall:
    """1 kW of IT all year at a PUE of 1.1 at the pole and 1.4 at the equator, 1 L of water for each kWh."""

    def at(site: Site, _weather: WeatherYear | None) -> HallYear:
        it = np.full(8760, 1.0)
        ratio = 1.1 + 0.3 * (1 - abs(site.latitude_deg or 0) / 90)
        return HallYear(HourlyIt(it), HourlyFacility(it * ratio), water_l=8760.0)

    return BuiltHall(loaded, at, critical_w=1000.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The candidates file, with its hall beside it."""
    (tmp_path / "hall.yaml").write_text(HALL)
    path = tmp_path / "sites.yaml"
    path.write_text(SITES)
    return path


@pytest.fixture
def choose(file: Path) -> Callable[..., SiteChoice]:
    """Rank the sites after replacing parts of the file: `choose(("0.05", "0.06"), …)`."""

    def changed(*edits: tuple[str, str]) -> SiteChoice:
        text = file.read_text()
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new, 1)
        file.write_text(text)
        return rank_sites(file, built=pretended)

    return changed
