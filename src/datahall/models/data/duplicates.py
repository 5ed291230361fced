"""Rows that repeat: exact duplicates, equal features under different labels, training rows that stand in the test."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


def row_ids(*tables: NDArray[Any]) -> list[Ids]:
    """A number for each row of each table; equal numbers mean equal rows (by a 128-bit hash). NaN equals NaN, -0 equals 0."""
    known: dict[bytes, int] = {}
    return [_ids(table.reshape(len(table), -1) if len(table) else table, known) for table in tables]


def _ids(x: NDArray[Any], known: dict[bytes, int]) -> Ids:
    if x.dtype.kind == "f":
        x = np.where(np.isnan(x), np.asarray(np.nan, x.dtype), x + np.asarray(0, x.dtype))
    rows = np.ascontiguousarray(x)
    digests = (hashlib.blake2b(row, digest_size=16).digest() for row in rows)
    return np.fromiter((known.setdefault(digest, len(known)) for digest in digests), np.int64, count=len(rows))


@dataclass(frozen=True, slots=True)
class Repeats:
    """Masks over the rows that may be trained on; no row stands in two of them."""

    in_test: NDArray[np.bool_]
    """Equal features stand in the source's own test part: training on them would be leakage."""
    conflicts: NDArray[np.bool_]
    """Equal features, different labels."""
    duplicates: NDArray[np.bool_]
    """An earlier row has the same features and label."""
    conflicts_in_test: int
    """Rows of the test part whose label differs from that of an equal row there."""
    duplicates_in_test: int


def repeats(ids: Ids, y: NDArray[np.int64], *, test_ids: Ids, test_y: NDArray[np.int64]) -> Repeats:
    """Find the rows that repeat. ids, test_ids: from `row_ids`, over both tables."""
    in_test = np.isin(ids, test_ids)
    conflicts = _conflicts(ids, y) & ~in_test
    duplicates = _later(ids, y) & ~in_test & ~conflicts
    return Repeats(in_test, conflicts, duplicates, int(_conflicts(test_ids, test_y).sum()), int(_later(test_ids, test_y).sum()))


def _pairs(ids: Ids, y: NDArray[np.int64]) -> Ids:
    return ids * (int(y.max(initial=0)) + 1) + y


def _later(ids: Ids, y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows after the first of each (features, label)."""
    later = np.ones(len(ids), np.bool_)
    later[np.unique(_pairs(ids, y), return_index=True)[1]] = False
    return later


def _conflicts(ids: Ids, y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows whose features stand under more than one label."""
    if not len(ids):
        return np.zeros(0, np.bool_)
    _, first = np.unique(_pairs(ids, y), return_index=True)
    labels_of = np.bincount(ids[first], minlength=int(ids.max()) + 1)
    return labels_of[ids] > 1
