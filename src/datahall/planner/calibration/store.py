"""Corrections as a file of the home: one for each platform, the newest in the place of the older."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from datahall.foundation import files
from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.models.parallel.correction import Correction

FILE = "corrections.yaml"


class Corrections(Spec):
    """All that was learned here."""

    corrections: tuple[Correction, ...] = ()

    def of(self, accelerator: str, stack: str) -> Correction | None:
        """That of the platform; None where nothing was measured on it."""
        return next((c for c in self.corrections if (c.accelerator, c.stack) == (accelerator, stack)), None)

    def with_(self, newer: Iterable[Correction]) -> "Corrections":
        """With these in the place of those of the same platforms."""
        kept = {(c.accelerator, c.stack): c for c in self.corrections} | {(c.accelerator, c.stack): c for c in newer}
        return Corrections(corrections=tuple(kept[key] for key in sorted(kept)))


def read_corrections(folder: Path) -> Corrections:
    """Those of a home; none where there is no file. Raises Refused when the file was damaged."""
    path = folder / FILE
    return load(path, Corrections) if path.is_file() else Corrections()


def write_corrections(folder: Path, corrections: Corrections) -> Path:
    """Put in the place of the file, whole or not at all. Raises Unavailable when it cannot be written."""
    text = "# Written by `datahall calibrate`: what measured runs said of each platform.\n"
    files.write_text(folder / FILE, text + yaml.safe_dump(corrections.model_dump(mode="json"), sort_keys=False))
    return folder / FILE
