"""A folder or .zip with one sub-folder of images a class. Nothing is ever unpacked onto the disk."""

import contextlib
import io
import os
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.units import bytes_text
from datahall.models.data import places
from datahall.models.data.damage import BROKEN_ARCHIVE
from datahall.models.data.rows import MAX_ARRAY_BYTES, Raw, Rows
from datahall.models.data.spec import ImageFolderSource

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
MAX_FILE_BYTES = 256 * 1024**2
MAX_PIXELS = 50_000_000
"""Of one image, checked before it is decoded: a few kilobytes can claim gigabytes."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file: its path inside the folder or archive."""

    name: PurePosixPath
    label: str = ""


def read(source: ImageFolderSource, *, folder: Path) -> Raw:
    """All images in order of class and name, as bytes (N, H, W) when `grey`, otherwise (N, H, W, 3)."""
    path = places.find(source.folder, folder=folder)
    with opened(path) as archive:
        names, ignored = folder_names(path) if archive is None else archive.names()
        pictures = labelled(names, where=str(path))
        x = _decoded(pictures, source, path, archive)
    y = np.array([picture.label for picture in pictures], dtype=np.str_)
    notes = {"files_ignored": ignored} if ignored else {}
    return Raw("image", Rows(x, y), where=str(path), notes=notes)


class Archive:
    """A zip whose members are read in memory, with a limit on each."""

    def __init__(self, path: Path) -> None:
        self.path, self.zip = path, zipfile.ZipFile(path)

    def names(self) -> tuple[list[PurePosixPath], int]:
        """Image members, and how many others there are. Raises Refused when one points out of the archive."""
        members = [name for name in self.zip.namelist() if not name.endswith("/")]
        for name in members:
            if name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts or ":" in name[:2]:
                what = f"the member {name[:200]!r} points out of the archive"
                raise Refused(Problem("DATA-033", str(self.path), what, "pack it again from inside its folder"))
        return _images_among(map(PurePosixPath, members))

    def read(self, name: PurePosixPath) -> bytes:
        with self.zip.open(str(name)) as member:
            return member.read(MAX_FILE_BYTES + 1)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Archive | None]:
    """The archive at `path`, None when it is a folder. Raises Refused when it is neither."""
    if path.is_dir():
        yield None
        return
    try:
        archive = Archive(path)
    except BROKEN_ARCHIVE as error:
        what = f"is neither a folder nor a .zip that can be read: {error}"
        raise Refused(Problem("DATA-033", str(path), what, "name a folder of images, or pack it again")) from None
    with archive.zip:
        yield archive


def folder_names(path: Path) -> tuple[list[PurePosixPath], int]:
    """Image files below `path`, and how many other files there are. Links to folders are not followed."""
    found = [
        PurePosixPath(Path(place, name).relative_to(path).as_posix()) for place, _, names in os.walk(path) for name in names
    ]
    return _images_among(found)


def _images_among(names: Iterator[PurePosixPath] | Sequence[PurePosixPath]) -> tuple[list[PurePosixPath], int]:
    images, ignored = [], 0
    for name in names:
        hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
        if name.suffix.lower() in SUFFIXES and not hidden:
            images.append(name)
        else:
            ignored += 1
    return sorted(images), ignored


def labelled(names: Sequence[PurePosixPath], *, where: str) -> list[Picture]:
    """Each image with its folder as label; folders that all images share are left out of it."""
    if not names:
        what = f"holds no images ({', '.join(sorted(SUFFIXES))})"
        raise Refused(Problem("DATA-050", where, what, "put the images of each class into a folder of its own"))
    parents = [name.parent.parts for name in names]
    both = list(zip(min(parents), max(parents), strict=False))
    common = next((i for i, (a, b) in enumerate(both) if a != b), len(both))
    outside = next((name for name, parent in zip(names, parents, strict=True) if len(parent) == common), None)
    if outside is not None and (len(set(parents)) > 1 or not common):
        what = f"{outside} stands in no class folder"
        raise Refused(Problem("DATA-030", where, what, "put the images of each class into a folder of its own"))
    common -= outside is not None  # all in one folder: one class, which a later check names
    return [Picture(name, "/".join(parent[common:])) for name, parent in zip(names, parents, strict=True)]


def _decoded(pictures: Sequence[Picture], source: ImageFolderSource, path: Path, archive: Archive | None) -> NDArray[np.uint8]:
    """All images in one array. Raises Refused on the first that cannot be read, or when sizes are mixed."""
    sizes: Counter[tuple[int, int]] = Counter()
    examples: dict[tuple[int, int], PurePosixPath] = {}
    x: NDArray[np.uint8] | None = None
    for i, picture in enumerate(pictures):
        pixels = _pixels(picture, source, path, archive)
        size = (pixels.shape[1], pixels.shape[0])
        sizes[size] += 1
        examples.setdefault(size, picture.name)
        if x is None:
            x = _room(len(pictures), pixels.shape, where=str(path))
        if len(sizes) == 1:
            x[i] = pixels
    if len(sizes) > 1:
        raise Refused(_mixed(sizes, examples, where=str(path)))
    return np.empty((0, 1, 1), np.uint8) if x is None else x


def _room(count: int, shape: tuple[int, ...], *, where: str) -> NDArray[np.uint8]:
    size = count * int(np.prod(shape))
    if size > MAX_ARRAY_BYTES:
        what = f"{count} images of {shape[1]}x{shape[0]} take {bytes_text(size)}; at most {bytes_text(MAX_ARRAY_BYTES)} fit"
        raise Refused(Problem("DATA-034", where, what, "set `size_px` to something smaller, or use fewer images"))
    return np.empty((count, *shape), np.uint8)


def _mixed(sizes: Counter[tuple[int, int]], examples: dict[tuple[int, int], PurePosixPath], *, where: str) -> Problem:
    shown = [f"{n} of {w}x{h} (such as {examples[w, h]})" for (w, h), n in sizes.most_common(4)]
    more = f" and {len(sizes) - 4} more sizes" if len(sizes) > 4 else ""
    what = f"the images have mixed sizes: {', '.join(shown)}{more}"
    return Problem("DATA-032", where, what, "set `size_px` to bring all to one square size")


def _pixels(picture: Picture, source: ImageFolderSource, path: Path, archive: Archive | None) -> NDArray[np.uint8]:
    where = f"{path}/{picture.name}"
    try:
        data = (path / picture.name).read_bytes() if archive is None else archive.read(picture.name)
    except BROKEN_ARCHIVE as error:
        raise Refused(Problem("DATA-031", where, f"cannot be read: {error}", "restore the file or take it out")) from None
    if len(data) > MAX_FILE_BYTES:
        what = f"the file is larger than {bytes_text(MAX_FILE_BYTES)}"
        raise Refused(Problem("DATA-034", where, what, "make it smaller or take it out"))
    return decode(data, size_px=source.size_px, grey=source.grey, where=where)


def decode(data: bytes, *, size_px: int | None, grey: bool, where: str) -> NDArray[np.uint8]:
    """Pixels (H, W) or (H, W, 3) of one image file, upright. Raises Refused when it is broken or far too large."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # heavy, and only needed here

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; too many pixels are refused below
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise Refused(_too_many_pixels(f"{image.width}x{image.height}", where))
                upright = _eight_bits(ImageOps.exif_transpose(image))
                shaped = upright.convert("L" if grey else "RGB")
                if size_px is not None:
                    shaped = shaped.resize((size_px, size_px), Image.Resampling.BILINEAR)
                return np.asarray(shaped, np.uint8)
    except Image.DecompressionBombError:
        raise Refused(_too_many_pixels("far more", where)) from None
    except UnidentifiedImageError:
        raise Refused(_broken(f"its {len(data)} bytes are none of {', '.join(FORMATS)}", where)) from None
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError) as error:
        raise Refused(_broken(str(error)[:200] or type(error).__name__, where)) from None


def _eight_bits(image: Any) -> Any:
    """Pillow clips 16-bit greys when it converts them, and loses transparent palettes noisily; do both by hand."""
    from PIL import Image

    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    return image.convert("RGBA") if "transparency" in image.info else image


def _broken(why: str, where: str) -> Problem:
    return Problem("DATA-031", where, f"is not an image that can be read: {why}", "restore the file or take it out")


def _too_many_pixels(seen: str, where: str) -> Problem:
    return Problem("DATA-034", where, f"the image has {seen} pixels; at most {MAX_PIXELS:,}", "make it smaller or take it out")
