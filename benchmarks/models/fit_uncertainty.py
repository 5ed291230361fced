"""Fit the 80 % interval of a predicted step, and the constant utilisation that a prediction must beat, on published tables.

    python -m benchmarks.models.fit_uncertainty [--write]

Reads `reference/training/*.csv` of DATAHALL_SHARED by the reader of `datahall validate`. Per class (dense in 16 bits, dense in
8 or 4, experts): log of measured over predicted, each table with the same weight. A table is left out, the interval of the
others laid over it, and the share of its rows inside is its coverage (narrow and experts, which few tables have: a model of a
table instead); the quantiles are the narrowest whose coverage, averaged over tables left out, is 80 %, so that the spread
between tables counts and not only that within. What is written as coverage leaves a platform (narrow and experts: a model) out
of choosing the width, too; rows that constants and quantiles were fitted on are covered more often. A row is predicted with the
constants of fit_steps.py --write that never saw its platform: run that first. Experts' constants are as shipped: set by hand,
fitted to no row (experts.yaml). The mechanisms themselves were chosen with the tables in sight: on rows of a kind that nobody
has seen, coverage may be less. `--write` puts quantiles into uncertainty.yaml, those of each platform or model left out into
held_out_spreads.yaml, and each table's utilisation into utilisation.yaml.
"""

import argparse
import os
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np

from datahall.foundation.errors import DatahallError
from datahall.models.parallel.step import step_of
from datahall.models.parallel.uncertainty import FILE, kind_of
from datahall.planner.validation.cells import said
from datahall.planner.validation.held_out import SPREADS, constants_without, left_out
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
    """Of one weight: a table; where few tables have the class, one model of a table."""
    apart: str
    """What is left out as one: a platform, or a model."""
    kind: str
    error: float
    share: float | None


def seen() -> list[Seen]:
    """All rows that are predicted and have a time, and contradict nothing."""
    found = []
    for path in sorted(SHARED.glob("*.csv")):
        for row in read_rows(path)[1]:
            measured, _ = measured_of(row)
            case = case_of(row)
            if measured and isinstance(case, Case) and case.machine is not None and not case.contradiction:
                found += _seen(case, measured, table_of_source(said(row, "source")))
    return found


def _seen(case: Case, measured: float, table: str) -> list[Seen]:
    if case.cluster is None:
        return []
    try:
        step = step_of(case.architecture, case.plan, case.cluster, case.stack, constants=constants_without(table))
    except DatahallError as error:
        print(f"{table}: {error}", file=sys.stderr)
        return []
    peak = peak_s(case)
    kind, apart = kind_of(case.architecture, case.plan), left_out(table, case.architecture, case.plan)
    group = table if kind == "dense" else f"{table}/{case.architecture.name}"
    return [Seen(table, group, apart, kind, log(measured / float(step.seconds)), None if peak is None else peak / measured)]


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


def without(rows: Sequence[Seen]) -> dict[str, tuple[float, float]]:
    """Of each platform or model left out, the quantiles of the others."""
    return {
        apart: fitted(by_group([row for row in rows if row.apart != apart]))[:2] for apart in {row.apart: 0 for row in rows}
    }


def unseen(rows: Sequence[Seen], others: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Share of each group's rows within the interval that was chosen, its width too, without its platform or model."""
    inside: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        low, high = others[row.apart]
        inside[row.group].append(low <= row.error <= high)
    return {group: statistics.fmean(verdicts) for group, verdicts in inside.items()}


def spread(kind: str, rows: Sequence[Seen]) -> tuple[str, list[str]]:
    """Prints what was fitted; returns its line, and those of what was left out."""
    own = [row for row in rows if row.kind == kind]
    errors, others = by_group(own), without(own)
    (low, high, _), covered = fitted(errors), unseen(own, others)
    print(f"{kind}: {low:+.3f} to {high:+.3f} on {len(own)} rows; coverage of what is left out, mean {mean(covered):.0%}:")
    for group, found in errors.items():
        print(f"  {group:<40} {len(found):>5} rows  median {statistics.median(found):+.3f}  covered {covered[group]:.0%}")
    tables = ", ".join(dict.fromkeys(row.table for row in own))
    line = f"low: {low:.3f}, high: {high:.3f}, tables: [{tables}], rows: {len(own)}, coverage_ratio: {mean(covered):.3f}"
    return f"{kind}: {{{line}}}", [
        f"  - {{kind: {kind}, without: {apart}, low: {a:.3f}, high: {b:.3f}}}" for apart, (a, b) in others.items()
    ]


def mean(covered: Mapping[str, float]) -> float:
    return statistics.fmean(covered.values())


HEAD = """# Written by benchmarks/models/fit_uncertainty.py: do not edit. Logarithm of measured over predicted seconds by class;
# each table counts the same; the quantiles are those whose average coverage of a table left out is 80 %; coverage_ratio is that
# of tables whose platform (narrow, experts: whose model) had no part in choosing them.
"""
UNSTATED = """# Half of the median spread of one configuration over NVIDIA's releases (5.8 % of 69 configurations, dense and
# experts) and over eager and compiled layers of torchtitan (about a quarter): set by hand, not fitted.
unstated_log: 0.10
"""


APART = """# Written by benchmarks/models/fit_uncertainty.py: do not edit. Quantiles as in uncertainty.yaml without a platform
# (dense rows) or a model (others, which few tables have): the interval of its rows in `datahall validate`.
spreads:
"""


def write(lines: Sequence[str], others: Sequence[str], rows: Sequence[Seen]) -> None:
    source = 'source: "reference tables of training steps, by table in `tables`"\ndate: "2026-11"\n'
    FILE.write_text(HEAD + "\n".join(lines) + "\n" + UNSTATED + source)
    SPREADS.write_text(APART + "\n".join(others) + "\n")
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
    rows = seen()
    found = [spread(kind, rows) for kind in ("dense", "narrow", "experts")]
    for table, ratios in shares(rows).items():
        print(f"utilisation of {table}: {statistics.median(ratios):.3f} over {len(ratios)} rows")
    if asked.write:
        write([line for line, _ in found], [line for _, others in found for line in others], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
