"""Fit what experts cost beyond kernels timed alone, and hold each hardware and each family against constants that never saw it.

    python -m benchmarks.models.fit_experts [--write]

Reads the rows with experts of bench_moe_accuracy.py. Fitted: the three bounded constants of ExpertConstants, none of which
belongs to a table, a model or a machine; least squares of the logarithm, outliers damped, every pair of model and hardware of
the same weight, drawn towards expected values that documents tell. Reported: errors of rows whose hardware, whose model, or
whose table was left out. `--write` puts the constants of all rows into experts.yaml.
"""

import argparse
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from benchmarks.models.bench_moe_accuracy import KEYS, figures, kind_of, measure, rows_of
from benchmarks.models.bench_step_accuracy import Row
from numpy.typing import NDArray
from scipy.optimize import least_squares

from datahall.foundation.errors import DatahallError
from datahall.models.parallel.expert_constants import ExpertConstants
from datahall.models.parallel.step import step_of

TARGET = Path(__file__).parents[2] / "src/datahall/models/parallel/constants/experts.yaml"
BOUNDS = {
    "expert_start_s": (2e-6, 1e-5, 2.5e-5, 5e-6),
    "narrow_start_ratio": (1.0, 2.0, 3.0, 0.5),
    "sort_ratio": (0.2, 0.7, 1.0, 0.2),
}
"""Lowest, expected and highest value, and how far from the expected one costs one unit of loss."""
PRIOR = 0.03
"""Weight of the expected values, in logarithms of time."""
DAMPED = 0.15
"""Errors in logarithms beyond which a row pulls less: releases differ by as much."""


def constants_of(values: NDArray[np.float64], source: str = "being fitted") -> ExpertConstants:
    return ExpertConstants(**dict(zip(BOUNDS, map(float, values), strict=True)), source=source, date="2026-11")


def distinct(rows: Sequence[Row]) -> list[tuple[Row, list[float]]]:
    """One row for each configuration that can be predicted, with all times that were measured of it."""
    found: dict[str, tuple[Row, list[float]]] = {}
    for row in rows:
        key = repr((row.architecture.name, row.plan, row.cluster.device.name, row.stack))
        if key not in found and not _predictable(row):
            continue
        found.setdefault(key, (row, []))[1].append(row.measured_s)
    return list(found.values())


def _predictable(row: Row) -> bool:
    try:
        step_of(row.architecture, row.plan, row.cluster, row.stack)
    except DatahallError:
        return False
    return True


def fit(rows: Sequence[Row]) -> ExpertConstants:
    """The constants that these rows ask for."""
    cases = distinct(rows)
    group = [(KEYS["model"](row), KEYS["hardware"](row)) for row, _ in cases]
    weight = np.array([1 / group.count(each) ** 0.5 for each in group])
    measured = np.log([statistics.geometric_mean(times) for _, times in cases])
    low, expected, high, spread = (np.array(column) for column in zip(*BOUNDS.values(), strict=True))

    def residuals(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        tried = constants_of(expected + scaled * spread)
        steps = [step_of(row.architecture, row.plan, row.cluster, row.stack, experts=tried) for row, _ in cases]
        return np.concatenate([weight * (np.log([step.seconds for step in steps]) - measured), PRIOR * scaled])

    bounds = ((low - expected) / spread, (high - expected) / spread)
    found = least_squares(
        residuals, np.zeros(len(BOUNDS)), bounds=bounds, loss="soft_l1", f_scale=DAMPED, diff_step=0.05, max_nfev=12
    )
    return constants_of(expected + found.x * spread)


def held_out(rows: Sequence[Row]) -> Iterator[dict[str, object]]:
    """Errors of rows by constants that were fitted without their hardware, their model, their table."""
    own = [row for row in rows if kind_of(row) == "experts"]
    for name in ("hardware", "model", "table"):
        key, everything = KEYS[name], []
        for value in sorted({key(row) for row in own}):
            fitted = fit([row for row in own if key(row) != value])
            inside = measure([row for row in own if key(row) == value], Counter(), fitted)
            outside = measure([row for row in own if key(row) != value], Counter(), fitted)
            everything += inside
            yield {
                "group": f"without {name} {value}",
                **figures(inside, outside),
                "constants": fitted.model_dump(include={*BOUNDS}),
            }
        yield {"group": f"all, each without its {name}", **figures(everything, [])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    rows = [row for row in rows_of(Counter()) if kind_of(row) == "experts"]
    now, fitted = measure(rows, Counter()), fit(rows)
    print(f"constants in use: {_told(figures(now, []))}")
    print(f"fitted to all rows, in sample: {_told(figures(measure(rows, Counter(), fitted), []))} {_values(fitted)}")
    lines = []
    for found in held_out(rows):
        lines.append(f"{found['group']}: {_told(found)}")
        print(lines[-1], found.get("constants", ""))
    if asked.write:
        told = "; ".join(line for line in lines if line.startswith("all"))
        _write(
            fitted,
            f"fitted by benchmarks/models/fit_experts.py on {len(now)} rows of megatron_bridge and moe_zoo. Held out: {told}",
        )
    return 0


def _told(found: Mapping[str, object]) -> str:
    return f"mean {found['mean']:.1f} %, median {found['median']:.1f} % of {found['rows']:.0f} rows"


def _values(fitted: ExpertConstants) -> dict[str, float]:
    return {name: float(f"{getattr(fitted, name):.4g}") for name in BOUNDS}


def _write(fitted: ExpertConstants, source: str) -> None:
    values = "\n".join(f"{name}: {value:.4g}" for name, value in _values(fitted).items())
    head = "# Written by benchmarks/models/fit_experts.py --write; do not edit."
    TARGET.write_text(f'{head}\n{values}\nsource: "{source}"\ndate: "2026-11"\n')


if __name__ == "__main__":
    raise SystemExit(main())
