"""Medians beside their limits, as a table or as JSON."""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A measured median beside its limit; None: shown for comparison."""

    what: str
    value: float
    limit: float | None
    runs: int
    unit: str = "s"

    @property
    def holds(self) -> bool:
        return self.limit is None or self.value <= self.limit


def median_s(do: Callable[[], object], runs: int) -> float:
    """Seconds that it takes, the median of so many runs."""
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        do()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def arguments(about: str | None, *, runs: int) -> argparse.Namespace:
    """`--json` and `--runs`."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--runs", type=int, default=runs, help="turns of each measurement")
    return parser.parse_args()


def shown(rows: Iterable[Row], *, as_json: bool) -> int:
    """Print the rows as they are measured; the exit code: 1 when a limit is missed."""
    found = []
    if not as_json:
        print(f"{'what':<66}{'median':>12}{'limit':>10}", flush=True)
    for row in rows:
        found.append(row)
        if not as_json:
            limit = "" if row.limit is None else f"{row.limit:g} {row.unit}"
            verdict = "" if row.holds else "   MISSED"
            print(f"{row.what:<66}{f'{row.value:.3f} {row.unit}':>12}{limit:>10}{verdict}", flush=True)
    if as_json:
        print(json.dumps([asdict(row) | {"holds": row.holds} for row in found], indent=1))
    return 0 if all(row.holds for row in found) else 1
