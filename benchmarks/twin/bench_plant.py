"""How fast the plant is played: 100,000 accelerators, 30 days, a million changes of load, on one core.

    python -m benchmarks.twin.bench_plant [--json] [--runs 3]

Each run is a process of its own on one core; seconds are its processor time, so that others on the machine do not count. The
hall is benchmarks/infrastructure/big_hall.py; half a million stretches of eight accelerators with random ends and loads, of
20,000 jobs of 20 tenants, lie on its 12,500 servers. Playing gives power through every element, cooling, PUE, money, carbon and
overloads hour by hour; sharing out gives each job its part of each. Exit 1 when a limit is missed.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.measured import Row, arguments, shown

PROGRAM = """
import resource, tempfile, time
from pathlib import Path
import numpy as np
from benchmarks.infrastructure.big_hall import big_hall
from datahall.network.load import load
from datahall.twin.plant import Holds, attributed, plant_of, play
COUNT, JOBS, DAY_MS = 500_000, 20_000, 86_400_000
END_MS = 30 * DAY_MS
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "big.yaml"
    path.write_text(big_hall(100_000), encoding="utf-8")
    loaded = load(path)
dice = np.random.default_rng(1)
began = time.process_time()
plant = plant_of(loaded.hall, loaded.estate, loaded.catalogue, Path())
built_s = time.process_time() - began
usable = np.flatnonzero(plant.places.units >= 32)
server = np.sort(dice.integers(0, 4 * len(usable), COUNT))
at = dice.integers(0, END_MS, COUNT)
order = np.lexsort((at, server))
server, first = server[order], at[order]
last = np.append(np.where(server[1:] == server[:-1], first[1:], END_MS), END_MS)
real = last > first
rows = Holds(
    tuple(f"job-{k}" for k in range(JOBS)), tuple(f"tenant-{k % 20}" for k in range(JOBS)),
    dice.integers(0, JOBS, COUNT)[real], usable[server[real] // 4], first[real], last[real],
    np.full(int(real.sum()), 8.0), dice.random(int(real.sum())),
)
began = time.process_time()
played = play(plant, rows, end_ms=END_MS)
played_s = time.process_time() - began
began = time.process_time()
shares = attributed(plant, played, rows)
shared_s = time.process_time() - began
gap = max(abs(share.total / played.total(name) - 1) for name, share in shares.of.items())
print(built_s, played_s, shared_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
      len(plant.works.graph.elements), gap * 1e9)
"""


def one_core() -> None:
    """The child may use one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run() -> list[float]:
    told = subprocess.check_output([sys.executable, "-c", PROGRAM], preexec_fn=one_core, text=True)
    return [float(word) for word in told.split()]


def rows(runs: int) -> Iterator[Row]:
    built_s, played_s, shared_s, peak_gb, elements, gap = (
        statistics.median(each) for each in zip(*(run() for _ in range(runs)), strict=True)
    )
    yield Row("100,000 accelerators: the plant put together", built_s, 5.0, runs)
    yield Row("30 days, a million changes: played", played_s, 20.0, runs)
    yield Row("  shared out over 20,000 jobs", shared_s, 5.0, runs)
    yield Row("  peak memory of the process", peak_gb, 1.0, runs, unit="GB")
    yield Row("  power elements, each solved by itself", elements, None, runs, unit="")
    yield Row("  shares against the whole, largest gap of any quantity", gap, 1.0, runs, unit="1e-9")


def main() -> int:
    chosen = arguments(__doc__, runs=3)
    return shown(rows(chosen.runs), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
