"""A hall of 100,000 accelerators over a year: quick, small and exact."""

import gc
import time
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from tests.unit.infrastructure.power.halls import CATALOGUE, graph_of, hall_of

from datahall.infrastructure.checks import Context, power, power_load

LARGE = """\
schema_version: 1
name: large
power:
  elements:
    - {name: "grid-[a,b]", kind: utility, rating_w: 300 MW}
    - {name: "gen-[001-200]", kind: generator, rating_w: 2 MW, start_s: 15 s}
    - {name: "tx-a[001-100]", kind: transformer, part: transformer-mv-lv, rating_w: 2.5 MW, side: A, fed_by: [grid-a]}
    - {name: "tx-b[001-100]", kind: transformer, part: transformer-mv-lv, rating_w: 2.5 MW, side: B, fed_by: [grid-b]}
    - {name: "ats-a[001-100]", kind: transfer_switch, rating_w: 2.5 MW, side: A, fed_by: ["tx-a[001-100]", "gen-[001-100]"]}
    - {name: "ats-b[001-100]", kind: transfer_switch, rating_w: 2.5 MW, side: B, fed_by: ["tx-b[001-100]", "gen-[101-200]"]}
    - {name: "ups-a[001-800]", kind: ups, part: ups-double-conversion, rating_w: 250 kW, battery_wh: 20000, side: A,
       fed_by: ["ats-a[001-100]"]}
    - {name: "ups-b[001-800]", kind: ups, part: ups-double-conversion, rating_w: 250 kW, battery_wh: 20000, side: B,
       fed_by: ["ats-b[001-100]"]}
    - {name: "pdu-a[0001-1600]", kind: pdu, part: pdu-transformer, rating_w: 150 kW, side: A, fed_by: ["ups-a[001-800]"]}
    - {name: "pdu-b[0001-1600]", kind: pdu, part: pdu-transformer, rating_w: 150 kW, side: B, fed_by: ["ups-b[001-800]"]}
    - {name: "bus-a[0001-3125]", kind: busway, part: busway, rating_w: 75 kW, side: A, fed_by: ["pdu-a[0001-1600]"]}
    - {name: "bus-b[0001-3125]", kind: busway, part: busway, rating_w: 75 kW, side: B, fed_by: ["pdu-b[0001-1600]"]}
racks:
  - {name: "r[0001-3125]", feeds: ["bus-a[0001-3125]", "bus-b[0001-3125]"], contents: [{part: server, count: 4}]}
"""


@pytest.fixture
def tidy() -> Iterator[None]:
    """What earlier tests left on the heap is not collected again and again while this one is timed."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("tidy")
def test_a_year_of_ten_thousand_elements_takes_less_than_a_second() -> None:
    """Given 11,652 elements and 3,125 racks, a year is wired up, merged and solved in a second, and no joule is missing."""
    hall = hall_of(LARGE)
    it_ratio = 0.6 + 0.3 * np.random.default_rng(1).random(8760)
    started_s = time.thread_time()
    graph = graph_of(LARGE)
    flow = graph.solve(it_ratio, mechanical_w=20e6)
    assert time.thread_time() - started_s < 1.0
    assert len(graph.elements) == 11_652 and len(graph.classes.example) < 40
    assert flow.it_w == pytest.approx(it_ratio * 125e6) and flow.balance_error < 1e-12
    context = Context(hall, CATALOGUE)
    started_s = time.thread_time()
    assert [str(problem) for check in (*power.CHECKS, *power_load.CHECKS) for problem in check(context)] == []
    assert time.thread_time() - started_s < 1.0


def test_memory_stays_bounded_even_when_nothing_is_alike() -> None:
    """Given 400 racks that all differ, so that nothing merges, a year is worked on in pieces."""
    racks = "".join(
        f"  - {{name: r{i}, feeds: [bus-{i}], contents: [{{part: server, count: 1, power_cap_w: {9000 + i / 7}}}]}}\n"
        for i in range(400)
    )
    text = "schema_version: 1\nname: odd\npower:\n  elements:\n    - {name: grid, kind: utility, rating_w: 100 MW}\n"
    text += '    - {name: "bus-[0-399]", kind: busway, part: busway, rating_w: 20 kW, fed_by: [grid]}\nracks:\n' + racks
    graph = graph_of(text)
    tracemalloc.start()
    flow = graph.solve(np.ones(8760))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(graph.classes.example) == 401 and flow.balance_error < 1e-12
    assert most_bytes < 200e6
