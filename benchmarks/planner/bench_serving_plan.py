"""How soon serving is forecast: Llama 3 70B on 512 DGX H100 within a level, and DeepSeek-V3, whose ways are many.

    python -m benchmarks.planner.bench_serving_plan [--json] [--runs 3]

Whole commands, start and hall included, on one core: sweep of all ways, trials request by request over five seeds, energy and
money by the hall's year, changes. Exit 1 when a limit is missed. 5 s is what was asked of the first; no limit was asked of the
others, and the question without changes shows what a scheduler would wait.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measured import Row, arguments, median_s, shown

HALL = Path(__file__).parents[2] / "halls" / "h100-512.yaml"
ASKED = """
import json, sys
from pathlib import Path
from datahall.models.cost.catalogue import architecture
from datahall.planner.load import load
from datahall.planner.serving.checks import request_of
from datahall.planner.serving.forecast import serve_of
level = {"input_tokens": 2000, "output_tokens": 500, "ttft_p95_s": 1.0, "tpot_p95_s": 0.05}
serve_of(load(Path(sys.argv[1])), architecture(sys.argv[2]), request_of({**level, **json.loads(sys.argv[3])}))
"""


def one_core() -> None:
    """The child may use one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def rows(runs: int) -> Iterator[Row]:
    cases: tuple[tuple[str, str, dict[str, object], float | None], ...] = (
        ("llama3-70b on 4,096 H100, one core", "llama3-70b", {}, 5.0),
        ("the same without changes, one seed", "llama3-70b", {"what_ifs": False, "trials": 1}, None),
        ("deepseek-v3 in fp8 on the same", "deepseek-v3", {"precision": "fp8"}, None),
    )
    for name, model, fields, limit_s in cases:

        def run(model: str = model, fields: dict[str, object] = fields) -> None:
            subprocess.run([sys.executable, "-c", ASKED, HALL, model, json.dumps(fields)], check=True, preexec_fn=one_core)

        yield Row(name, median_s(run, runs), limit_s, runs)


def main() -> int:
    chosen = arguments(__doc__, runs=3)
    return shown(rows(chosen.runs), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
