"""Checkpoints that are whole or absent, the last two kept.

    checkpoint-<updates>.safetensors    tensors
    checkpoint-<updates>.json           progress, and the digest of the tensors' file; written last

A checkpoint counts only when both are there and the digest agrees; otherwise the one before it is taken.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load, save
from torch import Tensor

from datahall.foundation import files
from datahall.models.train.progress import Progress

FORMAT = 1
KEPT = 2


@dataclass(frozen=True, slots=True)
class Saved:
    """One checkpoint as it was read."""

    progress: Progress
    tensors: dict[str, Tensor]


class Checkpoints:
    """The checkpoints of one run in `folder`. fingerprint: names what is trained on what; others' checkpoints are left out."""

    def __init__(self, folder: Path, *, fingerprint: str, say: Callable[[str], None]) -> None:
        self.folder, self.fingerprint, self._say = folder, fingerprint, say

    def write(self, progress: Progress, tensors: Mapping[str, Tensor]) -> None:
        """Add one and drop all but the last two. Raises Unavailable when the disk is full; what was there stays."""
        data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
        base = self.folder / f"checkpoint-{progress.updates:012d}"
        files.write_bytes(base.with_suffix(".safetensors"), data)
        record = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "sha256": hashlib.sha256(data).hexdigest(),
            "progress": progress.model_dump(),
        }
        files.write_text(base.with_suffix(".json"), json.dumps(record) + "\n")
        self._prune()

    def newest(self) -> Saved | None:
        """The newest one that is whole; each one that is not is said in the log."""
        for path in self._records():
            try:
                return self._read(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._say(f"{path.stem} is unusable ({error}); trying the one before it")
        return None

    def _read(self, path: Path) -> Saved:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != FORMAT or record["fingerprint"] != self.fingerprint:
            raise ValueError("it belongs to another run")
        data = path.with_suffix(".safetensors").read_bytes()
        if hashlib.sha256(data).hexdigest() != record["sha256"]:
            raise ValueError("its tensors are damaged")
        return Saved(Progress.model_validate(record["progress"]), load(data))

    def _records(self) -> list[Path]:
        return sorted(self.folder.glob("checkpoint-*.json"), reverse=True)

    def _prune(self) -> None:
        """Remove records beyond the last two, tensors without a record, and what a killed process left half-written."""
        for old in self._records()[KEPT:]:
            old.unlink(missing_ok=True)
        for path in self.folder.glob("checkpoint-*.safetensors"):
            if not path.with_suffix(".json").exists():
                path.unlink(missing_ok=True)
        for path in self.folder.glob(".checkpoint-*.tmp"):
            path.unlink(missing_ok=True)
