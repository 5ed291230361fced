"""Whatever bytes a file holds, reading it ends in rows or in a problem, never in a traceback."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datahall.foundation.errors import DatahallError
from datahall.models.data import read_csv, read_idx, read_images, read_numpy
from datahall.models.data.cleaning import clean
from datahall.models.data.spec import CsvSource, DataSpec, ImageFolderSource, NumpySource

fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def file(tmp_path):
    return tmp_path / "f"


def survives(read):
    try:
        return read()
    except DatahallError as error:
        assert all(problem.fix and problem.code.startswith("DATA-") for problem in error.problems)
        return None


headers = st.builds(
    lambda m, n, h, w: struct.pack(">4I", m, n, h, w), st.sampled_from([2051, 2049, 2048]), *[st.integers(0, 9)] * 3
)


@fuzz
@given(head=st.one_of(st.just(b""), headers), body=st.binary(max_size=300), packed=st.booleans(), cut=st.integers(0, 40))
def test_idx(file, head, body, packed, cut):
    """Given a header that fits or not, random bytes, packed or not, cut off or not, IDX is read or refused."""
    data = gzip.compress(head + body) if packed else head + body
    file.write_bytes(data[: len(data) - cut] if cut < len(data) else data)
    for magic in (read_idx.IMAGES_MAGIC, read_idx.LABELS_MAGIC):
        found = survives(lambda magic=magic: read_idx.read_idx(file, magic=magic))
        assert found is None or found.dtype == np.uint8


@fuzz
@given(text=st.one_of(st.binary(max_size=200), st.text(alphabet='ab,"\n\r;1.5?\0é-_', max_size=200).map(str.encode)))
def test_csv(file, text):
    """Given random bytes or text made of the characters that matter, CSV is read or refused, and so is what follows."""
    file.write_bytes(b"a,b\n" + text)
    source = CsvSource(kind="csv", file="f", label="b")
    raw = survives(lambda: read_csv.read(source, folder=file.parent))
    if raw is not None:
        survives(lambda: clean(raw, DataSpec(source=source)))


@fuzz
@given(head=st.sampled_from([b"", b"\x93NUMPY\x01\x00v\x00", b"PK\x03\x04"]), body=st.binary(max_size=200))
def test_numpy(file, head, body):
    """Given random bytes after the marks of .npy and .npz, NumPy files are read or refused."""
    file.write_bytes(head + body)
    survives(lambda: read_numpy.read(NumpySource(kind="numpy", file="f"), folder=file.parent))
    survives(lambda: read_numpy.read(NumpySource(kind="numpy", x="f", y="f"), folder=file.parent))


@fuzz
@given(data=st.data())
def test_damaged_archives(file, data):
    """Given an archive of pictures or arrays with some bytes overwritten, it is read or refused."""
    from PIL import Image

    picture = io.BytesIO()
    Image.new("L", (5, 5), 9).save(picture, data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP"])))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/1.png", picture.getvalue())
        archive.writestr("b/1.png", picture.getvalue())
    damaged = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(bytes(damaged))
    survives(lambda: read_images.read(ImageFolderSource(kind="images", folder="f"), folder=file.parent))


@fuzz
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"]), grey=st.booleans())
def test_damaged_pictures(data, kind, grey):
    """Given a picture of any format with some bytes overwritten, it is decoded or refused."""
    from PIL import Image

    whole = io.BytesIO()
    Image.new("RGB", (9, 7), (1, 2, 3)).save(whole, kind)
    damaged = bytearray(whole.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    survives(lambda: read_images.decode(bytes(damaged), size_px=None, grey=grey, where="f"))


@fuzz
@given(data=st.data())
def test_damaged_arrays(file, data):
    """Given an .npz with some bytes overwritten, it is read or refused."""
    np.savez_compressed(file.with_suffix(".npz"), x=np.arange(12.0).reshape(6, 2), y=np.arange(6))
    damaged = bytearray(file.with_suffix(".npz").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(bytes(damaged))
    survives(lambda: read_numpy.read(NumpySource(kind="numpy", file="f"), folder=file.parent))
