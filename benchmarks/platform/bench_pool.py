"""How fast the pool of free places answers: jobs of 1-8 accelerators end and start, gangs in one leaf, what-ifs.

    python -m benchmarks.platform.bench_pool [--json] [--runs 3]

Plain Python on one core; seconds are processor time, so that others on the machine do not count. In a cycle one job ends
and one starts, packed: one `give`, one `fit`, one `take`. The hall begins full, so that every fit is among fragments; a job
that finds no room leaves the old one in its place. Exit 1 when a limit is missed.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.measured import Row, arguments, shown

from datahall.platform.events import Placement
from datahall.platform.pool import Pool
from datahall.platform.pool_nodes import PoolNode
from datahall.platform.resources import Resources

CYCLES = 1_000_000
CPU_MILLI, MEMORY_BYTES = 24_000, 256 << 30
"""Each accelerator's part of a node."""
SIZES, WEIGHTS = (1, 2, 4, 8), (70, 10, 6, 14)
"""Mix of single-node job sizes: mostly single accelerators, with a tail of whole nodes."""
ONE, WHOLE = Resources(CPU_MILLI, MEMORY_BYTES, 1), Resources(8 * CPU_MILLI, 8 * MEMORY_BYTES, 8)


def hall(nodes: int) -> Pool:
    """Nodes of 8 accelerators, 16 to a rack, 128 to a leaf."""
    return Pool(
        PoolNode(f"n{i:05}", WHOLE, tuple(range(8)), groups={"rack": f"r{i // 16:04}", "leaf": f"l{i // 128:03}"})
        for i in range(nodes)
    )


def needs(count: int) -> list[Resources]:
    """Jobs' needs, the same in each run."""
    shapes = {k: Resources(k * CPU_MILLI, k * MEMORY_BYTES, k) for k in SIZES}
    return [shapes[k] for k in random.Random(8).choices(SIZES, WEIGHTS, k=count)]


def fill(pool: Pool, jobs: list[Resources]) -> list[tuple[tuple[Placement, ...], Resources]]:
    """Place jobs until the first that does not fit."""
    running = []
    for need in jobs:
        places = pool.fit(need)
        if places is None:
            break
        pool.take(places, need)
        running.append((places, need))
    return running


def cycles(nodes: int) -> tuple[float, float]:
    """Seconds of a million cycles, and the share of jobs that found no room."""
    pool, jobs = hall(nodes), needs(CYCLES)
    running = fill(pool, needs(8 * nodes))
    unplaced = 0
    began = time.process_time()
    for at, need in enumerate(jobs):
        slot = at * 7919 % len(running)
        places, held = running[slot]
        pool.give(places, held)
        found = pool.fit(need)
        if found is None:
            unplaced += 1
            pool.take(places, held)
        else:
            pool.take(found, need)
            running[slot] = found, need
    return time.process_time() - began, unplaced / CYCLES


def each_s(do: Callable[[int], None], times: int) -> float:
    """Mean processor seconds of one turn."""
    began = time.process_time()
    for turn in range(times):
        do(turn)
    return (time.process_time() - began) / times


def gang_s(nodes: int) -> float:
    """A gang of 64 whole nodes in one leaf comes and goes."""
    pool = hall(nodes)

    def turn(_: int) -> None:
        places = pool.fit(WHOLE, 64, together="leaf", demand=True)
        if places is None:
            raise RuntimeError("an empty hall has no room for a gang of 64 nodes in one leaf")
        pool.take(places, WHOLE)
        pool.give(places, WHOLE)

    return each_s(turn, 200)


def trial_s(nodes: int) -> float:
    """A what-if in a full hall: end eight jobs of one node, look for a whole node, undo."""
    pool = hall(nodes)
    running = fill(pool, [ONE] * (8 * nodes))

    def turn(at: int) -> None:
        with pool.trial():
            first = at % nodes * 8
            for places, held in running[first : first + 8]:
                pool.give(places, held)
            if pool.fit(WHOLE) is None:
                raise RuntimeError("eight jobs of one node were ended, but it has no room")

    return each_s(turn, 2000)


def scarce_s(nodes: int) -> float:
    """The slowest fit: accelerators are free everywhere, CPUs on the last node only."""
    pool = hall(nodes)
    hungry = Resources(8 * CPU_MILLI, MEMORY_BYTES, 0)
    for i in range(nodes - 1):
        pool.take((Placement(f"n{i:05}"),), hungry)

    def turn(_: int) -> None:
        if pool.fit(ONE) is None:
            raise RuntimeError("the last node is idle, but nothing fits")

    return each_s(turn, 200)


def rows(runs: int) -> Iterator[Row]:
    for nodes in (1024, 4096):
        seconds, unplaced = (statistics.median(each) for each in zip(*(cycles(nodes) for _ in range(runs)), strict=True))
        yield Row(f"{nodes:,} nodes of 8: a million cycles", seconds, 4.0, runs)
        yield Row("  jobs that found no room", unplaced * 100, None, runs, unit="%")
        for what, seconds_of in (
            ("  a gang of 64 nodes in one leaf, in and out", gang_s),
            ("  a what-if: eight jobs end, a whole node is found, undone", trial_s),
            ("  a fit that has to look at the CPUs of every node", scarce_s),
        ):
            yield Row(what, 1e6 * statistics.median(seconds_of(nodes) for _ in range(runs)), None, runs, unit="us")


def main() -> int:
    chosen = arguments(__doc__, runs=3)
    return shown(rows(chosen.runs), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
