"""What the train step leaves besides the network: `history.json` and `training.json`."""

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

import datahall
from datahall.foundation import files
from datahall.models.families.build import parameter_count
from datahall.models.train.training import Training


def save_records(folder: Path, training: Training, *, seed: int) -> None:
    """Write both files atomically. Raises Unavailable when the disk is full."""
    history = [record.model_dump() for record in training.progress.history]
    _write(folder / "history.json", history)
    _write(folder / "training.json", summary(training, seed=seed))


def summary(training: Training, *, seed: int) -> dict[str, Any]:
    """How the run went, for the report: durations in seconds, choices, versions."""
    progress = training.progress
    epochs_s = [record.seconds for record in progress.history]
    return {
        "seconds": progress.seconds,
        "seconds_per_epoch": sum(epochs_s) / len(epochs_s) if epochs_s else None,
        "epochs": progress.epoch,
        "updates": progress.updates,
        "best_epoch": progress.best_epoch,
        "stopped_because": progress.stopped_because,
        "energy": progress.energy.model_dump() if progress.energy else None,
        "parameters": parameter_count(training.network),
        "threads": progress.threads,
        "kernels": progress.kernels,
        "step": type(training.step).__name__,
        "device": str(training.losses.device),
        "precision": training.precision,
        "seed": seed,
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "datahall": datahall.__version__,
        },
    }


def _write(path: Path, value: Any) -> None:
    files.write_text(path, json.dumps(value, indent=1) + "\n")
