"""Keras's own copy of MNIST, made from the IDX files, so that `keras.datasets.mnist.load_data()` finds it offline.

Keras also wants the very bytes that it would download, down to the time in the zip; `keras_hook` settles that.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation import files
from datahall.foundation.digest import file_digest
from datahall.foundation.errors import Problem, Refused
from datahall.models.data import keras_hook, places
from datahall.models.data.read_idx import IMAGES_MAGIC, LABELS_MAGIC, read_idx

IDX_FILES = {
    "x_train": ("train-images-idx3-ubyte", IMAGES_MAGIC),
    "y_train": ("train-labels-idx1-ubyte", LABELS_MAGIC),
    "x_test": ("t10k-images-idx3-ubyte", IMAGES_MAGIC),
    "y_test": ("t10k-labels-idx1-ubyte", LABELS_MAGIC),
}
Arrays = dict[str, NDArray[np.uint8]]


def write_keras_mnist(idx_folder: Path, keras_home: Path) -> Path:
    """Write `keras_home/datasets/mnist.npz` from the four IDX files (plain or .gz) in `idx_folder` and read it back.

    Raises Missing or Refused when an IDX file is not there or broken, Unavailable when the disk is full.
    """
    arrays = {name: read_idx(_file(idx_folder, stem), magic=magic) for name, (stem, magic) in IDX_FILES.items()}
    for side in ("train", "test"):
        if len(arrays[f"x_{side}"]) != len(arrays[f"y_{side}"]):
            what = f"{len(arrays[f'x_{side}'])} {side} images, but {len(arrays[f'y_{side}'])} labels"
            raise Refused(Problem("DATA-013", str(idx_folder), what, "get a fresh copy of the four files"))
    target = keras_home / "datasets" / "mnist.npz"
    with files.atomic_path(target) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    _verify(target, arrays)
    return target


def keras_environment(idx_folder: Path, folder: Path) -> dict[str, str]:
    """Fill `folder` and say which environment lets an unchanged Keras program find MNIST there.

    PYTHONPATH is to be put in front of the job's own, if it has one. Raises like `write_keras_mnist`.
    """
    home, hook = folder / "keras", folder / "hook"
    written = write_keras_mnist(idx_folder, home)
    files.write_text(hook / "keras_mnist.sha256", file_digest(written))
    files.write_text(hook / "sitecustomize.py", Path(keras_hook.__file__).read_text(encoding="utf-8"))
    return {"KERAS_HOME": str(home), "PYTHONPATH": str(hook)}


def _file(folder: Path, stem: str) -> Path:
    plain = folder / stem
    return plain if plain.exists() else places.find(f"{stem}.gz", folder=folder)


def _verify(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raises Refused unless what was written reads back as it was read."""
    with np.load(path, allow_pickle=False) as written:
        odd = [name for name, array in arrays.items() if not np.array_equal(written[name], array)]
    if odd:
        what = f"{', '.join(odd)} read back differently from what was written"
        raise Refused(Problem("DATA-001", str(path), what, "delete the file and try again on another disk"))
