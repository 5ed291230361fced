"""How soon a site is chosen: the whole command from hours and from means, and the ranking alone beside pymcdm.

    python -m benchmarks.planner.bench_site [--json] [--runs 3]

The command runs as a process of its own, start and imports included. Hours need the reference data in DATAHALL_SHARED. The
limits are what a person waits for: 5 s for the command, 2 s for 2,000 weight vectors by three methods. Wall times: other load
on the machine counts. Exit 1 when a limit is missed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from datahall.planner.site.methods import METHODS, ranks

ROOT = Path(__file__).parents[2]
DATAHALL = Path(sys.executable).with_name("datahall")


@dataclass(frozen=True, slots=True)
class Row:
    """A measured median beside its limit; None: shown for comparison."""

    what: str
    seconds: float
    limit_s: float | None
    runs: int

    @property
    def holds(self) -> bool:
        return self.limit_s is None or self.seconds <= self.limit_s


def median_s(do: Callable[[], object], runs: int) -> float:
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        do()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def command_rows(runs: int) -> Iterator[Row]:
    shared = os.environ.get("DATAHALL_SHARED", str(ROOT.parent / "shared"))
    for what, folder in (("16 regions from hours", shared), ("16 regions from means", "/nowhere")):
        if folder != "/nowhere" and not Path(folder).is_dir():
            print(f"{what}: skipped, no reference data at {folder}", file=sys.stderr)
            continue
        command = [DATAHALL, "site", ROOT / "examples" / "sites-16.yaml", "--json"]
        environment = os.environ | {"DATAHALL_SHARED": folder}

        def run(command: list[object] = command, environment: dict[str, str] = environment) -> None:
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)

        yield Row(f"datahall site, {what}, 2 x 2,000 draws", median_s(run, runs), 5.0, runs)


def ranking_rows(runs: int) -> Iterator[Row]:
    from pymcdm.methods import PROMETHEE_II, TOPSIS, VIKOR

    dice = np.random.default_rng(1)
    table, draws, better = dice.uniform(1, 9, (16, 8)), dice.dirichlet(np.ones(8), 2000), np.where(np.arange(8) % 2, -1.0, 1.0)
    span = np.ptp(table, axis=0)

    def ours() -> None:
        for method in METHODS.values():
            ranks(method(table, draws, better))

    def theirs() -> None:
        for weights in draws:
            # A PROMETHEE_II of pymcdm 1.4 answers once: the second call finds its thresholds used up.
            for method in (TOPSIS(), PROMETHEE_II("vshape_2", p=0.5 * span, q=0.05 * span), VIKOR()):
                method(table, weights, better)

    yield Row("2,000 draws x 3 methods, 16 sites x 8 criteria", median_s(ours, 20), 2.0, 20)
    yield Row("the same by pymcdm, a draw a call", median_s(theirs, runs), None, runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--runs", type=int, default=3, help="turns of each measurement")
    chosen = parser.parse_args()
    rows = [*command_rows(chosen.runs), *ranking_rows(chosen.runs)]
    if chosen.json:
        print(json.dumps([asdict(row) | {"holds": row.holds} for row in rows], indent=1))
    else:
        print(f"{'what':<58}{'median':>10}{'limit':>8}")
        for row in rows:
            limit = "" if row.limit_s is None else f"{row.limit_s:g} s"
            print(f"{row.what:<58}{row.seconds:>8.3f} s{limit:>8}{'' if row.holds else '   MISSED'}")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
