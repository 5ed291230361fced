import gzip
import struct

import numpy as np
import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.data.read_idx import IMAGES_MAGIC, LABELS_MAGIC, read, read_idx
from datahall.models.data.spec import IdxSource

PIXELS = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2)


def images(x=PIXELS) -> bytes:
    return struct.pack(">4I", IMAGES_MAGIC, *x.shape) + x.tobytes()


def labels(y=(0, 1, 1)) -> bytes:
    return struct.pack(">2I", LABELS_MAGIC, len(y)) + bytes(y)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "x").write_bytes(images())
    (tmp_path / "y").write_bytes(labels())
    (tmp_path / "x.gz").write_bytes(gzip.compress(images()))
    (tmp_path / "y.gz").write_bytes(gzip.compress(labels()))
    return tmp_path


def source(**fields):
    return IdxSource(**{"kind": "idx", "train_images": "x", "train_labels": "y"} | fields)


@pytest.mark.parametrize("end", ["", ".gz"])
def test_plain_and_packed_files_are_read(folder, end):
    """Given two by two images as plain IDX or .gz, the pixels and labels come out."""
    raw = read(source(train_images=f"x{end}", train_labels=f"y{end}"), folder=folder)
    assert (raw.rows.x == PIXELS).all()
    assert raw.rows.y.tolist() == [0, 1, 1]
    assert (raw.kind, raw.test) == ("image", None)


def test_a_test_part_of_its_own_is_read(folder):
    """Given four files, the test part comes with the training part."""
    raw = read(source(test_images="x.gz", test_labels="y"), folder=folder)
    assert len(raw.test) == 3


@pytest.mark.parametrize("cut", [0, 2, 15, 30])
def test_cut_off_gzip_is_refused(folder, cut):
    """Given a .gz that was cut off anywhere, the problem names the file."""
    (folder / "cut.gz").write_bytes(gzip.compress(images())[: cut or 3])
    with pytest.raises(Refused, match=r"cut\.gz: DATA-010 the gzip data is corrupt or cut off"):
        read_idx(folder / "cut.gz", magic=IMAGES_MAGIC)


def test_damaged_gzip_is_refused(folder):
    """Given a .gz with a flipped byte, it is refused: its checksum no longer fits."""
    data = bytearray(gzip.compress(np.random.default_rng(1).bytes(2000)))
    data[1000] ^= 0xFF
    (folder / "bad.gz").write_bytes(bytes(data))
    with pytest.raises(Refused, match=r"bad\.gz: DATA-01"):
        read_idx(folder / "bad.gz", magic=IMAGES_MAGIC)


def test_labels_in_place_of_images_are_recognised(folder):
    """Given the labels file where images belong, the problem says what it is and what was wanted."""
    with pytest.raises(Refused, match="begins with 2049, the mark of labels, but IDX images begin with 2051"):
        read(source(train_images="y"), folder=folder)


@pytest.mark.parametrize("data", [b"", b"\0\0", b"GIF89a and more", struct.pack("<I", 2051)])
def test_other_files_are_refused(folder, data):
    """Given an empty file, a picture or little-endian numbers, it is no IDX file."""
    (folder / "odd").write_bytes(data)
    with pytest.raises(Refused, match="DATA-011 begins with"):
        read_idx(folder / "odd", magic=IMAGES_MAGIC)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (images()[:-1], "the header announces 3 images, 12 bytes, but only 11 follow"),
        (images() + b"x", "the header announces 3 images, 12 bytes, but more follow"),
        (images()[:10], "the header is cut off after 10 bytes"),
        (struct.pack(">4I", IMAGES_MAGIC, 2**32 - 1, 2**32 - 1, 2**32 - 1), "the header claims .* at most 16.0 GiB are read"),
    ],
)
def test_counts_that_the_bytes_do_not_bear_out_are_refused(folder, data, message):
    """Given a header that announces more or fewer bytes than follow, the problem has both numbers."""
    (folder / "odd").write_bytes(data)
    with pytest.raises(Refused, match=f"DATA-012 {message}"):
        read_idx(folder / "odd", magic=IMAGES_MAGIC)


def test_images_and_labels_that_disagree_are_refused(folder):
    """Given three images and two labels, the problem has both counts."""
    (folder / "y").write_bytes(labels((0, 1)))
    with pytest.raises(Refused, match="DATA-013 holds 3 images, but y holds 2 labels"):
        read(source(), folder=folder)


def test_half_a_test_part_is_refused(folder):
    """Given test images without test labels, the recipe is refused."""
    with pytest.raises(Refused, match="DATA-014 the test part needs both files"):
        read(source(test_images="x"), folder=folder)


def test_test_images_of_another_size_are_refused(folder):
    """Given a test part with larger images, the problem has both sizes."""
    (folder / "big").write_bytes(images(np.zeros((3, 4, 4), np.uint8)))
    with pytest.raises(Refused, match="DATA-014 its images are 4x4 but those of x are 2x2"):
        read(source(test_images="big", test_labels="y"), folder=folder)


def test_a_missing_file_is_named(folder):
    """Given a path that leads nowhere, the problem names it."""
    with pytest.raises(Missing, match="nope: DATA-002 there is no such file"):
        read(source(train_images="nope"), folder=folder)


def test_a_folder_in_place_of_a_file_is_refused(folder):
    """Given a folder where a file belongs, the problem says that it cannot be read."""
    with pytest.raises(Refused, match="DATA-003 cannot be read: Is a directory"):
        read_idx(folder, magic=IMAGES_MAGIC)
