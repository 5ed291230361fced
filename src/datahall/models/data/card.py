"""The data card: what a reader needs to know before trusting a model trained on these rows."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.models.data.dataset import Part
from datahall.models.data.rows import Column

IMBALANCE_RATIO = 10.0
SUSPECTED_RATIO = 0.02
CHUNK_ROWS = 8192


def balance(parts: Mapping[str, Part], names: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of each class in each part."""
    counts = {part: np.bincount(rows.y, minlength=len(names)).tolist() for part, rows in parts.items()}
    return [{"label": name, **{part: counts[part][c] for part in parts}} for c, name in enumerate(names)]


def digest(parts: Mapping[str, Part]) -> str:
    """SHA-256 over type, shape and bytes of every array: equal digests mean equal data sets."""
    total = hashlib.sha256()
    for name, part in parts.items():
        for array in (part.x, part.y):
            total.update(f"{name} {array.dtype.str} {array.shape}".encode())
            total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def pixel_statistics(x: NDArray[Any]) -> dict[str, Any]:
    """Of all pixels of the training images."""
    if x.dtype == np.uint8:
        counts = np.zeros(256, np.int64)
        for start in range(0, len(x), CHUNK_ROWS):
            counts += np.bincount(x[start : start + CHUNK_ROWS].ravel(), minlength=256)
        values = np.arange(256, dtype=np.float64)
    else:
        values, counts = np.unique(x.astype(np.float64), return_counts=True)
    seen = values[counts > 0]
    mean = float(np.average(values, weights=counts))
    std = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
    zero = float(counts[values == 0].sum() / counts.sum())
    return {"pixels": {"mean": mean, "std": std, "min": float(seen[0]), "max": float(seen[-1]), "zero_ratio": zero}}


def column_statistics(x: NDArray[np.float64], columns: Sequence[Column]) -> dict[str, Any]:
    """Of each column of the training rows, before encoding: quantiles of numbers, counts of categories."""
    return {"columns": [_column(x[:, i][~np.isnan(x[:, i])], column) for i, column in enumerate(columns)]}


def _column(seen: NDArray[np.float64], column: Column) -> dict[str, Any]:
    if column.texts is not None:
        counts = np.bincount(seen.astype(np.int64), minlength=len(column.texts))
        top = np.argsort(-counts, kind="stable")[:10]
        common = {column.texts[i]: int(counts[i]) for i in top.tolist() if counts[i]}
        return {"name": column.name, "kind": "category", "distinct": int((counts > 0).sum()), "most_frequent": common}
    if not len(seen):
        return {"name": column.name, "kind": "number", "rows": 0}
    low, q1, median, q3, high = np.quantile(seen, [0, 0.25, 0.5, 0.75, 1]).tolist()
    quantiles = {"min": low, "q25": q1, "median": median, "q75": q3, "max": high}
    return {"name": column.name, "kind": "number", "mean": float(seen.mean()), "std": float(seen.std()), **quantiles}


def warnings(card: Mapping[str, Any]) -> Iterator[str]:
    """What a person should look at, one sentence each."""
    rows, cleaning, suspects = card["rows"], card["cleaning"], card["suspected_labels"]
    dropped = rows["read"] - rows["train"] - rows["validation"] - (0 if card["source"]["own_test"] else rows["test"])
    if dropped * 2 > rows["read"]:
        yield f"cleaning dropped {dropped} of {rows['read']} rows"
    if not rows["test"]:
        yield "there is no test part: nothing can say how well the model does on rows it has not seen"
    if not rows["validation"]:
        yield "there is no validation part: early stopping has nothing to look at"
    yield from _class_warnings(card["classes"], rows)
    if suspects["suspected"] > SUSPECTED_RATIO * max(suspects["looked_at"], 1):
        yield f"{suspects['suspected']} of {suspects['looked_at']} rows looked at may have a wrong label"
    if cleaning["conflicts"]["test_rows"]:
        yield f"{cleaning['conflicts']['test_rows']} test rows contradict another test row with equal features"
    if equal := cleaning.get("train_rows_equal_to_others_once_encoded"):
        yield f"{equal} training rows equal a held-out row once missing values are filled and outliers clipped"
    unknown = cleaning.get("unknown_categories", {})
    for part in (part for part in unknown if unknown[part]):
        yield f"{part} rows hold categories that no training row has: {', '.join(unknown[part])}"
    if flat := cleaning.get("outliers", {}).get("columns_without_fence"):
        yield f"no outliers were looked for in {', '.join(flat[:10])}: their quartiles are equal"


def _class_warnings(classes: Sequence[Mapping[str, Any]], rows: Mapping[str, int]) -> Iterator[str]:
    counts = [row["train"] for row in classes]
    if max(counts) > IMBALANCE_RATIO * min(counts):
        big, small = classes[int(np.argmax(counts))]["label"], classes[int(np.argmin(counts))]["label"]
        yield f"classes are uneven: {max(counts)} training rows of {big!r}, {min(counts)} of {small!r}"
    for part in ("validation", "test"):
        lacking = [row["label"] for row in classes if not row[part]]
        if rows[part] and lacking:
            yield f"no {part} row has the label {', '.join(map(repr, lacking[:5]))}"
