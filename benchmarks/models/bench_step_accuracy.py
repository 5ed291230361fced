"""Step times of step_of against published training tables. Its five constants were fitted to these tables (fit_steps.py, which
also tells errors of tables held out); nothing else is tuned to them.

    python -m benchmarks.models.bench_step_accuracy [TABLE ...] [--rows] [--json]

Reads `reference/training/*.csv` of DATAHALL_SHARED by the reader of `datahall validate`, which states each source's software
from its documents. Errors are of iteration seconds. The baseline is one utilisation of the data sheet's peak, the median over
the other tables of each table's median, on the same hardware FLOPs (recomputation counted, causal half where attention is
fused). Rows that contradict themselves, that the checks refuse, or that lack a time are skipped, and told.
"""

import argparse
import json
import os
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from datahall.foundation.errors import DatahallError
from datahall.models.cost.operations import operations_of
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.step import Step, step_of
from datahall.planner.validation.tables import read_rows
from datahall.planner.validation.training_rows import case_of

SHARED = Path(os.environ.get("DATAHALL_SHARED", "../shared")) / "reference/training"
TABLES = {
    "sc21_table1": 1, "korthikanti_tab5": 1, "bloom_tuning": 1, "vtrain_multi": 1, "vtrain_single": 8, "llm_foundry": 1,
    "internevo": 1, "torchtitan": 1,
}  # fmt: skip
"""Dense tables with times, and each so many-th row is taken."""


@dataclass(frozen=True)
class Row:
    table: str
    text: Mapping[str, str]
    architecture: Architecture
    plan: TrainPlan
    cluster: Cluster
    stack: Stack

    @property
    def measured_s(self) -> float:
        return float(self.text["iter_time_s"])

    @property
    def peak_s(self) -> float:
        """At the data sheet's peak, all FLOPs that the hardware does."""
        plan = self.plan
        causal = plan.flash_attention
        flop = operations_of(self.architecture, sequence=plan.sequence, batch=plan.global_batch, causal=causal)
        rate = self.cluster.device.peak_flop_per_s(plan.precision) * plan.accelerators
        half = (flop.forward - flop.scores - flop.values - flop.output) / 2
        all_of_it = flop.model + half if plan.recompute == "operators" else flop.hardware(plan.recompute)
        return all_of_it / rate


def rows_of(table: str, skipped: Counter[str]) -> Iterator[Row]:
    """Rows that can be predicted; why others cannot goes into `skipped`."""
    _, found = read_rows(SHARED / f"{table}.csv")
    for text in found[:: TABLES[table]]:
        if not text["iter_time_s"]:
            skipped["no iteration time"] += 1
            continue
        case = case_of(text)
        if isinstance(case, str) or case.cluster is None:
            skipped[case if isinstance(case, str) else case.no_machine] += 1
        elif case.contradiction:
            skipped["contradicts itself"] += 1
        else:
            yield Row(table, text, case.architecture, case.plan, case.cluster, case.stack)


@dataclass(frozen=True)
class Result:
    row: Row
    step: Step

    @property
    def error(self) -> float:
        """Signed, of the measured time: above 0, predicted slower than it was."""
        return self.step.seconds / self.row.measured_s - 1


def measure(table: str, skipped: Counter[str]) -> list[Result]:
    found = []
    for row in rows_of(table, skipped):
        try:
            found.append(Result(row, step_of(row.architecture, row.plan, row.cluster, row.stack)))
        except DatahallError as refused:
            skipped[refused.problems[0].code] += 1
    return found


def utilisation(results: list[Result]) -> float:
    return statistics.median(result.row.peak_s / result.row.measured_s for result in results)


def summary(table: str, results: Mapping[str, list[Result]], skipped: Counter[str]) -> dict[str, object]:
    """Of one table: errors in percent, ours (`bias` is their signed median) and the baseline's."""
    own = results[table]
    others = [utilisation(rows) for name, rows in results.items() if name != table and rows]
    ours = [100 * result.error for result in own]
    found: dict[str, object] = {"table": table, "rows": len(own), "skipped": dict(skipped)}
    found |= {
        "mean": statistics.fmean(map(abs, ours)), "median": statistics.median(map(abs, ours)), "bias": statistics.median(ours)
    }  # fmt: skip
    if others:
        ratio = statistics.median(others)
        constant = [100 * abs(result.row.peak_s / ratio / result.row.measured_s - 1) for result in own]
        found |= {"baseline_mean": statistics.fmean(constant), "baseline_median": statistics.median(constant)}
    return found


def show(found: Mapping[str, object]) -> str:
    figures = [found.get(key) for key in ("mean", "median", "bias", "baseline_mean", "baseline_median")]
    texts = ["      -" if x is None else f"{x:+7.1f}" if i == 2 else f"{x:7.1f}" for i, x in enumerate(figures)]
    return f"{found['table']!s:<18}{found['rows']:>5}  {'  '.join(texts)}   {found['skipped'] or ''}"


def show_row(result: Result) -> str:
    plan, total = result.row.plan, result.step.seconds
    parts = ", ".join(f"{name} {part / total:.0%}" for name, part in result.step.breakdown().items() if part / total > 0.005)
    shape = f"t{plan.tensor} p{plan.pipeline}x{plan.chunks} d{plan.data} b{plan.micro_batch} s{plan.sequence}"
    time = f"{result.row.measured_s:8.3f} s {total:8.3f} s {100 * result.error:+6.1f} %"
    return f"  {result.row.architecture.name:<20} {shape:<28} {time}  {parts}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="all, when none is named; the baseline needs several")
    parser.add_argument("--rows", action="store_true", help="each row: measured, predicted, error, where the time goes")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    skipped: dict[str, Counter[str]] = {table: Counter() for table in asked.tables or TABLES}
    results = {table: measure(table, skipped[table]) for table in skipped}
    found = [summary(table, results, skipped[table]) for table in results if results[table]]
    if asked.json:
        json.dump(found, sys.stdout, indent=2)
        return 0
    print("table              rows   mean %   median     bias  constant   median   skipped")
    for each in found:
        print(show(each))
        if asked.rows:
            print("\n".join(show_row(result) for result in results[str(each["table"])]))
    for key, name in (("mean", "mean over tables"), ("baseline_mean", "of a constant utilisation")):
        figures = [float(str(each[key])) for each in found if key in each]
        print(f"{name}: {statistics.fmean(figures):.1f} %" if figures else f"{name}: needs two tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
