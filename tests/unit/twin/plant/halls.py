"""A hall small enough to check by hand: two racks of two servers of eight accelerators, and a rack of switches."""

from pathlib import Path

import numpy as np

from datahall.foundation.document import as_spec, parse
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.spec import Hall
from datahall.twin.plant import Holds, Plant, plant_of

HOUR = 3_600_000

TEXT = """
schema_version: 1
name: small
site:
  country: DEU
  weather: {builtin: temperate}
  tariff: {energy_per_kwh: 0.10, demand_per_kw_month: 10}
  water: {price_per_m3: 2}
power:
  elements:
    - {name: grid, kind: utility, rating_w: 200 kW}
    - {name: gen, kind: generator, rating_w: 200 kW, start_s: 15 s, fuel_h: 10}
    - {name: ats, kind: transfer_switch, rating_w: 200 kW, transfer_s: 1 s, fed_by: [grid, gen]}
    - {name: "ups-[a,b]", kind: ups, part: ups-double-conversion, rating_w: 120 kW, fed_by: [ats], battery_wh: 5000}
    - {name: "pdu-[a,b]", kind: pdu, part: pdu-transformer, rating_w: 100 kW, fed_by: ["ups-[a,b]"]}
  mechanical_fed_by: [ats]
  critical_mechanical_fed_by: [ups-a, ups-b]
cooling:
  air: {kind: chilled_water, supply_c: 24}
rooms:
  - {name: white, width_m: 6, depth_m: 6}
racks:
  - {name: "r[1-2]", feeds: [pdu-a, pdu-b], contents: [{part: hgx-h100-8, count: 2}]}
operation: {utilisation_ratio: 0.6}
"""


def plant(text: str = TEXT, *, more_it_w: float = 0.0) -> Plant:
    hall, catalogue = as_spec(parse(text), Hall), Catalogue()
    return plant_of(hall, estate_of(hall, catalogue), catalogue, Path(), more_it_w=more_it_w)


def holds(*rows: tuple[int, int, int, int, float, float], jobs: int = 2) -> Holds:
    """Rows of job, place, from_ms, to_ms, units, busy ratio; job k belongs to tenant k modulo 2."""
    job, place, first, last, units, ratio = np.array(rows, dtype=np.float64).reshape(-1, 6).T
    names, tenants = tuple(f"job-{k}" for k in range(jobs)), tuple(f"tenant-{k % 2}" for k in range(jobs))
    times = (column.astype(np.int64) for column in (job, place, first, last))
    return Holds(names, tenants, *times, units, ratio)
