"""Step times of step_of against NVIDIA's published rows of experts, narrow precision and Blackwell.

    python -m benchmarks.models.bench_moe_accuracy [--rows] [--held-out] [--json]

Reads `megatron_bridge.csv` and `moe_zoo.csv` of DATAHALL_SHARED. What their software does comes from the recipes of each
release (datahall.planner.validation.software_nvidia), dimensions from the catalogue. Errors are of iteration seconds.
The baseline is one utilisation of the data sheet's peak at the row's precision, the median of the rows outside the group: for a
hardware, those of other hardware; for a table, the other table's. `--held-out` fits the experts' constants again for each
hardware and each family without its rows (benchmarks/models/fit_experts.py) and prints the errors of the rows that were left
out. The recipes and mechanisms were chosen by people who had seen these tables; the constants of the dense step were not fitted
to any of their rows.
"""

import argparse
import csv
import json
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from benchmarks.models.bench_step_accuracy import SHARED, Result, Row, show_row, utilisation

from datahall.foundation.errors import DatahallError, Problem
from datahall.models.cost.catalogue import architecture
from datahall.models.parallel.expert_constants import ExpertConstants
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step import step_of
from datahall.planner.validation.cells import count
from datahall.planner.validation.hardware import machine_of
from datahall.planner.validation.software_nvidia import Recipe, hardware_of, precision_of, recipe_of

TABLES = ("megatron_bridge", "moe_zoo")
Key = Callable[[Row], str]


def rows_of(skipped: Counter[str]) -> Iterator[Row]:
    """Rows that can be predicted, of both tables; why others cannot goes into `skipped`."""
    for table in TABLES:
        with (SHARED / f"{table}.csv").open(newline="") as lines:
            for text in csv.DictReader(lines):
                recipe = recipe_of(text)
                if isinstance(recipe, Problem):
                    skipped[recipe.code] += 1
                else:
                    yield _row(table, text, recipe)


def _row(table: str, text: Mapping[str, str], recipe: Recipe) -> Row:
    model = architecture(recipe.architecture)
    if not recipe.prediction:
        model = model.model_copy(update={"prediction_layers": 0})
    plan = _plan(text, recipe, mixed=model.experts is not None)
    return Row(table, text, model, plan, machine_of(text["hardware"]).cluster, recipe.made())


def _plan(text: Mapping[str, str], recipe: Recipe, *, mixed: bool) -> TrainPlan:
    columns = {"tensor": "tp", "pipeline": "pp", "chunks": "vpp", "context": "cp", "data": "dp", "micro_batch": "micro_batch"}
    found: dict[str, object] = {name: count(text, column) or 1 for name, column in columns.items()}
    found |= {"global_batch": count(text, "global_batch"), "sequence": count(text, "seq_len"), **recipe.plan}
    found |= {"expert": count(text, "ep") or 1} if mixed else {}
    found |= {"zero": 3} if "fsdp" in text["zero_fsdp"].lower() else {}
    precision = precision_of(text)
    return TrainPlan.model_validate(
        found
        | {
            "precision": "fp8" if precision == "mxfp8" else precision,
            "schedule": "interleaved" if found["chunks"] != 1 else "1f1b",
            "recompute": "full" if text["recompute"] == "full" else "none",
        }
    )


def measure(rows: Iterable[Row], skipped: Counter[str], experts: ExpertConstants | None = None) -> list[Result]:
    found = []
    for row in rows:
        try:
            found.append(Result(row, step_of(row.architecture, row.plan, row.cluster, row.stack, experts=experts)))
        except DatahallError as refused:
            skipped[refused.problems[0].code] += 1
    return found


def kind_of(row: Row) -> str:
    return "experts" if row.architecture.experts else "dense"


KEYS: Mapping[str, Key] = {
    "table": lambda row: row.table,
    "hardware": lambda row: hardware_of(row.text),
    "precision": lambda row: precision_of(row.text),
    "model": lambda row: row.architecture.name,
}


def summaries(results: Sequence[Result]) -> Iterator[dict[str, object]]:
    """Of dense models and of those with experts apart, by each key; errors in percent, `bias` is their signed median."""
    for kind in ("dense", "experts"):
        own = [result for result in results if kind_of(result.row) == kind]
        for name, key in KEYS.items():
            for value in sorted({key(result.row) for result in own}):
                inside = [result for result in own if key(result.row) == value]
                outside = [result for result in own if key(result.row) != value]
                yield {"kind": kind, name: value, "group": f"{name} {value}", **figures(inside, outside)}
        if own:
            yield {"kind": kind, "group": "all rows", **figures(own, [])}


def figures(inside: Sequence[Result], outside: Sequence[Result]) -> dict[str, float]:
    errors = [100 * result.error for result in inside]
    found = {"rows": float(len(inside)), **_errors(errors, ""), "bias": statistics.median(errors)}
    if outside:
        ratio = utilisation(list(outside))
        found |= _errors([100 * (each.row.peak_s / ratio / each.row.measured_s - 1) for each in inside], "baseline_")
    return found


def _errors(errors: Sequence[float], prefix: str) -> dict[str, float]:
    size = [abs(error) for error in errors]
    return {f"{prefix}mean": statistics.fmean(size), f"{prefix}median": statistics.median(size)}


def show(found: Mapping[str, object]) -> str:
    names = ("mean", "median", "bias", "baseline_mean", "baseline_median")
    texts = [
        "      -" if name not in found else f"{found[name]:+7.1f}" if name == "bias" else f"{found[name]:7.1f}"
        for name in names
    ]
    return f"{found['kind']!s:<8} {found['group']!s:<28}{found['rows']:5.0f}  {'  '.join(texts)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rows", action="store_true", help="each row: measured, predicted, error, where the time goes")
    parser.add_argument("--held-out", action="store_true", help="constants fitted without each hardware, and each family")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    skipped: Counter[str] = Counter()
    rows = list(rows_of(skipped))
    found = list(summaries(results := measure(rows, skipped)))
    if asked.held_out:
        from benchmarks.models.fit_experts import held_out

        found += [{"kind": "held out", **each} for each in held_out(rows)]
    if asked.json:
        json.dump({"groups": found, "skipped": dict(skipped)}, sys.stdout, indent=2)
        return 0
    print(f"kind     group                        rows   mean %   median     bias  constant   median   skipped {dict(skipped)}")
    print("\n".join(map(show, found)))
    if asked.rows:
        print("\n".join(f"{hardware_of(each.row.text):<6}{show_row(each)}" for each in results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
