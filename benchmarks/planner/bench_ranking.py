"""Whether predictions rank measured plans as the measurements do: is the fastest among the predicted first three?

    python -m benchmarks.planner.bench_ranking [--groups] [--json]

Reads `reference/training/*.csv` of DATAHALL_SHARED by the reader of `datahall validate`. A group: rows of one table with the
same model, hardware, precision, accelerators, sequence and batch, three or more of them that differ in their plan; then the
same with any batch, by seconds for each sequence. Of a plan measured several times the middle counts. Regret: by how much the
plan that we would have taken is slower than the fastest measured one. The comparison is what a plan chosen by chance regrets,
and how often the fastest is among three by chance.
"""

import argparse
import json
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datahall.foundation.errors import DatahallError
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step import step_of
from datahall.planner.validation.cells import said
from datahall.planner.validation.tables import read_rows
from datahall.planner.validation.training import measured_of
from datahall.planner.validation.training_rows import Case, case_of

SHARED = Path(os.environ.get("DATAHALL_SHARED", "../shared")) / "reference/training"
SAME = ("layers", "hidden", "heads", "ffn", "vocab", "seq_len", "num_devices", "hardware", "precision", "experts")
FIRST = 3


@dataclass(frozen=True)
class Tried:
    """A plan of a group."""

    plan: TrainPlan
    measured_s: float
    """For one sequence of the batch."""
    predicted_s: float


@dataclass(frozen=True)
class Group:
    table: str
    name: str
    tried: tuple[Tried, ...]
    """The fastest predicted first."""

    @property
    def best(self) -> Tried:
        return min(self.tried, key=lambda tried: tried.measured_s)

    @property
    def place(self) -> int:
        """Of the fastest measured plan among the predictions, from 1."""
        return self.tried.index(self.best) + 1

    @property
    def regret(self) -> float:
        return self.tried[0].measured_s / self.best.measured_s - 1

    @property
    def chance_regret(self) -> float:
        return statistics.fmean(tried.measured_s for tried in self.tried) / self.best.measured_s - 1

    @property
    def is_close(self) -> bool:
        """Whether more than the first three were tried, so that a place among them says something."""
        return len(self.tried) > FIRST


def groups(table: str, *, any_batch: bool = False) -> Iterator[Group]:
    """Of one table; rows that contradict themselves, have no time or are refused are left out."""
    found: dict[tuple[str, ...], list[tuple[Case, float]]] = defaultdict(list)
    for row in read_rows(SHARED / f"{table}.csv")[1]:
        measured, _ = measured_of(row)
        case = case_of(row)
        if measured and isinstance(case, Case) and case.cluster is not None and not case.contradiction:
            release = said(row, "source") if "release" in said(row, "source") else ""
            batch = "any" if any_batch else str(case.plan.global_batch)
            found[(*(said(row, column) for column in SAME), release, batch)].append((case, measured))
    for key, rows in found.items():
        tried = tuple(sorted(_tried(rows), key=lambda each: each.predicted_s))
        if len(tried) >= FIRST:
            yield Group(table, f"{rows[0][0].architecture.name} d{key[6]} b{key[-1]} s{key[5]}", tried)


def _tried(rows: Sequence[tuple[Case, float]]) -> Iterator[Tried]:
    plans: dict[TrainPlan, list[tuple[Case, float]]] = defaultdict(list)
    for case, measured in rows:
        plans[case.plan].append((case, measured))
    for plan, same in plans.items():
        case = same[0][0]
        try:
            seconds = float(step_of(case.architecture, plan, case.cluster, case.stack).seconds)  # type: ignore[arg-type]
        except DatahallError as error:
            print(error, file=sys.stderr)
            continue
        middle = statistics.median(measured for _, measured in same)
        yield Tried(plan, middle / plan.global_batch, seconds / plan.global_batch)


def summary(table: str, found: Sequence[Group]) -> dict[str, Any]:
    close = [group for group in found if group.is_close]
    regrets = [group.regret for group in found]
    return {
        "table": table, "groups": len(found), "with_more_than_three": len(close),
        "best_in_first_three": sum(group.place <= FIRST for group in close),
        "by_chance": sum(FIRST / len(group.tried) for group in close),
        "mean_regret": statistics.fmean(regrets), "largest_regret": max(regrets),
        "regret_under_5": sum(regret < 0.05 for regret in regrets),
        "mean_chance_regret": statistics.fmean(group.chance_regret for group in found),
    }  # fmt: skip


def show(line: Mapping[str, Any]) -> str:
    return (
        f"{line['table']:<18}{line['groups']:>7}{line['with_more_than_three']:>9}{line['best_in_first_three']:>12}"
        f"{line['by_chance']:>11.1f}{100 * line['mean_regret']:>11.1f}{100 * line['largest_regret']:>10.1f}"
        f"{line['regret_under_5']:>10}{100 * line['mean_chance_regret']:>16.1f}"
    )


HEAD = "{:<18} groups  over 3   in first 3  by chance  regret %   largest   under 5   chance regret %"


def show_group(group: Group) -> str:
    return f"    {group.name:<44} place {group.place} of {len(group.tried):<3} regret {group.regret:.1%}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--groups", action="store_true", help="each group: place of the fastest, and the regret")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    for any_batch in (False, True):
        tables = {path.stem: list(groups(path.stem, any_batch=any_batch)) for path in sorted(SHARED.glob("*.csv"))}
        lines = {table: summary(table, found) for table, found in tables.items() if found}
        if asked.json:
            json.dump({"any_batch": any_batch, "tables": list(lines.values())}, sys.stdout)
            print()
            continue
        print(HEAD.format("any batch" if any_batch else "same batch"))
        for table, line in lines.items():
            print(show(line))
            print("".join(show_group(group) for group in tables[table] if asked.groups), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
