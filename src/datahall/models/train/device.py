"""Where to compute and in which precision."""

import os

import torch

from datahall.foundation.errors import Problem, Unprocessable
from datahall.models.train.spec import TrainSpec


def present_devices() -> list[str]:
    """Kinds of device that this process can use, the fastest first."""
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, present in found.items() if present]


def training_device(spec: TrainSpec) -> torch.device:
    """The device that the spec asks for; `auto` takes the fastest. Raises Unprocessable when it is not there."""
    present = present_devices()
    name = present[0] if spec.device == "auto" else spec.device
    if name not in present:
        raise Unprocessable(
            Problem(
                "TRAIN-001",
                "train.device",
                f"there is no {name} device here, only {', '.join(present)}",
                "write `device: auto`, or ask for an accelerator under `resources`",
            )
        )
    if name == "cuda":
        # cuBLAS repeats itself bit by bit only with this setting, and reads it when it starts.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    return torch.device(name)


def autocast_type(spec: TrainSpec, device: torch.device) -> torch.dtype | None:
    """bfloat16 where the spec asks for it or `auto` finds an accelerator that has it; None means float32 throughout."""
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported()
    wanted = spec.precision == "bfloat16" or (spec.precision == "auto" and fast)
    return torch.bfloat16 if wanted else None
