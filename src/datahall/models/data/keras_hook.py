"""Lets Keras take our copy of MNIST for its own. Copied as `sitecustomize.py` into a folder on a job's PYTHONPATH.

Keras compares the bytes of `mnist.npz` with a checksum, downloads the file again when they differ, and deletes it when
that fails. Ours holds the same arrays, checked one by one, but a zip also holds the time at which it was written.
Stands alone: it runs in the user's Python, which need not have Datahall.
"""

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

KERAS_CHECKSUM = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
"""SHA-256 of mnist.npz in keras/src/datasets/mnist.py."""
CHECKED_IN = "keras.src.utils.file_utils"
OURS = Path(__file__).with_name("keras_mnist.sha256")


class Finder:
    """Waits for the module in which Keras checks files, lets it load, and widens the check by our one checksum."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != CHECKED_IN:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_widen(module: ModuleType) -> None:
                load(module)
                widen(module, OURS.read_text(encoding="ascii").strip())

            spec.loader.exec_module = load_and_widen  # type: ignore[method-assign]
        return spec


def widen(module: ModuleType, ours: str) -> None:
    """Make `module.validate_file` accept the file whose SHA-256 is `ours` where Keras asks for its MNIST."""
    validate = module.validate_file

    def validate_file(fpath: str, file_hash: str, *args: object, **options: object) -> bool:
        if file_hash == KERAS_CHECKSUM and module.hash_file(fpath, "sha256") == ours:
            return True
        return bool(validate(fpath, file_hash, *args, **options))

    module.validate_file = validate_file  # type: ignore[attr-defined]


def run_next() -> None:
    """Run the `sitecustomize` that ours stands in front of, if there is one."""
    here = Path(__file__).resolve().parent
    places = [Path(place).resolve() for place in sys.path]
    behind = sys.path[places.index(here) + 1 :] if here in places else []  # not before us: that one calls us
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", behind)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "sitecustomize":
    if OURS.exists():
        sys.meta_path.insert(0, Finder())
    run_next()
