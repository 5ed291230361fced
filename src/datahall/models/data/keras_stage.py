"""The stage of Keras programs: MNIST lies where Keras looks for it, when the job's tenant has stored it."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from datahall.platform.catalogue import Catalogue
from datahall.platform.events import StoredOutput
from datahall.platform.ports import Stage
from datahall.platform.spec import JobSpec

KEY = "datasets/keras-mnist"
"""The artifact that `datahall data keras-mnist` stores, one for each tenant."""
HOME = ".keras"
"""In the working folder, which is the job's own home: Keras may write beside our file."""
MNIST, HOOK = "keras/datasets/mnist.npz", "hook"


class KerasStage:
    """Wraps the platform's stage. Linked, not copied: a job costs no space, and the artifact is checked each time."""

    def __init__(self, inner: Stage, catalogue: Catalogue) -> None:
        self._inner, self._catalogue = inner, catalogue

    def prepare(self, spec: JobSpec, work: Path) -> None:
        """Raises Unavailable when the stored MNIST is damaged."""
        self._inner.prepare(spec, work)
        digest = self._stored(spec)
        if digest is not None:
            folder = self._catalogue.artifacts.lay_out(digest)
            _link(work / HOME / "datasets" / "mnist.npz", folder / MNIST)
            _link(work / HOME / HOOK, folder / HOOK)

    def environment(self, spec: JobSpec, work: Path) -> dict[str, str]:
        given = self._inner.environment(spec, work)
        return given | keras_words(spec.environment | given, work) if self._stored(spec) is not None else given

    def collect(self, spec: JobSpec, work: Path) -> tuple[StoredOutput, ...]:
        return self._inner.collect(spec, work)

    def secret_names(self, tenant: str) -> list[str]:
        return self._inner.secret_names(tenant)

    def _stored(self, spec: JobSpec) -> str | None:
        if spec.service or "step" in spec.annotations:
            return None
        row = self._catalogue.find(spec.tenant, f"key:{KEY}")
        return None if row is None else str(row["digest"])


def keras_words(asked: Mapping[str, str], work: Path) -> dict[str, str]:
    """Variables for the job; a Keras home of the user's own stays."""
    words = {"PYTHONPATH": os.pathsep.join(filter(None, (str(work / HOME / HOOK), asked.get("PYTHONPATH"))))}
    return words if {"KERAS_HOME", "HOME"} & set(asked) else words | {"KERAS_HOME": str(work / HOME)}


def _link(link: Path, target: Path) -> None:
    """A file of the job's own under that name stays: its source brought it, or an earlier attempt made it."""
    link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if link.is_symlink():
        link.unlink()
    with contextlib.suppress(FileExistsError):
        link.symlink_to(target)
