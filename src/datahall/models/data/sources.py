"""The readers, and the digests of what they will read."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from datahall.foundation import files
from datahall.foundation.digest import digest_of, file_digest
from datahall.foundation.errors import DatahallError, Missing, Problem, Refused
from datahall.foundation.registry import Registry
from datahall.models.data import places
from datahall.models.data.rows import Raw
from datahall.models.data.spec import CsvSource, DataSpec, DigitsSource, Download, IdxSource, ImageFolderSource

READERS = Registry(
    "data source",
    {
        "digits": "datahall.models.data.read_digits:read",
        "idx": "datahall.models.data.read_idx:read",
        "csv": "datahall.models.data.read_csv:read",
        "images": "datahall.models.data.read_images:read",
        "numpy": "datahall.models.data.read_numpy:read",
    },
    group="datahall.data_sources",
)
SETTLED_S = 2.0
"""A file that changed later than this before now may change again within the same clock tick: its digest is not kept."""
MAX_KEPT = 2000


def read(spec: DataSpec, *, folder: Path) -> Raw:
    """All that the source holds. Raises Refused or Missing."""
    reader = READERS.load(spec.source.kind, where="data.source.kind")
    if isinstance(spec.source, CsvSource):
        return reader(spec.source, folder=folder, group_column=spec.split.group_column)  # type: ignore[no-any-return]
    if spec.split.group_column is not None:
        what = f"a source of kind `{spec.source.kind}` has no columns to group by"
        raise Refused(Problem("DATA-022", "data.split.group_column", what, "leave it out, or use a CSV source"))
    return reader(spec.source, folder=folder)  # type: ignore[no-any-return]


def source_digests(spec: DataSpec, *, folder: Path) -> tuple[str, ...]:
    """SHA-256 of every outside file that the data step will read; for digits, scikit-learn's version.

    A file that is still to be downloaded counts by the checksum that the recipe declares.
    Raises Missing when a file stands nowhere and the recipe does not say where to get it.
    """
    if isinstance(spec.source, DigitsSource):
        return (f"scikit-learn {version('scikit-learn')}",)
    kept = _Kept(places.cache_folder() / "digests.json")
    may_be_folder = isinstance(spec.source, ImageFolderSource)
    found = tuple(_digest(name, downloads, folder, kept, may_be_folder=may_be_folder) for name, downloads in named_files(spec))
    kept.save()
    return found


def named_files(spec: DataSpec) -> Iterator[tuple[str, tuple[Download, ...]]]:
    """Every path that the source names, with the downloads that may provide it."""
    source = spec.source
    if isinstance(source, IdxSource):
        names = [source.train_images, source.train_labels, source.test_images, source.test_labels]
        yield from ((name, source.download) for name in names if name is not None)
    elif isinstance(source, CsvSource):
        yield from ((name, source.download) for name in (source.file, source.test_file) if name is not None)
    elif isinstance(source, ImageFolderSource):
        yield source.folder, ()
    elif not isinstance(source, DigitsSource):
        yield from ((name, ()) for name in (source.file, source.x, source.y) if name is not None)


def _digest(name: str, downloads: tuple[Download, ...], folder: Path, kept: "_Kept", *, may_be_folder: bool) -> str:
    path = places.present(name, folder=folder, downloads=downloads)
    declared = places.matching(name, downloads)
    if path is None and declared:
        return declared[0].sha256
    try:
        path = places.find(name, folder=folder) if path is None else path
        if path.is_dir() and not may_be_folder:
            raise Refused(Problem("DATA-003", name or "data.source", "is a folder, not a file", "name the file in it"))
        return kept.digest(path)
    except FileNotFoundError:
        raise Missing(Problem("DATA-002", name, "vanished while it was read", "run it again")) from None
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise Refused(Problem("DATA-003", str(path), what, "check the path and its permissions")) from None


class _Kept:
    """Digests by path, size and time of change, so that asking again costs a look at the folder, not at the bytes."""

    def __init__(self, path: Path) -> None:
        self._path, self._changed = path, False
        self._known: dict[str, list[str]] = {}
        with contextlib.suppress(OSError, ValueError):
            self._known = _texts(json.loads(path.read_text(encoding="utf-8")))

    def digest(self, path: Path) -> str:
        """SHA-256 of a file, or of a folder's names and bytes."""
        files_in = sorted(_files_below(path)) if path.is_dir() else [path]
        stats = [(str(file.relative_to(path)), file.stat()) for file in files_in]
        state = digest_of([[name, stat.st_size, stat.st_mtime_ns, stat.st_ino] for name, stat in stats])
        key = str(path.resolve())
        if self._known.get(key, [""])[0] == state:
            return self._known[key][1]
        found = file_digest(path) if path.is_file() else _folder_digest(path, files_in)
        if all(time.time() - stat.st_mtime > SETTLED_S for _, stat in stats):
            self._known[key], self._changed = [state, found], True
        return found

    def save(self) -> None:
        """Keep what was learned; a cache that cannot be written is done without."""
        if self._changed:
            newest = dict(list(self._known.items())[-MAX_KEPT:])
            with contextlib.suppress(DatahallError, OSError):
                files.write_text(self._path, json.dumps(newest))


def _texts(data: Any) -> dict[str, list[str]]:
    good = isinstance(data, dict) and all(isinstance(row, list) and len(row) == 2 for row in data.values())
    return data if good else {}


def _files_below(folder: Path) -> Iterator[Path]:
    return (Path(place, name) for place, _, names in os.walk(folder) for name in names)


def _folder_digest(folder: Path, found: list[Path]) -> str:
    return digest_of([[str(file.relative_to(folder)), file_digest(file)] for file in found])
