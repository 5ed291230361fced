"""Rows dealt out to train, validation and test: by class, whole groups together, the same for the same seed.

A unit is what must not be torn apart: a group, or rows with equal features. Units of several rows are dealt first, to the
part that has most room for their classes; single rows then fill each class up to its exact share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.dice import stream_seed
from datahall.foundation.errors import Problem, Refused
from datahall.models.data.dataset import PARTS

TRAIN, VALIDATION, TEST = range(3)
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dealt:
    """For each part the numbers of its rows, in random order."""

    train: Ints
    validation: Ints
    test: Ints


@dataclass(frozen=True, slots=True)
class Shares:
    """What is asked for. A share of 0 leaves the part empty."""

    test_ratio: float
    validation_ratio: float
    stratify: bool = True

    @property
    def parts(self) -> list[int]:
        """The parts that shall not be empty."""
        return [TRAIN] + [VALIDATION] * (self.validation_ratio > 0) + [TEST] * (self.test_ratio > 0)


def deal(y: Ints, unit: Ints, shares: Shares, *, names: Sequence[str], seed: int, where: str) -> Dealt:
    """Deal rows out to the three parts.

    y: class of each row. unit: number of each row's unit; rows of one unit stay together.
    Raises Refused when a class has too few rows, or the units are too few or too large.
    """
    quota = _quota(y, shares, names, where)
    strata = y if shares.stratify else np.zeros_like(y)
    dice = np.random.default_rng(stream_seed(seed, "data/split"))
    order = dice.permutation(len(y))
    part = np.full(len(y), TRAIN, np.int64)
    whole = _deal_units(strata, unit, order, quota, part)
    _deal_singles(strata, order[~whole[order]], quota, part)
    _fill_empty(unit, shares, part, where)
    _every_class_is_trained(y, part, names, shares, where)
    return Dealt(*(order[part[order] == p] for p in (TRAIN, VALIDATION, TEST)))


def _quota(y: Ints, shares: Shares, names: Sequence[str], where: str) -> Ints:
    """Rows of each part (rows) and class (columns) still to be dealt. Raises Refused when a class has too few."""
    counts = np.bincount(y, minlength=len(names))
    least = len(shares.parts)
    few = [f"{name!r} ({count})" for name, count in zip(names, counts, strict=True) if count < least]
    if few:
        wanted = " and ".join(PARTS[p] for p in shares.parts)
        what = f"{len(few)} of {len(names)} classes have fewer than {least} rows: {', '.join(few[:10])}"
        fix = f"each class needs a row in {wanted}: add rows, drop the class, or set a ratio to 0"
        raise Refused(Problem("DATA-053", where, what, fix))
    counts = counts if shares.stratify else np.array([len(y)])
    test = _share(counts, shares.test_ratio, spare=least - 1)
    validation = _share(counts - test, shares.validation_ratio, spare=1)
    return np.stack([counts - test - validation, validation, test])


def _share(counts: Ints, ratio: float, *, spare: int) -> Ints:
    """The nearest whole number of rows, at least 1, leaving at least `spare`."""
    if ratio == 0:
        return np.zeros_like(counts)
    nearest: Ints = np.floor(counts * ratio + 0.5).astype(np.int64)
    return nearest.clip(1, np.maximum(counts - spare, 1))


def _deal_units(strata: Ints, unit: Ints, order: Ints, quota: Ints, part: Ints) -> NDArray[np.bool_]:
    """Deal the units of several rows, largest first; takes them off `quota`. Returns the mask of rows so dealt."""
    _, unit, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    whole = sizes[unit] > 1
    rows = order[whole[order]]
    if not len(rows):
        return whole
    rows = rows[np.argsort(unit[rows], kind="stable")]
    members = np.split(rows, np.flatnonzero(np.diff(unit[rows])) + 1)
    drawn = {int(u): i for i, u in enumerate(dict.fromkeys(unit[order[whole[order]]].tolist()))}
    members.sort(key=lambda rows: (-len(rows), drawn[int(unit[rows[0]])]))
    full = quota.copy()
    for rows in members:
        wanted = np.bincount(strata[rows], minlength=quota.shape[1])
        p = _roomiest(wanted, quota, full)
        part[rows] = p
        quota[p] -= wanted
    return whole


def _roomiest(wanted: Ints, quota: Ints, full: Ints) -> int:
    """The part that overflows least; of those the one with the largest share of its quota for these classes still free."""
    overflow = np.maximum(wanted - np.maximum(quota, 0), 0).sum(axis=1)
    free = (quota @ wanted) / np.maximum(full @ wanted, 1)
    open_parts = [p for p in (TRAIN, VALIDATION, TEST) if full[p].any()]
    return min(open_parts, key=lambda p: (overflow[p], -free[p], p))


def _deal_singles(strata: Ints, rows: Ints, quota: Ints, part: Ints) -> None:
    """Give each class its share of the test, then of validation; the rest is trained on."""
    by_class = rows[np.argsort(strata[rows], kind="stable")]
    ends = np.cumsum(np.bincount(strata[rows], minlength=quota.shape[1]))
    for c, own in enumerate(np.split(by_class, ends[:-1])):
        test, validation = max(int(quota[TEST, c]), 0), max(int(quota[VALIDATION, c]), 0)
        part[own[:test]] = TEST
        part[own[test : test + validation]] = VALIDATION


def _fill_empty(unit: Ints, shares: Shares, part: Ints, where: str) -> None:
    """A part that got nothing takes the smallest unit of the part with most units."""
    for p in shares.parts:
        if (part == p).any():
            continue
        units_of = [len(np.unique(unit[part == q])) for q in (TRAIN, VALIDATION, TEST)]
        donor = int(np.argmax(units_of))
        if units_of[donor] < 2:
            what = f"there are {len(np.unique(unit))} groups of rows that must stay together, for {len(shares.parts)} parts"
            raise Refused(Problem("DATA-054", where, what, "use more groups, or set validation_ratio or test_ratio to 0"))
        values, sizes = np.unique(unit[part == donor], return_counts=True)
        part[unit == values[np.argmin(sizes)]] = p


def _every_class_is_trained(y: Ints, part: Ints, names: Sequence[str], shares: Shares, where: str) -> None:
    lacking = [name for c, name in enumerate(names) if not (y[part == TRAIN] == c).any()]
    if lacking:
        why = "its rows stand in groups that went elsewhere" if shares.stratify else "the deal is not stratified"
        what = f"no training row has the label {', '.join(map(repr, lacking[:5]))}: {why}"
        raise Refused(Problem("DATA-054", where, what, "use smaller groups or more rows, stratify, or lower the ratios"))


def merged(first: Ints, second: Ints) -> Ints:
    """Units that join rows with an equal number in `first` or in `second`, directly or through others."""
    _, a = np.unique(first, return_inverse=True)
    _, b = np.unique(second, return_inverse=True)
    unit = a.astype(np.int64)
    while True:
        before = unit
        for number in (b, a):
            least = np.full(int(number.max(initial=-1)) + 1, len(unit), np.int64)
            np.minimum.at(least, number, unit)
            unit = least[number]
        if (unit == before).all():
            return unit
