"""A hall small enough to check by hand."""

from pathlib import Path

import pytest

from datahall.planner.load import Loaded, load

HALL = """
schema_version: 1
name: small
site:
  place: somewhere
  country: DEU
  weather: {builtin: temperate}
  tariff: {energy_per_kwh: 0.10, demand_per_kw_month: 10}
  water: {price_per_m3: 2}
power:
  elements:
    - {name: grid, kind: utility, rating_w: 200 kW, failures_per_year: 2, repair_h: 1}
    - {name: "ups-[a,b]", kind: ups, part: ups-double-conversion, rating_w: 120 kW, fed_by: [grid], battery_wh: 20000}
    - {name: "pdu-[a,b]", kind: pdu, part: pdu-transformer, rating_w: 100 kW, fed_by: ["ups-[a,b]"]}
  mechanical_fed_by: [grid]
cooling:
  air: {kind: chilled_water, supply_c: 24}
rooms:
  - {name: white, width_m: 6, depth_m: 6, rows: [{name: row, positions: 4}]}
racks:
  - name: r[1-2]
    part: rack-48u-750x1200
    room: white
    row: row
    feeds: [pdu-a, pdu-b]
    contents: [{part: hgx-h100-8, count: 2}]
economy: {build_per_critical_w: 10, server_price: {hgx-h100-8: 300000}}
operation: {utilisation_ratio: 0.6}
"""


@pytest.fixture
def hall_file(tmp_path: Path) -> Path:
    path = tmp_path / "hall.yaml"
    path.write_text(HALL, encoding="utf-8")
    return path


@pytest.fixture
def loaded(hall_file: Path) -> Loaded:
    return load(hall_file)
