"""Validation rows summed up: one line for each table and quantity, one for a table of tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from datahall.models.parallel.step_constants import step_constants
from datahall.planner.validation.rows import ValidationRow

BY_QUANTITY = frozenset({"facility", "memory", "training", "serving", "latency"})
"""Tables whose quantities are too unlike for one mean error."""


OF_TABLES = ("training",)
"""Tables whose quantities are published tables."""


HELD_OUT, FITTED_ON = "held out", "fitted on"
"""Words in the note of a row by which its curve was or was not used to fit a constant."""


UNSEEN = (
    "held out: a row's were fitted without its platform, or not on its table; its interval was chosen without it; mechanisms, "
    "and what software does, were chosen with these tables in sight"
)


@dataclass(frozen=True, slots=True)
class Summary:
    """A table's rows of one quantity in one line."""

    table: str
    quantity: str
    rows: int
    computed: int
    judged: int
    hits: int
    mean_error_ratio: float | None
    """Mean of the sizes of the errors."""
    median_error_ratio: float | None
    baseline_mean_error_ratio: float | None
    """Of the constant, over the computed rows that have one."""
    baseline_median_error_ratio: float | None
    baseline_hits: int | None
    """Of the judged rows, where the constant was judged too."""
    peer_baseline_mean_error_ratio: float | None
    """Of the constant of the row's own kind, likewise."""
    peer_baseline_median_error_ratio: float | None
    peer_baseline_hits: int | None
    tolerance: str
    """What counts as a hit."""
    bias_ratio: float | None = None
    """Median of the errors with their signs: above 0, ours is too large."""
    others: str = ""
    """What others' models err by on these rows, where it is known."""


@dataclass(frozen=True, slots=True)
class Overall:
    """A table of published tables in one line: each of them with the same weight."""

    table: str
    tables: int
    """With at least so many rows as `LEAST_ROWS`."""
    mean_error_ratio: float
    """Mean over tables of their mean errors."""
    median_error_ratio: float
    """Mean over tables of their medians."""
    baseline_mean_error_ratio: float | None
    beaten: int
    """Tables on which our mean error is less than the constant's."""
    covered_ratio: float
    """Share of a table's rows that lay within their interval, averaged over tables."""
    note: str
    """Which constants these rows were predicted by."""


LEAST_ROWS = 8
"""A table with fewer is told, and not averaged: one source's one machine says little."""


def summary(rows: Sequence[ValidationRow]) -> list[Summary]:
    """One line for each table, in the order of the rows; one for each of its quantities where their units differ."""
    groups: dict[tuple[str, str], list[ValidationRow]] = {}
    for row in rows:
        groups.setdefault((row.table, _group_of(row)), []).append(row)
    return [_summary(table, quantity, group) for (table, quantity), group in groups.items()]


def _group_of(row: ValidationRow) -> str:
    """What a row's error may be averaged with: never held-out rows with those that constants were fitted on."""
    if row.table in BY_QUANTITY:
        return row.quantity
    if HELD_OUT in row.note:
        return HELD_OUT
    return "fitted" if FITTED_ON in row.note else ""


def _summary(table: str, quantity: str, rows: Sequence[ValidationRow]) -> Summary:
    errors = [abs(row.error_ratio) for row in rows if row.error_ratio is not None]
    judged = [row for row in rows if row.hit is not None]
    return Summary(
        table,
        quantity,
        len(rows),
        sum(row.ours is not None for row in rows),
        len(judged),
        sum(bool(row.hit) for row in judged),
        fmean(errors) if errors else None,
        median(errors) if errors else None,
        *_constant(rows, "baseline"),
        *_constant(rows, "peer_baseline"),
        tolerance=next((row.tolerance for row in rows if row.tolerance), ""),
        bias_ratio=median(row.error_ratio for row in rows if row.error_ratio is not None) if errors else None,
        others=next((row.others for row in rows if row.others), ""),
    )


def _constant(rows: Sequence[ValidationRow], name: str) -> tuple[float | None, float | None, int | None]:
    """Mean and median error of a constant, and its hits, over the rows that were computed: as ours, so that they compare."""
    errors = [getattr(row, f"{name}_error_ratio") for row in rows if row.error_ratio is not None]
    sizes = [abs(error) for error in errors if error is not None]
    verdicts = [verdict for row in rows if row.hit is not None and (verdict := getattr(row, f"{name}_hit")) is not None]
    return (fmean(sizes) if sizes else None, median(sizes) if sizes else None, sum(verdicts) if verdicts else None)


def overall(lines: Sequence[Summary]) -> list[Overall]:
    """One line for each table whose quantities are published tables of the same kind."""
    found = []
    for table in OF_TABLES:
        own = [line for line in lines if line.table == table and line.judged >= LEAST_ROWS]
        if own:
            found.append(_overall(table, own))
    return found


def _overall(table: str, lines: Sequence[Summary]) -> Overall:
    constants = [line.baseline_mean_error_ratio for line in lines if line.baseline_mean_error_ratio is not None]
    return Overall(
        table,
        len(lines),
        fmean(line.mean_error_ratio or 0.0 for line in lines),
        fmean(line.median_error_ratio or 0.0 for line in lines),
        fmean(constants) if constants else None,
        sum((line.mean_error_ratio or 0.0) < (line.baseline_mean_error_ratio or 0.0) for line in lines),
        fmean(line.hits / line.judged for line in lines),
        UNSEEN if all(HELD_OUT in line.tolerance for line in lines) else step_constants().source,
    )
