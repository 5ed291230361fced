"""The tables that can be validated, and how a file of rows is told apart by its header."""

import csv
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.registry import Registry
from datahall.planner.validation.cells import PLACE
from datahall.planner.validation.rows import ValidationRow
from datahall.planner.validation.summaries import FITTED_ON as FITTED_ON
from datahall.planner.validation.summaries import HELD_OUT as HELD_OUT
from datahall.planner.validation.summaries import Overall, overall
from datahall.planner.validation.summaries import Summary as Summary
from datahall.planner.validation.summaries import summary as summary

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
        "latency": "datahall.planner.validation.serving_latency:rows",
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
        frozenset({"hardware", "num_devices", "seq_len"}),
    ),
    "memory": (frozenset({"hardware", "num_devices", "layers", "hidden", "tp", "pp", "mem_gb"}),),
    "latency": tuple(frozenset({"hardware", "num_devices", "input_len", name}) for name in ("ttft_ms", "itl_ms")),
    "serving": (frozenset({"hardware", "num_devices", "model", "input_len", "output_len"}),),
}
"""Columns that a file must have to be taken for a table; any of the sets does."""


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
        "overall": [{name: getattr(line, name) for name in Overall.__slots__} for line in overall(lines)],
    }
