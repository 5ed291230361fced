"""What a report is made of: the documents that the steps left, read from the folders that are there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused


@dataclass(frozen=True, slots=True)
class Facts:
    """One model's documents. `history` and `training` are empty, and `compression` is None, when no step left them."""

    model: dict[str, Any]
    history: list[dict[str, Any]]
    training: dict[str, Any]
    evaluation: dict[str, Any]
    about: dict[str, Any]
    """`report.json` of the evaluate step."""
    mistakes: NDArray[Any]
    """Raw rows of `about["mistakes"]`."""
    compression: dict[str, Any] | None = None


def read_facts(*, train: Path, evaluate: Path, compress: Path | None = None) -> Facts:
    """The documents of one model. Raises Refused (EVAL-005) when one that must be there cannot be read."""
    return Facts(
        model=_json(train / "model.json"),
        history=_json(train / "history.json", otherwise=[]),
        training=_json(train / "training.json", otherwise={}),
        evaluation=_json(evaluate / "evaluation.json"),
        about=_json(evaluate / "report.json"),
        mistakes=_rows(evaluate / "mistakes.npy"),
        compression=None if compress is None else _json(compress / "compression.json"),
    )


def _json(path: Path, *, otherwise: Any = None) -> Any:
    if otherwise is not None and not path.exists():
        return otherwise
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(_unreadable(path, error)) from None


def _rows(path: Path) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise Refused(_unreadable(path, error)) from None
    return found


def _unreadable(path: Path, error: Exception) -> Problem:
    return Problem("EVAL-005", str(path), f"cannot be read: {error}", "run the step that makes it again")
