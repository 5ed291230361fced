"""The tables that can be validated, and how a file of rows is told apart by its header."""

import csv
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.registry import Registry
from datahall.planner.validation.cells import PLACE
from datahall.planner.validation.rows import ValidationRow

MAX_ROWS = 100_000
MAX_BYTES = 64 * 1024**2

TABLES = Registry(
    "table",
    {
        "fabric": "datahall.planner.validation.fabric:rows",
        "collectives": "datahall.planner.validation.collectives:rows",
        "facility": "datahall.planner.validation.facility:rows",
        "memory": "datahall.planner.validation.memory:rows",
        "training": "datahall.planner.validation.training:rows",
        "serving": "datahall.planner.validation.serving:rows",
    },
    group="datahall.validation",
)

HEADERS: Mapping[str, tuple[frozenset[str], ...]] = {
    "fabric": (frozenset({"system", "switch_radix", "leaf"}), frozenset({"family", "parameter"})),
    "collectives": (frozenset({"system", "ranks", "bytes", "busbw_GBps"}),),
    "facility": (frozenset({"region", "pue", "wue_L_per_kWh"}), frozenset({"location", "lat_lon", "pue"})),
    "training": (
        frozenset({"hardware", "num_devices", "iter_time_s"}),
        frozenset({"hardware", "num_devices", "tp", "pp", "dp"}),
    ),
    "memory": (frozenset({"hardware", "num_devices", "layers", "hidden", "tp", "pp", "mem_gb"}),),
    "serving": (frozenset({"hardware", "num_devices", "model", "input_len", "output_len"}),),
}
"""Columns that a file must have to be taken for a table; any of the sets does."""


BY_QUANTITY = frozenset({"facility", "memory", "training"})
"""Tables whose quantities are too unlike for one mean error."""


HELD_OUT, FITTED_ON = "held out", "fitted on"
"""Words in the note of a row by which its curve was or was not used to fit a constant."""


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


def shipped_rows(tables: Sequence[str]) -> list[ValidationRow]:
    """The published rows that come with Datahall, computed. Raises Missing when a table is not known."""
    return [row for name in tables for row in TABLES.load(name, where="--tables")()]


def rows_of_file(path: Path) -> list[ValidationRow]:
    """A CSV file's rows, computed. Raises Missing, or Refused when it is not one of the known tables."""
    header, rows = read_rows(path)
    table = table_of(header, path)
    found: list[ValidationRow] = TABLES.load(table)(own_rows=rows)
    return found


def read_rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows of a CSV file, each with its place under `PLACE`. Raises Missing or Refused with one problem."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused(Problem("PLAN-011", str(path), "this is a folder, a device or a pipe", "name a CSV file"))
        if status.st_size > MAX_BYTES:
            raise Refused(Problem("PLAN-012", str(path), f"larger than {MAX_BYTES >> 20} MiB", "split the file"))
        with path.open(encoding="utf-8-sig", newline="") as file:
            between = _between(file.readline())
            file.seek(0)
            reader = csv.DictReader(file, delimiter=between)
            header = [name.strip() for name in reader.fieldnames or ()]
            rows = [_row(row) | {PLACE: f"{path}:{reader.line_num}"} for row in reader]
    except FileNotFoundError:
        raise Missing(Problem("PLAN-010", str(path), "there is no such file", "check the path")) from None
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise Refused(Problem("PLAN-011", str(path), what, "name a CSV file that you may read")) from None
    except (UnicodeDecodeError, csv.Error) as error:
        what = "is no text" if isinstance(error, UnicodeDecodeError) else f"cannot be read as CSV: {error}"
        raise Refused(Problem("PLAN-011", str(path), what, "save it as UTF-8 CSV")) from None
    if not rows or len(rows) > MAX_ROWS:
        what = f"{len(rows):,} rows under the header"
        raise Refused(Problem("PLAN-012", str(path), what, f"give at least one row and at most {MAX_ROWS:,}"))
    return header, rows


def _between(header: str) -> str:
    """What stands between cells: semicolons or tabs where a header has no commas, as some spreadsheets write it."""
    return "," if "," in header else next((mark for mark in ";\t" if mark in header), ",")


def _row(row: Mapping[str | None, Any]) -> dict[str, str]:
    """Cells by column; those beyond the header are left out, those that are not there are empty."""
    return {str(key).strip(): value or "" for key, value in row.items() if key is not None}


def table_of(header: Sequence[str], path: Path) -> str:
    """Which table has these columns. Raises Refused naming what each would need."""
    for table, wanted in HEADERS.items():
        if any(columns <= set(header) for columns in wanted):
            return table
    needs = "; ".join(f"{table}: {' or '.join(', '.join(sorted(s)) for s in sets)}" for table, sets in HEADERS.items())
    what = f"its columns ({', '.join(header[:12]) or 'none'}) are those of no table"
    raise Refused(Problem("PLAN-013", f"{path}:1", what, f"columns that tell tables apart: {needs}"))


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
    )


def _constant(rows: Sequence[ValidationRow], name: str) -> tuple[float | None, float | None, int | None]:
    """Mean and median error of a constant, and its hits, over the rows that were computed: as ours, so that they compare."""
    errors = [getattr(row, f"{name}_error_ratio") for row in rows if row.error_ratio is not None]
    sizes = [abs(error) for error in errors if error is not None]
    verdicts = [verdict for row in rows if row.hit is not None and (verdict := getattr(row, f"{name}_hit")) is not None]
    return (fmean(sizes) if sizes else None, median(sizes) if sizes else None, sum(verdicts) if verdicts else None)


def shared_folder() -> Path | None:
    """Where large public data lie that Datahall does not ship: `$DATAHALL_SHARED`; None when there is none."""
    folder = Path(os.environ.get("DATAHALL_SHARED", "../shared"))
    return folder if folder.is_dir() else None


def as_json(rows: Sequence[ValidationRow]) -> dict[str, Any]:
    """For `--json`."""
    lines = summary(rows)
    return {
        "rows": [row.as_dict() for row in rows],
        "tables": [{name: getattr(line, name) for name in Summary.__slots__} for line in lines],
    }
