"""How soon a hall is planned: a worked one, one of 100,000 accelerators; and a sweep of 10,000 elements, none alike.

    python -m benchmarks.planner.bench_plan [--json] [--runs 3]

The large hall is planned in a process of its own on one core, over 8,760 hours, checks included. Exit 1 when a limit is missed.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from benchmarks.infrastructure.big_hall import big_hall
from benchmarks.measured import Row, arguments, median_s, shown

from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.power import PowerGraph, power_graph
from datahall.infrastructure.reliability import sweep
from datahall.infrastructure.spec import Hall

ROOT = Path(__file__).parents[2]
DATAHALL = Path(sys.executable).with_name("datahall")
ACCELERATORS = 100_000
PDUS = 9_600
PLAN = """
import sys, time
from pathlib import Path
from datahall.planner.load import load
from datahall.planner.plan import plan_of
began = time.perf_counter()
plan_of(load(Path(sys.argv[1])))
print(time.perf_counter() - began)
"""


def one_core() -> None:
    """The child may use one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def worked_rows(runs: int) -> Iterator[Row]:
    command = [DATAHALL, "plan", ROOT / "halls" / "h100-512.yaml", "--json"]

    def run() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    yield Row("datahall plan halls/h100-512.yaml, the whole command", median_s(run, runs), None, runs)


def large_rows(runs: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.yaml"
        path.write_text(big_hall(ACCELERATORS), encoding="utf-8")
        took = [
            float(subprocess.check_output([sys.executable, "-c", PLAN, path], preexec_fn=one_core, text=True))
            for _ in range(runs)
        ]
    yield Row("100,000 accelerators, 8,760 h, checks and plan, one core", sorted(took)[len(took) // 2], 2.0, runs)
    peak_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    yield Row("the same, peak memory of the process", peak_gb, 1.0, runs, unit="GB")


def unlike_graph() -> PowerGraph:
    """2 intakes, 48 transformers, 48 UPS, 9,600 PDUs and as many racks, each with a rating or a load of its own."""
    elements = [{"name": f"grid-{side}", "kind": "utility", "rating_w": 2e8} for side in "ab"]
    elements += [
        {"name": f"tx-{n}", "kind": "transformer", "rating_w": 8e6 + n, "fed_by": [f"grid-{'ab'[n % 2]}"]} for n in range(48)
    ]
    elements += [{"name": f"ups-{n}", "kind": "ups", "rating_w": 8e6 + n, "fed_by": [f"tx-{n}"]} for n in range(48)]
    elements += [{"name": f"pdu-{n}", "kind": "pdu", "rating_w": 2e4 + n, "fed_by": [f"ups-{n % 48}"]} for n in range(PDUS)]
    racks = [
        {
            "name": f"r{n}",
            "feeds": [f"pdu-{2 * n}", f"pdu-{2 * n + 1}"],
            "contents": [{"part": "hgx-h100-8", "count": 1, "power_cap_w": 9000 + n / 10}],
        }
        for n in range(PDUS // 2)
    ]
    hall = Hall.model_validate({"schema_version": 1, "name": "unlike", "power": {"elements": elements}, "racks": racks})
    catalogue = Catalogue()
    return power_graph(hall.power, estate_of(hall, catalogue), catalogue)


def sweep_rows(runs: int) -> Iterator[Row]:
    graph = unlike_graph()
    found = sweep(graph)
    assert len(found.removals) == found.elements == len(graph.elements), "elements that are alike would make it too easy"
    yield Row(
        f"removal sweep of {len(graph.elements):,} elements, none alike", median_s(lambda: sweep(graph), runs), 10.0, runs
    )


def main() -> int:
    chosen = arguments(__doc__, runs=3)
    rows = chain(worked_rows(chosen.runs), large_rows(chosen.runs), sweep_rows(chosen.runs))
    return shown(rows, as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
