import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from datahall.foundation.errors import Missing, Refused
from datahall.models.data import read_images
from datahall.models.data.spec import ImageFolderSource


def png(width=6, height=6, value=100, mode="L") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), value).save(file, "PNG")
    return file.getvalue()


def noise() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 40)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


FILES = {"cat/1.png": png(value=10), "cat/2.png": png(value=20), "dog/1.png": png(value=30)}


@pytest.fixture(params=["folder", "zip"])
def read(request, tmp_path):
    """Put files into a folder or a .zip and read them."""

    def write_and_read(files, **fields):
        if request.param == "folder":
            for name, data in files.items():
                path = tmp_path / "pictures" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            name = "pictures"
        else:
            name = "pictures.zip"
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                for member, data in files.items():
                    archive.writestr(member, data)
        return read_images.read(ImageFolderSource(kind="images", folder=name, **fields), folder=tmp_path)

    return write_and_read


def test_each_sub_folder_is_a_class(read):
    """Given cats and dogs in their folders, the images come in order of class and name; other files are counted."""
    raw = read(FILES | {"LICENSE": b"MIT", "cat/.hidden.png": b""})
    assert raw.rows.y.tolist() == ["cat", "cat", "dog"]
    assert raw.rows.x[:, 0, 0].tolist() == [10, 20, 30]
    assert raw.rows.x.shape == (3, 6, 6)
    assert raw.notes == {"files_ignored": 2}


def test_a_folder_around_the_classes_is_looked_through(read):
    """Given an archive packed with its outer folder, that folder is no class; deeper folders make classes such as a/b."""
    assert read({f"all/{name}": data for name, data in FILES.items()}).rows.y.tolist() == ["cat", "cat", "dog"]


def test_colour_and_size(read):
    """Given `grey: false` and a size, pictures come with three channels and in that size."""
    raw = read({"a/1.png": png(9, 5), "b/1.png": png(4, 4, mode="RGBA", value=(1, 2, 3, 4))}, grey=False, size_px=8)
    assert raw.rows.x.shape == (2, 8, 8, 3)
    assert raw.rows.x[1, 0, 0].tolist() == [1, 2, 3]


def test_sixteen_bit_greys_keep_their_shades(read):
    """Given 16-bit pixels, the upper byte is kept, where Pillow would clip to 255."""
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), 0x4080, np.uint16)).save(file, "PNG")
    assert read({"a/1.png": file.getvalue(), "b/1.png": file.getvalue()}).rows.x.max() == 0x40


def test_mixed_sizes_are_refused_with_examples(read):
    """Given pictures of two sizes and no `size_px`, the problem has the sizes, counts and an example of each."""
    message = r"DATA-032 the images have mixed sizes: 3 of 6x6 \(such as cat/1\.png\), 1 of 7x5 \(such as dog/2\.png\)"
    with pytest.raises(Refused, match=message):
        read(FILES | {"dog/2.png": png(7, 5)})


@pytest.mark.parametrize("data", [b"", b"no image", png()[:40], noise()[:900], b"II*\0\x08\0\0\0\xff\xff"])
def test_a_corrupt_image_is_named(read, data):
    """Given an empty, foreign or cut off file, the problem names it."""
    with pytest.raises(Refused, match=r"dog/2\.png: DATA-031 is not an image that can be read"):
        read(FILES | {"dog/2.png": data})


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("side", [8_000, 30_000])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(read, side):
    """Given a few bytes that claim 8,000 by 8,000 or 30,000 by 30,000 pixels, the picture is refused."""
    head = chunk(b"IHDR", struct.pack(">2I5B", side, side, 8, 0, 0, 0, 0))
    with pytest.raises(Refused, match=r"dog/2\.png: DATA-034 the image has .* pixels; at most 50,000,000"):
        read(FILES | {"dog/2.png": b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"")})


def test_a_huge_file_is_refused(read, monkeypatch):
    """Given a file larger than the limit, it is refused."""
    monkeypatch.setattr(read_images, "MAX_FILE_BYTES", 20)
    with pytest.raises(Refused, match="DATA-034 the file is larger than 20 B"):
        read(FILES)


def test_more_pixels_than_memory_is_refused(read, monkeypatch):
    """Given more images than may be held, the problem has both sizes."""
    monkeypatch.setattr(read_images, "MAX_ARRAY_BYTES", 100)
    with pytest.raises(Refused, match="DATA-034 3 images of 6x6 take 108 B; at most 100 B fit"):
        read(FILES)


@pytest.mark.parametrize(
    ("files", "message"),
    [({"a/readme.txt": b"x"}, "DATA-050 holds no images"), (FILES | {"0.png": png()}, r"DATA-030 0\.png stands in no class")],
)
def test_pictures_without_classes_are_refused(read, files, message):
    """Given no pictures, or one beside the class folders, the problem says what to do."""
    with pytest.raises(Refused, match=message):
        read(files)


def test_one_folder_is_one_class(read):
    """Given all pictures in one folder, they are read as one class; a later check says that a model needs two."""
    assert set(read({"cat/1.png": png(), "cat/2.png": png()}).rows.y) == {"cat"}


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\evil.png", "..\\evil.png"])
def test_zip_members_that_point_outside_are_refused(tmp_path, name):
    """Given a member such as ../evil.png, the whole archive is refused."""
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("a/1.png", png())
        archive.writestr(name, png())
    with pytest.raises(Refused, match=r"DATA-033 the member .* points out of the archive"):
        read_images.read(ImageFolderSource(kind="images", folder="p.zip"), folder=tmp_path)


def test_a_damaged_archive_is_refused(tmp_path):
    """Given a file that is no zip, and a zip whose member is damaged, each is named."""
    (tmp_path / "p.zip").write_bytes(b"not a zip")
    source = ImageFolderSource(kind="images", folder="p.zip")
    with pytest.raises(Refused, match=r"DATA-033 is neither a folder nor a \.zip"):
        read_images.read(source, folder=tmp_path)
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("a/1.png", png())
    data = bytearray((tmp_path / "p.zip").read_bytes())
    data[60] ^= 0xFF
    (tmp_path / "p.zip").write_bytes(bytes(data))
    with pytest.raises(Refused, match=r"a/1\.png: DATA-031 cannot be read: Bad CRC-32"):
        read_images.read(source, folder=tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    """Given a folder that is not there, the problem names it."""
    with pytest.raises(Missing, match="nowhere: DATA-002"):
        read_images.read(ImageFolderSource(kind="images", folder="nowhere"), folder=tmp_path)
