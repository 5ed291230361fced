"""Bad rows taken out before the deal, and everything counted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.models.data import missing
from datahall.models.data.duplicates import repeats, row_ids
from datahall.models.data.labels import Labels, coded, is_missing
from datahall.models.data.rows import Raw, Rows
from datahall.models.data.spec import Cleaning, DataSpec
from datahall.models.data.split import merged

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Clean:
    """Rows that stay, by their number in the source, with class and unit; `counts` goes into the card."""

    rows: Ints
    y: Ints
    unit: Ints
    """Rows with equal numbers must not be torn apart: equal features, or one group."""
    test_rows: Ints
    test_y: Ints
    names: tuple[str, ...]
    counts: dict[str, Any]


def clean(raw: Raw, spec: DataSpec) -> Clean:
    """Take out rows as `spec.clean` says. Raises Refused when nothing is left, or a label is wrong."""
    test = raw.test if raw.test is not None else raw.rows.take(np.zeros(0, np.int64))
    _sound(raw, test)
    rows, rows_test, counts = _present(raw, test, spec.clean)
    labelled = coded(
        Labels(raw.rows.y[rows], rows), Labels(test.y[rows_test], rows_test, "test row"), names=spec.labels, where=raw.where
    )
    ids, test_ids = row_ids(_taken(raw.rows, rows), _taken(test, rows_test))
    keep, found = _once(ids, labelled.y, test_ids, labelled.y_test, spec.clean)
    groups = None if raw.rows.groups is None else raw.rows.groups[rows]
    if groups is not None and test.groups is not None:
        foreign = np.isin(groups, test.groups[rows_test]) & (groups >= 0)
        found["rows_of_test_groups_dropped"] = int((foreign & keep).sum())
        keep &= ~foreign
    if not keep.any():
        raise Refused(_nothing_left(raw, "repeats, contradicts another row, or stands in the test part", counts | found))
    unit = ids[keep] if groups is None else merged(_own_group(groups[keep]), ids[keep])
    return Clean(rows[keep], labelled.y[keep], unit, rows_test, labelled.y_test, labelled.names, counts | found)


def _sound(raw: Raw, test: Rows) -> None:
    """Raises Refused when there are no rows, or rows without a value."""
    if not len(raw.rows) or (raw.test is not None and not len(test)):
        what = f"there are no{' test' if len(raw.rows) else ''} rows"
        raise Refused(Problem("DATA-050", raw.where, what, "name a source that holds some"))
    if 0 in raw.rows.x.shape[1:]:
        what = f"each row has the shape {raw.rows.x.shape[1:]}, so it holds nothing"
        raise Refused(Problem("DATA-050", raw.where, what, "name a source whose rows hold values"))


def _taken(rows: Rows, index: Ints) -> NDArray[Any]:
    """The rows as they will be stored: numbers that float32 cannot tell apart are equal."""
    x = rows.x if len(index) == len(rows) else rows.x[index]
    with np.errstate(over="ignore"):
        return x.astype(np.float32) if x.dtype == np.float64 else x


def _present(raw: Raw, test: Rows, spec: Cleaning) -> tuple[Ints, Ints, dict[str, Any]]:
    """Rows of both parts that are whole, or will be filled."""
    missing.check_columns(raw)
    bad, bad_test = missing.rows_with_holes(raw.rows), missing.rows_with_holes(test)
    if spec.missing == "refuse":
        missing.refuse_if_any(raw, bad)
        missing.refuse_if_any(raw, bad_test)
    drop, drop_test = (bad, bad_test) if spec.missing == "drop" else (is_missing(raw.rows.y), is_missing(test.y))
    counts: dict[str, Any] = {
        "missing": {
            "policy": spec.missing,
            "rows": int(bad.sum()) + int(bad_test.sum()),
            "rows_dropped": int(drop.sum()),
            "test_rows_dropped": int(drop_test.sum()),
            "rows_without_label": int(is_missing(raw.rows.y).sum()) + int(is_missing(test.y).sum()),
            "by_column": missing.by_column(raw),
        }
    }
    if drop.all() or (len(test) and drop_test.all()):
        raise Refused(_nothing_left(raw, "has a missing value", counts))
    return np.flatnonzero(~drop), np.flatnonzero(~drop_test), counts


def _once(ids: Ints, y: Ints, test_ids: Ints, test_y: Ints, spec: Cleaning) -> tuple[Mask, dict[str, Any]]:
    """Mask of rows that stay, and what was found."""
    found = repeats(ids, y, test_ids=test_ids, test_y=test_y)
    keep = ~found.in_test
    if spec.conflicts == "drop":
        keep &= ~found.conflicts
    if spec.duplicates == "drop":
        keep &= ~found.duplicates
    return keep, {
        "duplicates": _count(found.duplicates, spec.duplicates, found.duplicates_in_test),
        "conflicts": _count(found.conflicts, spec.conflicts, found.conflicts_in_test),
        "train_rows_in_test_dropped": int(found.in_test.sum()),
    }


def _count(mask: Mask, policy: str, in_test: int) -> dict[str, Any]:
    rows = int(mask.sum())
    return {"policy": policy, "rows": rows, "rows_dropped": rows if policy == "drop" else 0, "test_rows": in_test}


def _own_group(groups: Ints) -> Ints:
    """A row without a group is a group of its own."""
    alone = groups < 0
    return np.where(alone, int(groups.max(initial=0)) + 1 + np.arange(len(groups)), groups)


def _nothing_left(raw: Raw, why: str, counts: dict[str, Any]) -> Problem:
    by_column = counts["missing"]["by_column"]
    worst = max(by_column, key=lambda name: by_column[name]) if by_column else None
    hint = f"drop the column `{worst}`, or set clean.missing to mean or median" if worst else "look at the source's rows"
    return Problem("DATA-050", raw.where, f"no row is left: each one {why}", hint)
