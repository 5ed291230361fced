"""What the train step leaves for the steps after it: `model.safetensors` (weights) and `model.json` (how to use them)."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from datahall.foundation import files
from datahall.foundation.document import problems_of
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.spec import Spec
from datahall.models.families.build import build
from datahall.models.families.spec import ModelSpec

WEIGHTS, CARD = "model.safetensors", "model.json"


class TrainedCard(Spec):
    """Enough to rebuild the network and to feed it: logits_BC = network(normalised rows)."""

    format: Literal[1] = 1
    model: ModelSpec
    row_shape: tuple[int, ...]
    labels: tuple[str, ...]
    """Name of each class, in the order of the logits."""
    kind: str = "table"
    """`image` or `table`, as in the dataset."""
    normaliser: dict[str, Any]
    """`datahall.models.data.normaliser.Normaliser.as_dict()`, fitted on the training rows."""


def save_trained(folder: Path, network: nn.Module, card: TrainedCard) -> None:
    """Write both files atomically, the card last. Raises Unavailable when the disk is full."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    files.write_bytes(folder / WEIGHTS, save(tensors, metadata={"format": "pt"}))
    files.write_text(folder / CARD, json.dumps(card.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")


def load_trained(folder: Path) -> tuple[nn.Module, TrainedCard]:
    """The trained network, in evaluation mode on the CPU, and its card. Raises Missing or Refused."""
    card = load_card(folder)
    network = build(card.model, row_shape=card.row_shape, classes=len(card.labels), seed=0)
    try:
        network.load_state_dict(load_file(folder / WEIGHTS))
    except FileNotFoundError:
        raise Missing(_no_model(folder, WEIGHTS)) from None
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        raise Refused(_damaged(folder / WEIGHTS, str(error).splitlines()[0][:200])) from None
    return network.eval(), card


def load_card(folder: Path) -> TrainedCard:
    """The card alone, without reading the weights. Raises Missing or Refused."""
    path = folder / CARD
    try:
        return TrainedCard.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise Missing(_no_model(folder, CARD)) from None
    except ValidationError as error:
        raise Refused(_damaged(path, problem.what) for problem in problems_of(error, TrainedCard)) from None
    except (OSError, ValueError) as error:
        raise Refused(_damaged(path, str(error)[:200])) from None


def _no_model(folder: Path, name: str) -> Problem:
    return Problem("MODEL-004", str(folder), f"holds no trained model: {name} is missing", "run the train step first")


def _damaged(path: Path, what: str) -> Problem:
    return Problem("MODEL-005", str(path), f"is no trained model of this version: {what}", "run the train step again")
