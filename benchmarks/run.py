"""All benchmarks one after the other, as tables: `make bench`, or `python -m benchmarks.run [--only NAME] [--json FILE]`.

Each is a process of its own, so that one cannot warm or slow another. Peers run where they are installed: set
DATAHALL_PEERS_PYTHON to the interpreter of an environment that has them (`make peers` makes one).
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

BENCHMARKS = {
    "plan": "benchmarks.planner.bench_plan",
    "site": "benchmarks.planner.bench_site",
    "search": "benchmarks.planner.bench_search",
    "serving-plan": "benchmarks.planner.bench_serving_plan",
    "plant": "benchmarks.twin.bench_plant",
    "training": "benchmarks.models.bench_training",
    "time-to-accuracy": "benchmarks.models.bench_time_to_accuracy",
    "serving": "benchmarks.serving.bench_serving",
    "platform": "benchmarks.platform.bench_platform",
    "pool": "benchmarks.platform.bench_pool",
}
PEERS = Path(__file__).parents[1] / ".venv-peers" / "bin" / "python"


def environment() -> dict[str, str]:
    """Ours, with the peers' interpreter where `make peers` put it."""
    found = {"DATAHALL_PEERS_PYTHON": str(PEERS)} if PEERS.exists() else {}
    shared = Path(__file__).parents[2] / "shared"
    known = {"DATAHALL_SHARED": str(shared)} if shared.is_dir() else {}
    return known | found | os.environ


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), help="may be repeated")
    parser.add_argument("--json", type=Path, help="also write all results there")
    chosen = parser.parse_args()
    results, failed = {}, []
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}", flush=True)
    for name in chosen.only or BENCHMARKS:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", BENCHMARKS[name], *(["--json"] if chosen.json else [])]
        done = subprocess.run(command, env=environment(), check=False, stdout=subprocess.PIPE if chosen.json else None)
        print(f"({name}: {time.monotonic() - began:.0f} s)", flush=True)
        if done.returncode:
            failed.append(name)
        elif chosen.json:
            results[name] = json.loads(done.stdout)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1))
    if failed:
        print(f"failed or over a limit: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
