"""IDX files: MNIST's format, plain or .gz.

Source: LeCun, Cortes and Burges, THE MNIST DATABASE, section "file format": big-endian uint32 magic (2051 for images,
2049 for labels), one uint32 a dimension, then unsigned bytes.
"""

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.units import bytes_text
from datahall.models.data import places
from datahall.models.data.rows import MAX_ARRAY_BYTES, Raw, Rows
from datahall.models.data.spec import IdxSource

IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049
_DIMENSIONS = {IMAGES_MAGIC: 3, LABELS_MAGIC: 1}
_KINDS = {IMAGES_MAGIC: "images", LABELS_MAGIC: "labels"}
_FIX = "get a fresh copy of the file"


def read(source: IdxSource, *, folder: Path) -> Raw:
    """The train pair and, when named, the test pair."""
    where = f"{source.train_images}, {source.train_labels}"
    train = _pair(source, source.train_images, source.train_labels, folder=folder)
    test = None
    if source.test_images is not None and source.test_labels is not None:
        test = _pair(source, source.test_images, source.test_labels, folder=folder)
        if test.x.shape[1:] != train.x.shape[1:]:
            what = f"its images are {_size(test.x)} but those of {source.train_images} are {_size(train.x)}"
            raise Refused(Problem("DATA-014", source.test_images, what, "name the two parts of one data set"))
    elif source.test_images is not None or source.test_labels is not None:
        what = "the test part needs both files, but only one is named"
        raise Refused(Problem("DATA-014", where, what, "name both `test_images` and `test_labels`, or neither"))
    return Raw("image", train, test, where=where)


def _pair(source: IdxSource, images: str, labels: str, *, folder: Path) -> Rows:
    paths = [places.find(name, folder=folder, downloads=source.download) for name in (images, labels)]
    x, y = read_idx(paths[0], magic=IMAGES_MAGIC), read_idx(paths[1], magic=LABELS_MAGIC)
    if len(x) != len(y):
        what = f"holds {len(x)} images, but {labels} holds {len(y)} labels"
        raise Refused(Problem("DATA-013", images, what, "name the images and labels of the same part"))
    return Rows(x, y)


def _size(x: NDArray[np.uint8]) -> str:
    return f"{x.shape[1]}x{x.shape[2]}"


def read_idx(path: Path, *, magic: int) -> NDArray[np.uint8]:
    """The array in one IDX file, (N, H, W) or (N,), read-only. Raises Refused when it is not such a file, or cut off."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if not packed:
                return _array(plain, path, magic)
            with gzip.GzipFile(fileobj=plain) as unpacked:
                return _array(unpacked, path, magic)  # type: ignore[arg-type]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refused(Problem("DATA-010", str(path), f"the gzip data is corrupt or cut off: {error}", _FIX)) from None
    except OSError as error:
        raise Refused(Problem("DATA-003", str(path), f"cannot be read: {error.strerror or error}", "check the path")) from None


def _array(file: BinaryIO, path: Path, magic: int) -> NDArray[np.uint8]:
    shape = _shape(file, path, magic)
    wanted = int(np.prod(shape, dtype=object))
    if wanted > MAX_ARRAY_BYTES:
        what = f"the header claims {' x '.join(map(str, shape))} bytes, {bytes_text(wanted)}; at most "
        raise Refused(Problem("DATA-012", str(path), what + bytes_text(MAX_ARRAY_BYTES) + " are read", _FIX))
    data = file.read(wanted + 1)
    if len(data) != wanted:
        seen = "more" if len(data) > wanted else f"only {len(data)}"
        what = f"the header announces {shape[0]} {_KINDS[magic]}, {wanted} bytes, but {seen} follow"
        raise Refused(Problem("DATA-012", str(path), what, _FIX))
    return np.frombuffer(data, np.uint8).reshape(shape)


def _shape(file: BinaryIO, path: Path, magic: int) -> tuple[int, ...]:
    header = file.read(4 + 4 * _DIMENSIONS[magic])
    numbers = [int(number) for number in np.frombuffer(header[: len(header) // 4 * 4], ">u4")]
    if not numbers or numbers[0] != magic:
        seen = str(numbers[0]) if numbers else f"nothing ({len(header)} bytes)"
        other = _KINDS.get(numbers[0], "") if numbers else ""
        what = f"begins with {seen}{f', the mark of {other},' if other else ''} but IDX {_KINDS[magic]} begin with {magic}"
        raise Refused(Problem("DATA-011", str(path), what, f"name a file of {_KINDS[magic]} in IDX format"))
    if len(numbers) <= _DIMENSIONS[magic]:
        raise Refused(Problem("DATA-012", str(path), f"the header is cut off after {len(header)} bytes", _FIX))
    return tuple(numbers[1:])
