"""Fit the constants of a training step, and hold each table against constants that never saw its platform.

    python -m benchmarks.models.fit_steps [--write]

Reads the eight tables of bench_step_accuracy.py, below DATAHALL_SHARED. Fitted: the bounded constants of StepConstants, none of
which belongs to a table; least squares of the logarithm, outliers damped, every table of the same weight, and each constant
drawn weakly to an expected value, so that what the tables do not tell stays there. What is reported is
leave-one-platform-out: for each table, constants fitted without any row of its platform (PLATFORMS), beside one constant
utilisation from the same other tables. `--write` puts the constants of all tables into step.yaml, and those of each platform
left out into held_out_steps.yaml, by which `datahall validate` predicts that platform's rows.

What this does not show: the mechanisms were chosen by people who had seen all eight tables, so that even a held-out error is
not that of a table nobody has seen.
"""

import argparse
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from benchmarks.models.bench_step_accuracy import TABLES, Row, rows_of
from scipy.optimize import least_squares

from datahall.foundation.errors import DatahallError
from datahall.models.parallel.step import step_of
from datahall.models.parallel.step_constants import StepConstants
from datahall.planner.validation.held_out import STEPS

TARGET = Path(__file__).parents[2] / "src/datahall/models/parallel/constants/step.yaml"
MOST_ROWS = 36
"""Of a table, in fitting: evenly taken. In reporting, all."""
BOUNDS = {
    "limited_ratio": (0.6, 0.9, 1.0, 0.1),
    "contention_ratio": (0.0, 0.19, 0.4, 0.1),
    "straggler_ratio": (0.0, 0.005, 0.03, 0.005),
    "step_s": (0.0, 0.01, 0.05, 0.01),
    "misaligned_ratio": (0.0, 0.05, 0.3, 0.1),
}
"""Lowest, expected and highest value of each constant, what hardware and hosts can be, and how far from the expected one the
tables must push it for one unit of loss. The expected contention is arXiv:2507.03114's mean; the others are orders of magnitude
that nobody's measurement stands behind."""
PRIOR = 0.03
"""Weight of the expected values: the error, in logarithms, of a table that weighs as much as one unit of spread."""
PLATFORMS = {
    "sc21_table1": "Selene", "korthikanti_tab5": "Selene", "bloom_tuning": "Jean Zay", "vtrain_multi": "vTrain",
    "vtrain_single": "vTrain", "llm_foundry": "MosaicML", "internevo": "InternEvo", "torchtitan": "Meta",
}  # fmt: skip
Tables = Mapping[str, Sequence[Row]]


def tables() -> Tables:
    """Rows that can be predicted."""
    return {table: list(predictable(rows_of(table, Counter()))) for table in TABLES}


def predictable(rows: Iterable[Row]) -> Iterable[Row]:
    for row in rows:
        try:
            step_of(row.architecture, row.plan, row.cluster, row.stack)
        except DatahallError:
            continue
        yield row


def constants_of(values: Sequence[float], source: str = "being fitted") -> StepConstants:
    return StepConstants(**dict(zip(BOUNDS, map(float, values), strict=True)), source=source, date="2026-11")


def errors(rows: Sequence[Row], constants: StepConstants) -> np.ndarray:
    """Logarithms of predicted over measured."""
    found = [step_of(row.architecture, row.plan, row.cluster, row.stack, constants=constants).seconds for row in rows]
    return np.log(found) - np.log([row.measured_s for row in rows])


def fit(data: Tables) -> StepConstants:
    """Least squares within BOUNDS; each table counts once, however many rows it has."""
    low, first, high, spread = np.array(list(BOUNDS.values())).T
    some = {table: rows[:: -(-len(rows) // MOST_ROWS)] for table, rows in data.items()}

    def residuals(values: np.ndarray) -> np.ndarray:
        found = low + (high - low) * values
        constants = constants_of(found)
        tables = [damped(errors(rows, constants)) / np.sqrt(len(rows)) for rows in some.values()]
        return np.concatenate([*tables, PRIOR * (found - first) / spread])

    start = np.clip((first - low) / (high - low), 0.02, 0.98)
    found = least_squares(residuals, start, bounds=(0, 1), diff_step=0.02, xtol=1e-3, ftol=1e-3, max_nfev=12)
    return constants_of(low + (high - low) * found.x)


def damped(logarithms: np.ndarray, scale: float = 0.1) -> np.ndarray:
    """Roots of the soft L1 loss: errors beyond `scale` count in proportion, not squared."""
    squared = (logarithms / scale) ** 2
    return np.sign(logarithms) * scale * np.sqrt(2 * (np.sqrt(1 + squared) - 1))


def utilisation(data: Tables) -> float:
    """Median over tables of each table's median share of the peak."""
    return statistics.median(statistics.median(row.peak_s / row.measured_s for row in rows) for rows in data.values())


def percent(logarithms: np.ndarray) -> tuple[float, float, float]:
    """Mean, median, signed median of the relative error."""
    found = 100 * np.expm1(logarithms)
    return float(np.abs(found).mean()), float(np.median(np.abs(found))), float(np.median(found))


def held_out(data: Tables) -> tuple[dict[str, StepConstants], dict[str, float]]:
    """Of each platform: constants, and the baseline's utilisation, from all others."""
    others = {name: {t: rows for t, rows in data.items() if PLATFORMS[t] != name} for name in set(PLATFORMS.values())}
    return {name: fit(rest) for name, rest in others.items()}, {name: utilisation(rest) for name, rest in others.items()}


def report(data: Tables, all_of_them: StepConstants, fitted: Mapping[str, StepConstants], shares: Mapping[str, float]) -> str:
    """Prints errors by table; returns them in a line. fitted, shares: of each platform left out."""
    lines, means = ["table                rows   held out: mean %  median    bias   constant: mean  median   in sample"], []
    for table, rows in data.items():
        ours = percent(errors(rows, fitted[PLATFORMS[table]]))
        share = shares[PLATFORMS[table]]
        constant = percent(np.log([row.peak_s / share / row.measured_s for row in rows]))
        inside = percent(errors(rows, all_of_them))
        means.append((ours[0], ours[1], constant[0], inside[0]))
        lines.append(
            f"{table:<20}{len(rows):>5}{ours[0]:>18.1f}{ours[1]:>8.1f}{ours[2]:>+8.1f}{constant[0]:>17.1f}{constant[1]:>8.1f}"
            f"{inside[0]:>18.1f}"
        )
    mean = np.mean(means, axis=0)
    lines.append(f"{'mean over tables':<25}{mean[0]:>18.1f}{mean[1]:>8.1f}{'':8}{mean[2]:>17.1f}{'':8}{mean[3]:>18.1f}")
    print("\n".join(lines))
    for name, constants in fitted.items():
        print(f"without {name:<10}", ", ".join(f"{each} {getattr(constants, each):.3g}" for each in BOUNDS))
    return f"held out by platform: mean {mean[0]:.1f} %, median {mean[1]:.1f} % over {len(means)} tables"


def write(constants: StepConstants, text: str) -> None:
    lines = ["# Written by benchmarks/models/fit_steps.py --write; do not edit."]
    lines += [f"{name}: {getattr(constants, name):.4g}" for name in BOUNDS]
    TARGET.write_text("\n".join([*lines, f'source: "{text}"', 'date: "2026-11"', ""]))


def write_held_out(fitted: Mapping[str, StepConstants], text: str) -> None:
    lines = [
        "# Written by benchmarks/models/fit_steps.py --write; do not edit. Constants without any row of a platform.",
        "platforms:",
    ]
    for platform, constants in sorted(fitted.items()):
        tables = [table for table, name in PLATFORMS.items() if name == platform]
        values = ", ".join(f"{name}: {getattr(constants, name):.4g}" for name in BOUNDS)
        source = "all tables of fit_steps.py but these"
        lines.append(f"  - name: {platform}\n    tables: [{', '.join(tables)}]")
        lines.append(f'    constants: {{{values}, source: "{source}", date: "2026-11"}}')
    STEPS.write_text("\n".join([*lines, f'error: "{text}"', ""]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the constants into step.yaml")
    asked = parser.parse_args()
    data = tables()
    constants = fit(data)
    print("all tables:", ", ".join(f"{name} {getattr(constants, name):.4g}" for name in BOUNDS))
    fitted, shares = held_out(data)
    found = report(data, constants, fitted, shares)
    if asked.write:
        write_held_out(fitted, found)
        write(constants, f"fitted by benchmarks/models/fit_steps.py on {', '.join(data)}; {found}")
        print(f"wrote {TARGET} and {STEPS}")


if __name__ == "__main__":
    main()
