"""NumPy arrays: `x` and `y` in an .npz (or x_train, y_train, x_test, y_test), or two .npy files. Never unpickled."""

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.foundation.units import bytes_text
from datahall.models.data import places
from datahall.models.data.damage import BROKEN_ARRAY
from datahall.models.data.rows import MAX_ARRAY_BYTES, Column, Raw, Rows
from datahall.models.data.spec import NumpySource

Arrays = dict[str, NDArray[Any]]


def read(source: NumpySource, *, folder: Path) -> Raw:
    """Rows of two dimensions make a table, of three or four images."""
    if source.file is not None and source.x is None and source.y is None:
        where, arrays = source.file, _npz(places.find(source.file, folder=folder))
    elif source.file is None and source.x is not None and source.y is not None:
        where = f"{source.x}, {source.y}"
        arrays = {"x": _npy(places.find(source.x, folder=folder)), "y": _npy(places.find(source.y, folder=folder))}
    else:
        what = "names neither one `file` (.npz) nor both `x` and `y` (.npy)"
        raise Refused(Problem("DATA-040", "data.source", what, "name `file`, or `x` and `y`"))
    return _raw(arrays, where)


def _raw(arrays: Mapping[str, NDArray[Any]], where: str) -> Raw:
    whole, halves = {"x", "y"} <= arrays.keys(), {"x_train", "y_train", "x_test", "y_test"} <= arrays.keys()
    if not whole and not halves:
        what = f"holds {', '.join(sorted(arrays)[:10]) or 'no arrays'}"
        raise Refused(Problem("DATA-040", where, what, "save arrays named x and y, or x_train, y_train, x_test and y_test"))
    main = _rows(arrays["x"], arrays["y"], where) if whole else _rows(arrays["x_train"], arrays["y_train"], where)
    test = None if whole else _rows(arrays["x_test"], arrays["y_test"], where)
    if test is not None and test.x.shape[1:] != main.x.shape[1:]:
        what = f"rows of x_train have shape {main.x.shape[1:]}, those of x_test {test.x.shape[1:]}"
        raise Refused(Problem("DATA-041", where, what, "give both parts the same shape"))
    if main.x.ndim == 2:
        columns = tuple(Column(f"x{i}") for i in range(main.x.shape[1]))
        both = None if test is None else Rows(test.x.astype(np.float64), test.y)
        return Raw("table", Rows(main.x.astype(np.float64), main.y), both, columns, where=where)
    return _images(main, test, where)


def _images(main: Rows, test: Rows | None, where: str) -> Raw:
    """Whole numbers from 0 to 255 become bytes on both sides; anything else stays float32."""
    parts = [main] if test is None else [main, test]
    as_bytes = all(_fits_bytes(part.x) for part in parts)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is counted as missing
        main, *rest = (Rows(part.x.astype(np.uint8 if as_bytes else np.float32), part.y) for part in parts)
    largest = 255.0 if as_bytes else float(np.max(main.x, where=np.isfinite(main.x), initial=0))
    return Raw("image", main, rest[0] if rest else None, value_max=1.0 if largest <= 1 else max(largest, 255.0), where=where)


def _fits_bytes(x: NDArray[Any]) -> bool:
    if x.dtype == np.uint8:
        return True
    return x.size > 0 and x.dtype.kind in "iub" and bool(x.min() >= 0) and bool(x.max() <= 255)


def _rows(x: NDArray[Any], y: NDArray[Any], where: str) -> Rows:
    if x.dtype.kind not in "biuf":
        raise Refused(Problem("DATA-041", where, f"x holds {x.dtype}, not numbers", "save x as integers or floats"))
    if x.ndim not in (2, 3, 4) or (x.ndim == 4 and x.shape[3] not in (1, 3)) or 0 in x.shape[1:]:
        what = f"x has shape {x.shape}"
        raise Refused(Problem("DATA-041", where, what, "use (rows, columns), (rows, H, W) or (rows, H, W, 1 or 3)"))
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or len(y) != len(x):
        what = f"x has {len(x)} rows, but y has shape {y.shape}"
        raise Refused(Problem("DATA-041", where, what, "give y one label a row; turn one-hot rows into numbers by argmax"))
    return Rows(x[..., 0] if x.ndim == 4 and x.shape[3] == 1 else x, y)


def _npz(path: Path) -> Arrays:
    """The arrays of an .npz that are read below. Raises Refused when it is not one, or is larger than it may be."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MAX_ARRAY_BYTES:
            what = f"unpacks to {bytes_text(size)}; at most {bytes_text(MAX_ARRAY_BYTES)} are read"
            raise Refused(Problem("DATA-040", str(path), what, "split it"))
        with _quietly(), np.load(path, allow_pickle=False) as loaded:
            names = [name for name in loaded.files if name.partition("_")[0] in ("x", "y")]
            return {name: np.asarray(loaded[name]) for name in names}
    except BROKEN_ARRAY as error:
        raise Refused(_not_numpy(path, error)) from None


def _quietly() -> "warnings.catch_warnings[None]":
    """NumPy warns of headers that Python 2 wrote; they are read all the same."""
    return warnings.catch_warnings(action="ignore")


def _npy(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PK\x03\x04":
            raise Refused(Problem("DATA-040", str(path), "looks like an .npz, not an .npy", "name it as `file`"))
        # Mapped, so that a header that claims more than the file holds is refused before memory is taken.
        with _quietly():
            return np.lib.format.open_memmap(path, mode="r")
    except BROKEN_ARRAY as error:
        raise Refused(_not_numpy(path, error)) from None


def _not_numpy(path: Path, error: BaseException) -> Problem:
    what = f"is not a NumPy file that can be read without unpickling: {str(error)[:200] or type(error).__name__}"
    return Problem("DATA-040", str(path), what, "save it with numpy.savez or numpy.save from plain arrays")
