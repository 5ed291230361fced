"""Halls of any size for benchmarks, in the manner of halls/h100-512.yaml.

python -m benchmarks.infrastructure.big_hall 100000 > big.yaml
"""

import sys
from math import ceil

ACCELERATORS_PER_RACK = 32
RACKS_PER_BUSWAY = 8
RACKS_PER_BLOCK = 32
RACK_KW = 40.8
ROW = 16


def big_hall(accelerators: int = 100_000) -> str:
    """YAML of a hall with at least so many accelerators: racks of four DGX H100 behind rear doors, fed from A, B and C.

    Rounded up to whole racks; power and cooling grow with it and pass all checks. Raises ValueError below 1.
    """
    if accelerators < 1:
        raise ValueError(f"big_hall: accelerators={accelerators}, but a hall has at least 1")
    racks = ceil(accelerators / ACCELERATORS_PER_RACK)
    blocks, busways = ceil(racks / RACKS_PER_BLOCK), ceil(racks / RACKS_PER_BUSWAY)
    it_kw = racks * RACK_KW
    return "\n".join((_head(racks), _power(blocks, busways, it_kw), _cooling(it_kw), _racks(racks, busways), _rest(racks)))


def _span(count: int) -> str:
    """`[001-128]`: as wide as the last number."""
    width = len(str(count))
    return f"[{1:0{width}d}-{count:0{width}d}]"


def _head(racks: int) -> str:
    rows = ceil(racks / ROW)
    return f"""\
schema_version: 1
name: big-{racks * ACCELERATORS_PER_RACK}
site:
  latitude_deg: 39.0
  longitude_deg: -77.5
  elevation_m: 95
  utc_offset_h: -5
  weather: {{builtin: temperate}}
  grid: {{carbon_kgco2e_per_kwh: 0.323, source: "as halls/h100-512.yaml"}}
  tariff: {{energy_per_kwh: 0.0892, source: "as halls/h100-512.yaml"}}
rooms:
  - name: white
    floor_load_kg_per_m2: 1500
    rows:
      - {{name: "row-{_span(rows)}", positions: {ROW}}}"""


def _power(blocks: int, busways: int, it_kw: float) -> str:
    a, b, c, u = (
        _span(blocks),
        _span(blocks),
        _span(busways),
        "part: ups-double-conversion, rating_w: 1.9 MW, battery_wh: 160000",
    )
    site_kw = 1.35 * it_kw + 100
    generators = ceil(site_kw / 2500) + 1
    section, tx = "kind: switchgear, part: switchgear-section", "kind: transformer, part: transformer-mv-lv, rating_w: 2.5 MW"
    sts, mech_kw = "kind: transfer_switch, part: static-transfer-switch", 0.3 * it_kw + 20
    return f"""\
power:
  elements:
    - {{name: utility-a, kind: utility, part: utility-feed, rating_w: {site_kw:.0f} kW, side: A}}
    - {{name: utility-b, kind: utility, part: utility-feed, rating_w: {site_kw:.0f} kW, side: B}}
    - {{name: "gen{_span(generators)}", kind: generator, part: generator-diesel, rating_w: 2.5 MW, start_s: 15 s, fuel_h: 48}}
    - {{name: gen-bus, {section}, rating_w: {1.3 * site_kw:.0f} kW, fed_by: ["gen{_span(generators)}"], deal: all}}
    - {{name: "tx-a{a}", {tx}, fed_by: [utility-a], side: A}}
    - {{name: "tx-b{b}", {tx}, fed_by: [utility-b], side: B}}
    - {{name: "ats-a{a}", kind: transfer_switch, rating_w: 2.87 MW, fed_by: ["tx-a{a}", gen-bus], side: A}}
    - {{name: "ats-b{b}", kind: transfer_switch, rating_w: 2.87 MW, fed_by: ["tx-b{b}", gen-bus], side: B}}
    - {{name: "lv-a{a}", {section}, rating_w: 2.87 MW, fed_by: ["ats-a{a}"], side: A}}
    - {{name: "lv-b{b}", {section}, rating_w: 2.87 MW, fed_by: ["ats-b{b}"], side: B}}
    - {{name: "ups-a{a}", kind: ups, {u}, fed_by: ["lv-a{a}"], side: A}}
    - {{name: "ups-b{b}", kind: ups, {u}, fed_by: ["lv-b{b}"], side: B}}
    - {{name: "busway-a{c}", kind: busway, part: busway, rating_w: 300 kW, fed_by: ["ups-a{a}"], side: A}}
    - {{name: "busway-b{c}", kind: busway, part: busway, rating_w: 300 kW, fed_by: ["ups-b{b}"], side: B}}
    - {{name: "sts{c}", {sts}, rating_w: 300 kW, fed_by: ["ups-a{a}", "ups-b{b}"]}}
    - {{name: "busway-c{c}", kind: busway, part: busway, rating_w: 300 kW, fed_by: ["sts{c}"]}}
    - {{name: mech-a, {section}, rating_w: {mech_kw:.0f} kW, fed_by: [ats-ma], side: A}}
    - {{name: mech-b, {section}, rating_w: {mech_kw:.0f} kW, fed_by: [ats-mb], side: B}}
    - {{name: ats-ma, kind: transfer_switch, rating_w: {mech_kw:.0f} kW, fed_by: [utility-a, gen-bus], side: A}}
    - {{name: ats-mb, kind: transfer_switch, rating_w: {mech_kw:.0f} kW, fed_by: [utility-b, gen-bus], side: B}}
  mechanical_fed_by: [mech-a, mech-b]"""


def _cooling(it_kw: float) -> str:
    handlers, cdus, chillers = (ceil(it_kw / each_kw) + 1 for each_kw in (250, 1000, 1200))
    return f"""\
cooling:
  air: {{kind: chilled_water, supply_c: 24, units: {{count: {handlers + 3}, capacity_w: 100 kW, spare: 1}}}}
  liquid: {{supply_c: 20, rise_k: 8, rejection: tower, units: {{count: {cdus}, capacity_w: 900 kW, spare: 1}}}}
  plant: {{chilled_water_c: 16, chillers: {{count: {chillers}, capacity_w: 1.5 MW, spare: 1}}}}"""


def _racks(racks: int, busways: int) -> str:
    c = _span(busways)
    return f"""\
racks:
  - name: "r{_span(racks)}"
    part: rack-48u-750x1200
    power_limit_w: 45 kW
    heat_limit_w: 50 kW
    rear_door: true
    room: white
    row: "row-{_span(ceil(racks / ROW))}"
    feeds: ["busway-a{c}", "busway-b{c}", "busway-c{c}"]
    contents: [{{part: dgx-h100, count: 4}}]"""


def _rest(racks: int) -> str:
    return f"""\
fabrics:
  - {{name: compute, purpose: compute, protocol: infiniband, topology: rail_optimised, rails: 8, join: planes, switch: Q3400-RA,
     link_bits_per_s: 400 Gbit/s, cable_length_m: 90, uplink_length_m: 90}}
zones:
  - {{name: compute, racks: ["r{_span(racks)}"], tenants: [default]}}
economy: {{build_per_critical_w: 11.7, build_source: "as halls/h100-512.yaml"}}
"""


if __name__ == "__main__":
    sys.stdout.write(big_hall(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
