"""Seconds from the start of a process to 97.5 % test accuracy on MNIST, 784-128-64-10.

    python -m benchmarks.models.bench_time_to_accuracy [--json] [--runs 3]

Everything counts: imports, unpacking, compiling, training, the look at the test rows after each epoch. `datahall run` is
the whole recipe as jobs on an empty home (data, training and evaluation as processes of their own, with report). Peers
run in the interpreter that DATAHALL_PEERS_PYTHON names. Needs MNIST in DATAHALL_SHARED.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "peers"
ROOT = Path(__file__).parents[2]
CONTESTANTS = {
    "datahall, as a library": ("fast_datahall.py", {}),
    "torch by hand, same schedule": ("fast_torch.py", {}),
    "keras-jax, its defaults": ("fast_keras.py", {"KERAS_BACKEND": "jax"}),
    "keras-tensorflow, its defaults": ("fast_keras.py", {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}),
}


def raced(script: str, mnist: Path, environment: dict[str, str]) -> dict[str, Any] | None:
    """One run of a contestant; None when its interpreter or library is not there."""
    ours = script in ("fast_datahall.py", "fast_torch.py")
    python = sys.executable if ours else os.environ.get("DATAHALL_PEERS_PYTHON")
    if not python:
        return None
    words = os.environ | environment | {"BENCH_STARTED": str(time.time())}
    done = subprocess.run([python, str(FOLDER / script), str(mnist)], capture_output=True, text=True, env=words, check=False)
    if done.returncode:
        print((done.stderr.strip().splitlines() or ["no message"])[-1], file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def whole_recipe(shared: Path) -> dict[str, Any]:
    """`datahall run recipes/mnist-fast.yaml` on an empty home."""
    with tempfile.TemporaryDirectory() as folder:
        words = os.environ | {"DATAHALL_HOME": str(Path(folder) / "home"), "DATAHALL_SHARED": str(shared)}
        command = [sys.executable, "-m", "datahall.interfaces.cli.main", "run", "--json", "recipes/mnist-fast.yaml"]
        began_s = time.time()
        done = subprocess.run(command, capture_output=True, text=True, env=words, cwd=ROOT, check=True)
        wall_s = time.time() - began_s
        accuracy = json.loads(done.stdout)["metrics"]["accuracy"]
        return {"version": "", "reached_s": wall_s if accuracy >= 0.975 else None, "wall_s": wall_s, "accuracy": accuracy}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    shared = Path(os.environ.get("DATAHALL_SHARED", ROOT.parent / "shared"))
    mnist = shared / "data" / "mnist"
    if not mnist.is_dir():
        print(f"no MNIST at {mnist}: set DATAHALL_SHARED; nothing is measured", file=sys.stderr)
        return 0
    results: dict[str, list[dict[str, Any]]] = {}
    for _ in range(chosen.runs):
        for name, (script, environment) in CONTESTANTS.items():
            print(f"{name} …", file=sys.stderr)
            if found := raced(script, mnist, environment):
                results.setdefault(name, []).append(found)
        print("datahall run …", file=sys.stderr)
        results.setdefault("datahall run, whole recipe", []).append(whole_recipe(shared))
    print(json.dumps(results, indent=1) if chosen.json else table(results))
    return 0


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """Best and median over the runs; the ratio is to ours as a library."""
    ours = min(row["reached_s"] or float("inf") for row in results["datahall, as a library"])
    lines = [f"{'contestant':34}{'to 97.5 %, best s':>18}{'median':>9}{'peer/ours':>11}{'process s':>11}{'accuracy':>10}"]
    for name, rows in results.items():
        reached = [row["reached_s"] for row in rows if row["reached_s"] is not None]
        best = (
            f"{min(reached):18.3g}{statistics.median(reached):9.3g}{min(reached) / ours:11.2f}"
            if reached
            else f"{'never':>18}{'':9}{'':11}"
        )
        lines.append(f"{name:34}{best}{min(row['wall_s'] for row in rows):11.3g}{max(row['accuracy'] for row in rows):10.4f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
