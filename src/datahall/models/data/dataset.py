"""The folder that the data step leaves for all steps after it.

    dataset.json       kind, task, row shape, labels, normaliser, columns, encoding, source
    x_<part>.npy       raw rows, not normalised: uint8 for images when possible, otherwise float32
    y_<part>.npy       class of each row, int64
    rows_<part>.npy    number of each row in its source, from 0, int64
    card.json          the data card

`<part>` is train, validation or test. dataset.json is written last, so a folder that has one is whole.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation import files
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.models.data.normaliser import Normaliser

FORMAT = 1
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one side: x_N… raw, y_N classes, rows_N where each stood in its source."""

    x: NDArray[Any]
    y: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is known about the rows; the rows themselves stay on disk until `part` maps them."""

    folder: Path
    kind: str
    """`image` or `table`."""
    row_shape: tuple[int, ...]
    """`(28, 28)`, `(28, 28, 3)` or `(13,)`."""
    labels: tuple[str, ...]
    normaliser: Normaliser
    columns: tuple[str, ...] = ()
    """Tables only: the name of each number in a row; `colour=red` for a category."""
    encoding: tuple[dict[str, Any], ...] = ()
    """Tables only: how each column of the source became numbers."""
    source: dict[str, Any] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    task: str = "classification"

    def part(self, name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """(x, y) of `train`, `validation` or `test`, memory-mapped and read-only. Raises Refused or Missing."""
        x, y = self._array(f"x_{name}"), self._array(f"y_{name}")
        if x.shape[1:] != self.row_shape or y.shape != x.shape[:1] or y.dtype != np.int64:
            what = f"x_{name} has shape {x.shape} and y_{name} {y.shape} ({y.dtype}), rows should be {self.row_shape}"
            raise Refused(_damaged(self.folder, what))
        return x, y

    def source_rows(self, name: str) -> NDArray[np.int64]:
        """The number, from 0, that each row of part `name` had in its source."""
        return self._array(f"rows_{name}")

    def _array(self, name: str) -> NDArray[Any]:
        path = self.folder / f"{name}.npy"
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
        except FileNotFoundError:
            raise Missing(_damaged(self.folder, f"{path.name} is missing")) from None
        except (OSError, ValueError, EOFError) as error:
            raise Refused(_damaged(self.folder, f"{path.name} cannot be read: {error}")) from None

    @classmethod
    def load(cls, folder: Path) -> "Dataset":
        """The dataset in `folder`. Raises Missing when there is none, Refused when it is damaged."""
        data, card = _json(folder, "dataset.json"), _json(folder, "card.json")
        if data.get("format") != FORMAT:
            raise Refused(_damaged(folder, f"dataset.json has format {data.get('format')!r}, this version reads {FORMAT}"))
        try:
            row_shape = tuple(int(size) for size in data["row_shape"])
            width = row_shape[-1] if data["kind"] == "table" else 1
            return cls(
                folder=folder,
                kind=str(data["kind"]),
                row_shape=row_shape,
                labels=tuple(str(label) for label in data["labels"]),
                normaliser=Normaliser.from_dict(data["normaliser"], width=width, where=str(folder / "dataset.json")),
                columns=tuple(data["columns"]),
                encoding=tuple(data["encoding"]),
                source=data["source"],
                card=card,
                task=str(data["task"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Refused(_damaged(folder, f"dataset.json lacks or misstates {error}")) from None

    def save(self, parts: Mapping[str, Part]) -> None:
        """Write the rows of all three parts, then the card, then dataset.json. Raises Unavailable when the disk is full."""
        for name in PARTS:
            part = parts[name]
            save_array(self.folder / f"x_{name}.npy", part.x)
            save_array(self.folder / f"y_{name}.npy", part.y.astype(np.int64))
            save_array(self.folder / f"rows_{name}.npy", part.rows.astype(np.int64))
        _write_json(self.folder / "card.json", self.card)
        _write_json(self.folder / "dataset.json", self._described())

    def _described(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "kind": self.kind,
            "task": self.task,
            "row_shape": list(self.row_shape),
            "labels": list(self.labels),
            "normaliser": self.normaliser.as_dict(),
            "columns": list(self.columns),
            "encoding": list(self.encoding),
            "source": self.source,
        }


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write one .npy file, whole or not at all."""
    with files.atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)


def _write_json(path: Path, value: Any) -> None:
    files.write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        data = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Missing(
            Problem("DATA-001", str(folder), f"is no dataset: {name} is missing", "run the data step first")
        ) from None
    except (OSError, ValueError) as error:
        raise Refused(_damaged(folder, f"{name} cannot be read: {error}")) from None
    if not isinstance(data, dict):
        raise Refused(_damaged(folder, f"{name} holds no mapping"))
    return data


def _damaged(folder: Path, what: str) -> Problem:
    return Problem("DATA-001", str(folder), f"the dataset is damaged: {what}", "run the data step again")
