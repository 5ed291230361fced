import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.data.keras_cache import IDX_FILES, keras_environment, write_keras_mnist
from datahall.models.data.keras_hook import KERAS_CHECKSUM


@pytest.fixture
def idx_folder(tmp_path):
    """The four files of a small MNIST, two of them packed."""
    x = np.arange(5 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(5, 28, 28)
    content = {
        "x_train": struct.pack(">4I", 2051, 5, 28, 28) + x.tobytes(),
        "y_train": struct.pack(">2I", 2049, 5) + bytes([3, 1, 4, 1, 5]),
        "x_test": struct.pack(">4I", 2051, 2, 28, 28) + x[:2].tobytes(),
        "y_test": struct.pack(">2I", 2049, 2) + bytes([9, 2]),
    }
    for name, data in content.items():
        packed = name.endswith("train")
        path = tmp_path / (IDX_FILES[name][0] + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(data) if packed else data)
    return tmp_path


def test_keras_finds_the_same_arrays(idx_folder, tmp_path):
    """Given the IDX files, `datasets/mnist.npz` under Keras's home holds them under the names that Keras reads."""
    path = write_keras_mnist(idx_folder, tmp_path / ".keras")
    assert path == tmp_path / ".keras/datasets/mnist.npz"
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["x_test", "x_train", "y_test", "y_train"]
        assert arrays["x_train"].shape == (5, 28, 28)
        assert arrays["y_test"].tolist() == [9, 2]
        assert {array.dtype.name for array in arrays.values()} == {"uint8"}


def test_a_missing_file_is_named(idx_folder, tmp_path):
    """Given three of the four files, the fourth is named and nothing is written."""
    (idx_folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(Missing, match=r"t10k-labels-idx1-ubyte\.gz: DATA-002"):
        write_keras_mnist(idx_folder, tmp_path / ".keras")
    assert not (tmp_path / ".keras").exists()


def test_files_of_different_parts_are_refused(idx_folder, tmp_path):
    """Given five images and two labels, the problem has both counts."""
    labels = struct.pack(">2I", 2049, 2) + bytes([9, 2])
    (idx_folder / "train-labels-idx1-ubyte").write_bytes(labels)
    with pytest.raises(Refused, match="DATA-013 5 train images, but 2 labels"):
        write_keras_mnist(idx_folder, tmp_path / ".keras")


FAKE_KERAS = """
import hashlib
def hash_file(fpath, algorithm="sha256"):
    return hashlib.sha256(open(fpath, "rb").read()).hexdigest()
def validate_file(fpath, file_hash, algorithm="auto", chunk_size=65535):
    return hash_file(fpath) == file_hash
"""


def test_an_unchanged_program_accepts_our_file_and_no_other(idx_folder, tmp_path):
    """Given Keras's way of checking files, our file passes as MNIST in a fresh Python; another file or checksum fails."""
    package = tmp_path / "site/keras/src/utils"
    package.mkdir(parents=True)
    (package / "file_utils.py").write_text(FAKE_KERAS)
    (tmp_path / "site/sitecustomize.py").write_text("import sys; sys.was_run = True")
    (tmp_path / "other").write_bytes(b"other")
    environment = keras_environment(idx_folder, tmp_path / "offline")
    npz = Path(environment["KERAS_HOME"]) / "datasets/mnist.npz"
    program = f"""
import sys
from keras.src.utils.file_utils import validate_file
print(validate_file({str(npz)!r}, {KERAS_CHECKSUM!r}), validate_file({str(tmp_path / "other")!r}, {KERAS_CHECKSUM!r}),
      validate_file({str(npz)!r}, "0" * 64), sys.was_run)
"""
    paths = f"{environment['PYTHONPATH']}:{tmp_path / 'site'}"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": paths}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("True False False True\n", "")
