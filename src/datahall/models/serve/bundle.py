"""The folder that a replica serves: `model.onnx` and `bundle.json`. Light on imports, because replicas start with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.models.serve.tensors import DATATYPES

FORMAT = 1
MODEL_FILE = "model.onnx"
BUNDLE_FILE = "bundle.json"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: -1 in `shape` is a size that may vary; a leading -1 is the batch."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


@dataclass(frozen=True, slots=True)
class Bundle:
    """What `bundle.json` says about the model beside it."""

    folder: Path
    name: str
    task: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    labels: tuple[str, ...]
    kind: str
    variant: str
    example: Any
    """One sample that the model accepts, without the batch dimension (an object of samples when there are several inputs)."""

    @property
    def is_batched(self) -> bool:
        """Rows of different requests may run together: every tensor leads with a free dimension."""
        return all(tensor.shape[:1] == (-1,) for tensor in (*self.inputs, *self.outputs))


def read_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`. Raises Missing or Refused with what is wrong in `bundle.json`."""
    path = folder / BUNDLE_FILE
    for needed in (path, folder / MODEL_FILE):
        if not needed.is_file():
            raise Missing(Problem("SERVE-020", str(needed), "the bundle lacks this file", "package the model again"))
    try:
        data = orjson.loads(path.read_bytes())
        return _bundle(folder, data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"is not a bundle: {_reason(error)}"
        raise Refused(Problem("SERVE-021", str(path), what, "package the model again with `datahall run`")) from None


def _bundle(folder: Path, data: dict[str, Any]) -> Bundle:
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']!r}, but this version reads format {FORMAT}")
    return Bundle(
        folder=folder,
        name=str(data["name"]),
        task=str(data["task"]),
        inputs=_tensors(data["inputs"]),
        outputs=_tensors(data["outputs"]),
        labels=tuple(str(label) for label in data.get("labels") or ()),
        kind=str(data.get("kind", "")),
        variant=str(data.get("variant", "")),
        example=data.get("example"),
    )


def _tensors(rows: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    if not rows:
        raise ValueError("a model needs at least one input and one output")
    for row in rows:
        if row["datatype"] not in DATATYPES:
            raise ValueError(f"datatype {row['datatype']!r} is none of {', '.join(DATATYPES)}")
    return tuple(TensorSpec(str(row["name"]), row["datatype"], tuple(int(size) for size in row["shape"])) for row in rows)


def _reason(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)
