"""Labels as the source writes them -> class numbers and names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused


@dataclass(frozen=True, slots=True)
class Labelled:
    """Class numbers of the rows and of the source's own test part, and the name of each class."""

    y: NDArray[np.int64]
    y_test: NDArray[np.int64]
    names: tuple[str, ...]


def is_missing(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows without a label: an empty text or NaN."""
    missing = np.zeros(len(y), np.bool_)
    if y.dtype.kind == "f":
        missing |= ~np.isfinite(y)
    elif y.dtype.kind == "U":
        missing |= y == ""
    return missing


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels as written, and the number, from 0, of each row in its source."""

    y: NDArray[Any]
    rows: NDArray[np.int64]
    kind: str = "row"


def coded(train: Labels, test: Labels, *, names: Sequence[str], where: str) -> Labelled:
    """Number the classes: by `names` when the recipe gives them, otherwise in order of value.

    Raises Refused when a label is no class, lies outside `names`, stands in the test part only, or there is one class.
    """
    plain, plain_test = _plain(train, where), _plain(test, where)
    order = _declared(plain, plain_test, names) if names else np.unique(plain).tolist()
    found = tuple(str(name) for name in (names or order))
    if len(found) < 2:
        what = f"all {len(plain)} rows have the label {found[0]!r}" if found else "no row has a label"
        raise Refused(Problem("DATA-051", where, what, "a model needs at least two classes to tell apart"))
    return Labelled(_indexes(plain, order, train, where), _indexes(plain_test, order, test, where), found)


def _plain(labels: Labels, where: str) -> NDArray[Any]:
    """Whole numbers as int64, texts as texts; texts that are all whole numbers become numbers."""
    y = labels.y
    if y.dtype.kind in "bui":
        return y.astype(np.int64)
    if y.dtype.kind == "f":
        odd = np.flatnonzero((y != np.round(y)) | (np.abs(y) > 2**53))
        if len(odd):
            what = f"{labels.kind} {labels.rows[odd[0]]} has the label {y[odd[0]]}, which is no class"
            raise Refused(Problem("DATA-052", where, what, "turn the numbers into classes; regression is not supported here"))
        return y.astype(np.int64)
    if y.dtype.kind != "U":
        raise Refused(Problem("DATA-052", where, f"labels are of type {y.dtype}", "save them as whole numbers or texts"))
    distinct = np.unique(y)
    numeric = all(_is_whole(text) for text in distinct.tolist())
    return y.astype(np.int64) if numeric and len(y) else y


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 18 and str(int(text)) == text


def _declared(plain: NDArray[Any], plain_test: NDArray[Any], names: Sequence[str]) -> list[Any]:
    """What the labels look like in the source, in the order of `names`: 0, 1, 2… or the names themselves."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise Refused(Problem("DATA-052", "data.labels", f"{repeated[0]!r} stands twice", "name each class once"))
    if plain.dtype.kind == "U":
        return list(names)
    as_names = all(str(value) in names for value in np.unique(np.concatenate([plain, plain_test])).tolist())
    return [int(name) for name in names] if as_names and all(map(_is_whole, names)) else list(range(len(names)))


def _indexes(plain: NDArray[Any], order: list[Any], labels: Labels, where: str) -> NDArray[np.int64]:
    """The place in `order` of each label. Raises Refused with the labels that are not in it."""
    place = {value: i for i, value in enumerate(order)}
    distinct, inverse = np.unique(plain, return_inverse=True)
    codes = np.array([place.get(value, len(order)) for value in distinct.tolist()], np.int64)[inverse]
    odd = np.flatnonzero(codes == len(order))
    if len(odd):
        allowed = ", ".join(map(repr, order[:10])) + (f" … {order[-1]!r}" if len(order) > 10 else "")
        seen = ", ".join(map(repr, dict.fromkeys(plain[odd].tolist()[:1000])))[:200]
        first = f"{labels.kind} {labels.rows[odd[0]]}{f' and {len(odd) - 1} more' if len(odd) > 1 else ''}"
        what = f"{first} with a label out of range: {seen}; the classes are {allowed}"
        raise Refused(Problem("DATA-052", where, what, "correct the rows, or list every class in `data.labels`"))
    return codes
