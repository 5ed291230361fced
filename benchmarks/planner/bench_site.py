"""How soon a site is chosen: the whole command from hours and from means, and the ranking alone beside pymcdm.

    python -m benchmarks.planner.bench_site [--json] [--runs 3]

The command runs as a process of its own, start and imports included. Hours need the reference data in DATAHALL_SHARED. The
limits are what a person waits for: 5 s for the command, 2 s for 2,000 weight vectors by three methods. Wall times: other load
on the machine counts. Exit 1 when a limit is missed.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from benchmarks.measured import Row, arguments, median_s, shown

from datahall.planner.site.methods import METHODS, ranks

ROOT = Path(__file__).parents[2]
DATAHALL = Path(sys.executable).with_name("datahall")


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
    dice = np.random.default_rng(1)
    table, draws, better = dice.uniform(1, 9, (16, 8)), dice.dirichlet(np.ones(8), 2000), np.where(np.arange(8) % 2, -1.0, 1.0)
    span = np.ptp(table, axis=0)

    def ours() -> None:
        for method in METHODS.values():
            ranks(method(table, draws, better))

    yield Row("2,000 draws x 3 methods, 16 sites x 8 criteria", median_s(ours, 20), 2.0, 20)
    if importlib.util.find_spec("pymcdm") is None:
        print("pymcdm is not installed: nothing to compare with", file=sys.stderr)
        return
    from pymcdm.methods import PROMETHEE_II, TOPSIS, VIKOR

    def theirs() -> None:
        for weights in draws:
            # A PROMETHEE_II of pymcdm 1.4 answers once: the second call finds its thresholds used up.
            for method in (TOPSIS(), PROMETHEE_II("vshape_2", p=0.5 * span, q=0.05 * span), VIKOR()):
                method(table, weights, better)

    yield Row("the same by pymcdm, a draw a call", median_s(theirs, runs), None, runs)


def main() -> int:
    chosen = arguments(__doc__, runs=3)
    return shown(chain(command_rows(chosen.runs), ranking_rows(chosen.runs)), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
