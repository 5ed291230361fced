"""Fit the 80 % interval of a predicted step, and the constant utilisation that a prediction must beat, on published tables.

    python -m benchmarks.models.fit_uncertainty [--write]

Reads `reference/training/*.csv` of DATAHALL_SHARED by the reader of `datahall validate`. Per class (dense in 16 bits, dense in
8 or 4, experts): log of measured over predicted, each table with the same weight. A table is left out, the interval of the
others laid over it, and the share of its rows inside is its coverage (narrow and experts, which few tables have: a model of a
table instead); the quantiles are the narrowest whose coverage, averaged over tables left out, is 80 %, so that the spread
between tables counts and not only that within. What is written as coverage leaves the table out of choosing the width, too;
rows that constants and quantiles were fitted on are covered more often. A row is predicted with constants that never saw its
platform (fit_steps), or its model where it has experts (fit_experts). The mechanisms themselves were chosen with the tables in
sight: on rows of a kind that nobody has seen, coverage may be less. `--write` puts quantiles into uncertainty.yaml, and each
table's utilisation into utilisation.yaml.
"""

import argparse
import os
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
from benchmarks.models import bench_moe_accuracy, fit_experts, fit_steps

from datahall.foundation.errors import DatahallError
from datahall.models.parallel.expert_constants import ExpertConstants
from datahall.models.parallel.step import step_of
from datahall.models.parallel.step_constants import StepConstants
from datahall.models.parallel.uncertainty import FILE, NARROW
from datahall.planner.validation.cells import said
from datahall.planner.validation.tables import read_rows
from datahall.planner.validation.training import measured_of
from datahall.planner.validation.training_rows import Case, case_of
from datahall.planner.validation.utilisation import FILE as SHARES
from datahall.planner.validation.utilisation import peak_s, table_of_source

SHARED = Path(os.environ.get("DATAHALL_SHARED", "../shared")) / "reference/training"
WANTED = 0.80
LEVELS = np.arange(0.10, -0.0001, -0.005)
LEAST = 0.03
"""On either side: what is predicted lies inside, and the same run measured twice differs by about as much."""
Errors = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Seen:
    """A row: its table, its class, and the logarithm of measured over predicted."""

    table: str
    group: str
    """What is left out as one: a table; where few tables have the class, one model of a table."""
    kind: str
    error: float
    share: float | None


@dataclass(frozen=True)
class Without:
    """Constants that never saw what is predicted."""

    by_table: Mapping[str, StepConstants]
    """Fitted without the table's platform."""
    by_model: Mapping[str, ExpertConstants]
    """Fitted without the model."""


def without() -> Without:
    steps, _ = fit_steps.held_out(fit_steps.tables())
    mixed = [row for row in bench_moe_accuracy.rows_of(Counter()) if row.architecture.experts is not None]
    models = {row.architecture.name for row in mixed}
    others = {model: fit_experts.fit([row for row in mixed if row.architecture.name != model]) for model in sorted(models)}
    return Without({table: steps[platform] for table, platform in fit_steps.PLATFORMS.items()}, others)


def seen(unseen: Without) -> list[Seen]:
    """All rows that are predicted and have a time, and contradict nothing."""
    found = []
    for path in sorted(SHARED.glob("*.csv")):
        for row in read_rows(path)[1]:
            measured, _ = measured_of(row)
            case = case_of(row)
            if measured and isinstance(case, Case) and case.machine is not None and not case.contradiction:
                found += _seen(case, measured, table_of_source(said(row, "source")), unseen)
    return found


def _seen(case: Case, measured: float, table: str, unseen: Without) -> list[Seen]:
    if case.cluster is None:
        return []
    steps, experts = unseen.by_table.get(table), unseen.by_model.get(case.architecture.name)
    try:
        step = step_of(case.architecture, case.plan, case.cluster, case.stack, constants=steps, experts=experts)
    except DatahallError as error:
        print(f"{table}: {error}", file=sys.stderr)
        return []
    peak = peak_s(case)
    kind = kind_of(case)
    group = table if kind == "dense" else f"{table}/{case.architecture.name}"
    return [Seen(table, group, kind, log(measured / float(step.seconds)), None if peak is None else peak / measured)]


def kind_of(case: Case) -> str:
    if case.architecture.experts is not None:
        return "experts"
    return "narrow" if case.plan.precision in NARROW else "dense"


def by_group(rows: Sequence[Seen]) -> Errors:
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        found[row.group].append(row.error)
    return found


def quantile(errors: Errors, level: float) -> float:
    """Of all rows, each table with the same weight."""
    values = np.concatenate([np.asarray(rows) for rows in errors.values()])
    weights = np.concatenate([np.full(len(rows), 1 / len(rows)) for rows in errors.values()])
    order = np.argsort(values)
    places = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return float(np.interp(level, places, values[order]))


def coverages(errors: Errors, level: float, widen: float) -> dict[str, float]:
    """Share of each table's rows within the interval of the others."""
    found = {}
    for table, own in errors.items():
        others = {name: rows for name, rows in errors.items() if name != table}
        low, high = quantile(others, level) - widen, quantile(others, 1 - level) + widen
        found[table] = statistics.fmean(low <= error <= high for error in own)
    return found


def fitted(errors: Errors) -> tuple[float, float, dict[str, float]]:
    """Quantiles whose average coverage of tables left out is 80 %: first further out, then widened on both sides."""
    tries = [(float(level), 0.0) for level in LEVELS] + [(0.0, widen) for widen in np.arange(0.01, 0.6, 0.01)]
    for level, widen in tries:
        covered = coverages(errors, max(0.0, level), widen)
        if statistics.fmean(covered.values()) >= WANTED:
            break
    low, high = quantile(errors, max(0.0, level)) - widen, quantile(errors, 1 - max(0.0, level)) + widen
    return min(low, -LEAST), max(high, LEAST), covered


def unseen(errors: Errors) -> dict[str, float]:
    """Share of each table's rows within an interval that was chosen, its width too, without that table."""
    found = {}
    for table, own in errors.items():
        low, high, _ = fitted({name: rows for name, rows in errors.items() if name != table})
        found[table] = statistics.fmean(low <= error <= high for error in own)
    return found


def spread(kind: str, rows: Sequence[Seen]) -> str:
    errors = by_group([row for row in rows if row.kind == kind])
    (low, high, chosen), covered = fitted(errors), unseen(errors)
    inside = statistics.fmean(statistics.fmean(low <= error <= high for error in own) for own in errors.values())
    count = sum(map(len, errors.values()))
    print(
        f"{kind}: {low:+.3f} to {high:+.3f} on {count} rows; coverage, mean over tables: {mean(covered):.0%} of tables left out"
    )
    print(f"  altogether, {mean(chosen):.0%} of those that only the width had seen, {inside:.0%} of all; left out altogether:")
    for table, own in errors.items():
        middle = statistics.median(own)
        print(f"  {table:<40} {len(own):>5} rows  median {middle:+.3f}  covered {covered[table]:.0%}")
    tables = ", ".join(dict.fromkeys(row.table for row in rows if row.kind == kind))
    return (
        f"{kind}: {{low: {low:.3f}, high: {high:.3f}, tables: [{tables}], rows: {count}, coverage_ratio: {mean(covered):.3f}}}"
    )


def mean(covered: Mapping[str, float]) -> float:
    return statistics.fmean(covered.values())


HEAD = """# Written by benchmarks/models/fit_uncertainty.py: do not edit. Logarithm of measured over predicted seconds by class;
# each table counts the same; the quantiles are those whose average coverage of a table left out is 80 %; coverage_ratio is that
# of tables which had no part in choosing them.
"""
UNSTATED = """# Half of the median spread of one configuration over NVIDIA's releases (5.8 % of 69 configurations, dense and
# experts) and over eager and compiled layers of torchtitan (about a quarter): set by hand, not fitted.
unstated_log: 0.10
"""


def write(lines: Sequence[str], rows: Sequence[Seen]) -> None:
    source = 'source: "reference tables of training steps, by table in `tables`"\ndate: "2026-11"\n'
    FILE.write_text(HEAD + "\n".join(lines) + "\n" + UNSTATED + source)
    text = SHARES.read_text()
    for table, ratios in shares(rows).items():
        figures = f"ratio: {statistics.median(ratios):.4f}, rows: {len(ratios)}"
        text = re.sub(rf"({{table: {table}), (?:ratio: [\d.]+, rows: \d+, )?", rf"\1, {figures}, ", text)
    SHARES.write_text(text)


def shares(rows: Sequence[Seen]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.share is not None:
            found[row.table].append(row.share)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="put what was fitted into the constants")
    asked = parser.parse_args()
    rows = seen(without())
    lines = [spread(kind, rows) for kind in ("dense", "narrow", "experts")]
    for table, ratios in shares(rows).items():
        print(f"utilisation of {table}: {statistics.median(ratios):.3f} over {len(ratios)} rows")
    if asked.write:
        write(lines, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
