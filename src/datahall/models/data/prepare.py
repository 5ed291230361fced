"""From a source to a dataset: read, clean, deal out, encode, fit the normaliser, write the card."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.models.data import card, encoding, missing, normaliser, outliers, sources
from datahall.models.data.cleaning import Clean, clean
from datahall.models.data.dataset import PARTS, Dataset, Part
from datahall.models.data.duplicates import row_ids
from datahall.models.data.rows import Raw, Rows
from datahall.models.data.spec import DataSpec
from datahall.models.data.split import Dealt, Shares, deal
from datahall.models.data.suspects import suspected

Ints = NDArray[np.int64]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shaped:
    """Parts as they will be stored, and how they came to be so."""

    parts: dict[str, Part]
    columns: tuple[str, ...] = ()
    encoding: Sequence[dict[str, Any]] = ()
    statistics: dict[str, Any] | None = None
    counts: dict[str, Any] | None = None


def prepare(spec: DataSpec, *, folder: Path, seed: int, outputs: Path, say: Say) -> Dataset:
    """Make the dataset that `spec` describes and save it in `outputs`.

    folder: where relative paths of the recipe are looked up. Raises Refused or Missing with what is wrong.
    """
    digests = sources.source_digests(spec, folder=folder)
    raw = sources.read(spec, folder=folder)
    say(f"read {_size(raw)} from {raw.where}")
    kept = clean(raw, spec)
    say(_cleaned(kept))
    shares = Shares(0.0 if raw.test is not None else spec.split.test_ratio, spec.split.validation_ratio, spec.split.stratify)
    dealt = deal(kept.y, kept.unit, shares, names=kept.names, seed=seed, where=raw.where)
    shaped = (_table if raw.kind == "table" else _images)(raw, kept, dealt, spec)
    train = shaped.parts["train"]
    fitted = normaliser.fit(train.x, spec.normalise, kind=raw.kind, value_max=raw.value_max)
    doubts = suspected(train.x, train.y, fitted, rows=train.rows, names=kept.names, seed=seed)
    say(_dealt(shaped, kept, doubts))
    source = {"kind": spec.source.kind, "where": raw.where, "own_test": raw.test is not None, **raw.notes}
    described = _card(raw, kept, shaped, doubts, source=source, spec=spec, seed=seed, digests=digests)
    for warning in described["warnings"]:
        say(f"look at this: {warning}")
    dataset = Dataset(
        folder=outputs,
        kind=raw.kind,
        row_shape=train.x.shape[1:],
        labels=kept.names,
        normaliser=fitted,
        columns=shaped.columns,
        encoding=tuple(shaped.encoding),
        source=source,
        card=described,
    )
    dataset.save(shaped.parts)
    return dataset


def _places(raw: Raw, kept: Clean, dealt: Dealt) -> list[tuple[str, Rows, Ints, Ints]]:
    """(part, the rows it is taken from, which of them, their classes)."""
    places = [
        ("train", raw.rows, kept.rows[dealt.train], kept.y[dealt.train]),
        ("validation", raw.rows, kept.rows[dealt.validation], kept.y[dealt.validation]),
    ]
    if raw.test is not None:
        return [*places, ("test", raw.test, kept.test_rows, kept.test_y)]
    return [*places, ("test", raw.rows, kept.rows[dealt.test], kept.y[dealt.test])]


def _images(raw: Raw, kept: Clean, dealt: Dealt, spec: DataSpec) -> Shaped:
    parts = {name: Part(rows.x[index], y, index) for name, rows, index, y in _places(raw, kept, dealt)}
    if spec.clean.missing in ("mean", "median") and missing.holes(raw.rows.x) is not None:
        parts = _filled(parts, "mean" if spec.clean.missing == "mean" else "median")
    return Shaped(parts, statistics=card.pixel_statistics(parts["train"].x))


def _filled(parts: dict[str, Part], method: Any) -> dict[str, Part]:
    """Images whose missing pixels have the value that training images have there."""
    flat = {name: part.x.reshape(len(part), int(np.prod(part.x.shape[1:]))) for name, part in parts.items()}
    fill = missing.fills(flat["train"], (), method)
    return {
        name: Part(missing.filled(flat[name], fill).reshape(part.x.shape), part.y, part.rows) for name, part in parts.items()
    }


def _table(raw: Raw, kept: Clean, dealt: Dealt, spec: DataSpec) -> Shaped:
    """Fences, fills and categories are fitted on training rows, in this order."""
    places = _places(raw, kept, dealt)
    x = {name: _finite(rows.x[index]) for name, rows, index, _ in places}
    fences = outliers.fences(x["train"], raw.columns, iqr=spec.clean.outlier_iqr)
    counts: dict[str, Any] = {"policy": spec.clean.outliers, **outliers.counted(x["train"], raw.columns, fences)}
    counts["columns_without_fence"] = list(fences.flat)
    if spec.clean.outliers == "drop":
        inside = ~fences.outside(x["train"]).any(axis=1)
        places[0] = ("train", raw.rows, places[0][2][inside], places[0][3][inside])
        x["train"] = x["train"][inside]
        _classes_survive(places[0][3], kept, raw)
    counts["rows_dropped"] = counts["rows"] if spec.clean.outliers == "drop" else 0
    fill = missing.fills(x["train"], raw.columns, spec.clean.missing) if spec.clean.missing in ("mean", "median") else None
    fitted = encoding.fit(
        x["train"], raw.columns, fill=fill, clip=fences if spec.clean.outliers == "clip" else None, where=raw.where
    )
    parts, unknown = {}, {}
    for name, _, index, y in places:
        encoded, unknown[name] = fitted.encode(x[name])
        parts[name] = Part(encoded, y, index)
    statistics = card.column_statistics(x["train"], raw.columns)
    found = {
        "outliers": counts,
        "unknown_categories": {name: seen for name, seen in unknown.items() if seen},
        "train_rows_equal_to_others_once_encoded": _equal_once_encoded(parts),
    }
    return Shaped(parts, fitted.names, fitted.described(), statistics, found)


def _equal_once_encoded(parts: dict[str, Part]) -> int:
    """Training rows that filling, clipping or unknown categories have made equal to a row that is held out."""
    train, *others = row_ids(*(parts[name].x for name in PARTS))
    return int(np.isin(train, np.concatenate(others)).sum())


def _finite(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Infinite and unstorable values are as good as missing."""
    holes = missing.holes(x)
    return x if holes is None else np.where(holes, np.nan, x)


def _classes_survive(y: Ints, kept: Clean, raw: Raw) -> None:
    lacking = [name for c, name in enumerate(kept.names) if not (y == c).any()]
    if lacking:
        what = f"every training row of {', '.join(map(repr, lacking[:5]))} has an outlier"
        raise Refused(Problem("DATA-053", raw.where, what, "raise clean.outlier_iqr, or clip outliers instead of dropping"))


def _card(
    raw: Raw,
    kept: Clean,
    shaped: Shaped,
    doubts: dict[str, Any],
    *,
    source: dict[str, Any],
    spec: DataSpec,
    seed: int,
    digests: Sequence[str],
) -> dict[str, Any]:
    licence = spec.licence or raw.notes.get("licence")
    made: dict[str, Any] = {
        "format": 1,
        "source": {**source, "licence": licence, "digests": list(digests)},
        "seed": seed,
        "kind": raw.kind,
        "rows": {
            "read": len(raw.rows),
            "read_test": 0 if raw.test is None else len(raw.test),
            "clean": len(kept.rows),
            **{name: len(part) for name, part in shaped.parts.items()},
        },
        "classes": card.balance(shaped.parts, kept.names),
        "cleaning": kept.counts | (shaped.counts or {}),
        "suspected_labels": doubts,
        "statistics": shaped.statistics,
        "digest": card.digest(shaped.parts),
    }
    return made | {"warnings": list(card.warnings(made))}


def _size(raw: Raw) -> str:
    test = f" and {len(raw.test):,} test rows" if raw.test is not None else ""
    shape = "x".join(map(str, raw.rows.x.shape[1:]))
    what = f"images of {shape}" if raw.kind == "image" else f"rows of {shape} columns"
    return f"{len(raw.rows):,} {what}{test}"


def _cleaned(kept: Clean) -> str:
    counts = kept.counts
    dropped = ", ".join(f"{counts[name]['rows_dropped']:,} {name}" for name in ("missing", "duplicates", "conflicts"))
    return f"dropped {dropped}, {counts['train_rows_in_test_dropped']:,} that stand in the test part; {len(kept.rows):,} stay"


def _dealt(shaped: Shaped, kept: Clean, doubts: dict[str, Any]) -> str:
    sizes = ", ".join(f"{len(part):,} {name}" for name, part in shaped.parts.items())
    return f"{len(kept.names)} classes: {sizes}; {doubts['suspected']} of {doubts['looked_at']:,} labels looked at are doubtful"
