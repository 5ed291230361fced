"""A hall to take apart: 2N from two grids to sixteen racks, with generators behind a transfer switch on each side."""

from datahall.foundation.document import as_spec, parse
from datahall.infrastructure.catalog.catalogue import Catalogue, PartsFile
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.power import PowerGraph, power_graph
from datahall.infrastructure.spec import Hall

SERVER = ServerPart(
    name="server", units=8, peak_power_w=10_000, idle_power_w=2_500, sockets=2, cores=64, threads=128,
    memory_bytes=2**40, unit="W", source="made up for tests", date="2026-11",
)  # fmt: skip
CATALOGUE = Catalogue(own=PartsFile(servers=(SERVER,)))

TWO_N = """\
schema_version: 1
name: two-n
power:
  mechanical_fed_by: [ats-a, ats-b]
  critical_mechanical_fed_by: [ups-a, ups-b]
  house_load_w: 5 kW
  elements:
    - {name: "grid-[a,b]", kind: utility, rating_w: 2 MW}
    - {name: "gen-[a,b]", kind: generator, part: generator-diesel, rating_w: 1.5 MW, start_s: 15 s, fuel_h: 24}
    - {name: "tx-[a,b]", kind: transformer, part: transformer-mv-lv, rating_w: 1.5 MW, fed_by: ["grid-[a,b]"]}
    - {name: "ats-[a,b]", kind: transfer_switch, rating_w: 1.5 MW, transfer_s: 5 s, fed_by: ["tx-[a,b]", "gen-[a,b]"]}
    - {name: ups-a, kind: ups, part: ups-double-conversion, rating_w: 1 MW, side: A, battery_wh: 80000, fed_by: [ats-a]}
    - {name: ups-b, kind: ups, part: ups-double-conversion, rating_w: 1 MW, side: B, battery_wh: 80000, fed_by: [ats-b]}
    - {name: "pdu-a[1-4]", kind: pdu, part: pdu-transformer, rating_w: 250 kW, side: A, fed_by: [ups-a]}
    - {name: "pdu-b[1-4]", kind: pdu, part: pdu-transformer, rating_w: 250 kW, side: B, fed_by: [ups-b]}
racks:
  - name: r[01-16]
    feeds: ["pdu-a[1-4]", "pdu-b[1-4]"]
    contents: [{part: server, count: 4}]
"""


def hall_of(text: str) -> Hall:
    return as_spec(parse(text), Hall)


def graph_of(text: str = TWO_N, *, more_it_w: float = 0.0) -> PowerGraph:
    hall = hall_of(text)
    return power_graph(hall.power, estate_of(hall, CATALOGUE), CATALOGUE, more_it_w=more_it_w)


def lost(graph: PowerGraph, *names: str) -> frozenset[int]:
    return frozenset(graph.index[name] for name in names)
