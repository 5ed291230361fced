"""Content by its hash: written whole, kept once, checked whenever it is read.

    objects/ab/cdef…    bytes of one file, read-only
    trees/<digest>/     a folder laid out from objects, read-only, rebuilt when it is damaged

A folder is a *tree*: a JSON object that lists its files and their digests; its own digest names it.
"""

import contextlib
import io
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from datahall.foundation import files
from datahall.foundation.digest import CHUNK_BYTES, canonical_json, file_digest
from datahall.foundation.errors import DatahallError, Missing, Problem, Refused, Unavailable

MAX_TREE_FILES = 200_000


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored: its digest, and the bytes of its files together."""

    digest: str
    size_bytes: int


class Artifacts:
    """The content-addressed store under one folder."""

    def __init__(self, root: Path) -> None:
        self.objects, self.trees, self.incoming = root / "objects", root / "trees", root / "incoming"
        for folder in (self.objects, self.trees, self.incoming):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    # --- one file ------------------------------------------------------------------------------------------

    def path_of(self, digest: str) -> Path:
        if len(digest) != 64 or any(c not in "0123456789abcdef" for c in digest):
            raise Refused(Problem("ART-001", digest[:80], "is not a SHA-256 in hex", "copy it from `datahall artifacts`"))
        return self.objects / digest[:2] / digest[2:]

    def put_file(self, source: Path) -> Stored:
        """Store a file's bytes. Raises Unavailable when the disk is full."""
        with source.open("rb") as file:
            return self.put_stream(file)

    def put_bytes(self, data: bytes) -> Stored:
        """Store `data`. Raises Unavailable when the disk is full."""
        return self.put_stream(io.BytesIO(data))

    def put_stream(self, stream: BinaryIO) -> Stored:
        """Store what `stream` yields. Raises Unavailable when the disk is full; then nothing is left of it."""
        temporary = self.incoming / secrets.token_hex(12)
        try:
            with temporary.open("xb") as out:
                shutil.copyfileobj(stream, out, CHUNK_BYTES)
                out.flush()
                os.fsync(out.fileno())
            return self._take_in(temporary, file_digest(temporary), temporary.stat().st_size)
        except OSError as error:
            raise files.unwritable(temporary, error) from error
        finally:
            temporary.unlink(missing_ok=True)

    def _take_in(self, temporary: Path, digest: str, size_bytes: int) -> Stored:
        target = self.path_of(digest)
        if self._whole(target, digest):
            os.utime(target)  # asked for again: the next sweep must not take it for forgotten
        else:
            target.parent.mkdir(exist_ok=True, mode=0o700)
            temporary.chmod(stat.S_IRUSR)
            temporary.replace(target)
            files.sync_folder(target.parent)
        return Stored(digest, size_bytes)

    def _whole(self, path: Path, digest: str) -> bool:
        """Whether the object is there undamaged; a damaged one is replaced by whoever brings its content again."""
        try:
            return file_digest(path) == digest
        except OSError:
            return False

    def read(self, digest: str) -> bytes:
        """The bytes, checked. Raises Missing when they are not there, Unavailable when they are damaged."""
        path = self.verify(digest)
        return path.read_bytes()

    def verify(self, digest: str) -> Path:
        """The path of an object whose content is what its name says. Raises like `read`."""
        path = self.path_of(digest)
        if not path.is_file():
            raise Missing(Problem("ART-002", digest, "is not in the store", "run the step again that made it"))
        if not self._whole(path, digest):
            fix = f"restore it from a backup, or delete {path} and run the step again that made it"
            raise Unavailable(Problem("ART-003", digest, "is damaged: its content does not match its name", fix))
        return path

    # --- folders -------------------------------------------------------------------------------------------

    def put_tree(self, folder: Path) -> Stored:
        """Store a folder with all its files; empty folders are not kept.

        Raises Refused on links that lead out or in a circle, on devices and on too many files.
        """
        entries: dict[str, dict[str, object]] = {}
        total = 0
        for path in _files_in(folder):
            relative = path.relative_to(folder).as_posix()
            stored = self.put_file(path)
            executable = bool(path.stat().st_mode & stat.S_IXUSR)
            entries[relative] = {"digest": stored.digest, "size": stored.size_bytes, "executable": executable}
            total += stored.size_bytes
        tree = self.put_bytes(canonical_json({"format": 1, "files": entries}))
        return Stored(tree.digest, total)

    def tree_files(self, digest: str) -> dict[str, dict[str, object]]:
        """Relative path -> digest, size, executable. Raises Missing, Unavailable, Refused when it is no tree."""
        try:
            entries: dict[str, dict[str, object]] = json.loads(self.read(digest))["files"]
        except (ValueError, KeyError, TypeError):
            raise Refused(Problem("ART-004", digest, "is a single file, not a folder", "read it as a file")) from None
        return entries

    def lay_out(self, digest: str) -> Path:
        """A read-only folder with the tree's content, every file checked. Raises like `tree_files`."""
        target = self.trees / digest
        entries = self.tree_files(digest)
        if target.is_dir() and self._intact(target, entries):
            return target
        temporary = self.trees / f".{secrets.token_hex(8)}"
        try:
            self._link_files(entries, temporary)
            if target.exists():
                target.rename(self.trees / f".{secrets.token_hex(8)}.damaged")
            temporary.rename(target)
        except FileExistsError:
            shutil.rmtree(temporary, ignore_errors=True)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if not target.is_dir():
                raise files.unwritable(target, error) from error
        return target

    def _intact(self, folder: Path, entries: dict[str, dict[str, object]]) -> bool:
        there = sum(len(names) for _, _, names in os.walk(folder))
        return there == len(entries) and all(self._whole(folder / name, str(e["digest"])) for name, e in entries.items())

    def _link_files(self, entries: dict[str, dict[str, object]], folder: Path) -> None:
        folder.mkdir(mode=0o700)
        for name, entry in entries.items():
            source = self.verify(str(entry["digest"]))
            target = files.confined(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            # A copy, not a link: a job that runs as us could otherwise write through it into the store.
            shutil.copyfile(source, target)
            target.chmod(0o500 if entry.get("executable") else 0o400)

    def copy_out(self, digest: str, folder: Path) -> None:
        """Put the tree's files, writable, into a working folder."""
        for name, entry in self.tree_files(digest).items():
            target = files.confined(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.verify(str(entry["digest"])), target)
            target.chmod(0o700 if entry.get("executable") else 0o600)

    # --- upkeep --------------------------------------------------------------------------------------------

    def all_digests(self) -> Iterator[str]:
        for shelf in sorted(self.objects.iterdir()):
            for path in sorted(shelf.iterdir()):
                yield shelf.name + path.name

    def damaged(self) -> Iterator[str]:
        """Digests of objects whose content no longer matches their name."""
        for digest in self.all_digests():
            try:
                self.verify(digest)
            except DatahallError:
                yield digest

    def sweep(self, roots: set[str], *, older_than_s: float) -> tuple[int, int]:
        """Delete objects that no root reaches and that were stored before `older_than_s`. Returns how many, and bytes."""
        keep = set(roots)
        for digest in roots:
            keep |= self._members(digest)
        count = freed = 0
        for digest in list(self.all_digests()):
            path = self.path_of(digest)
            with contextlib.suppress(FileNotFoundError):  # another sweep was faster
                status = path.stat()
                if digest not in keep and status.st_mtime < older_than_s:
                    path.unlink()
                    shutil.rmtree(self.trees / digest, ignore_errors=True)
                    count, freed = count + 1, freed + status.st_size
        self._clear_remains(older_than_s)
        return count, freed

    def _clear_remains(self, older_than_s: float) -> None:
        """What a kill in the middle of storing or laying out left behind."""
        for path in (*self.incoming.iterdir(), *self.trees.glob(".*")):
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_mtime < older_than_s:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _members(self, digest: str) -> set[str]:
        try:
            return {str(entry["digest"]) for entry in self.tree_files(digest).values()}
        except DatahallError:
            return set()


def _files_in(folder: Path) -> Iterator[Path]:
    """Every file below, in order. A link inside the folder counts as what it points to; dead links are left out."""
    root = folder.resolve()
    count, todo = 0, [(folder, frozenset({root}))]
    while todo:
        parent, above = todo.pop()
        for path in sorted(parent.iterdir(), reverse=True):
            target = _target(path, root)
            count += 1
            if target.is_dir():
                if target.resolve() in above:
                    raise Refused(Problem("ART-005", str(path), "is a link to a folder that it lies in", "remove it"))
                todo.append((path, above | {target.resolve()}))
            elif target.is_file():
                yield path
            elif target.exists():
                raise Refused(Problem("ART-006", str(path), "is neither a file nor a folder", "leave it out"))
            if count > MAX_TREE_FILES:
                raise Refused(Problem("ART-007", str(folder), f"has more than {MAX_TREE_FILES} files and folders", "pack them"))


def _target(path: Path, root: Path) -> Path:
    """Where a link leads in the end; the path itself when it is none. Raises Refused when it leads out of `root`."""
    if not path.is_symlink():
        return path
    problem = Problem("ART-005", str(path), "is a link that leads out of the folder", "store a copy instead")
    try:
        target = path.resolve()
    except (RuntimeError, OSError):  # links in a circle
        raise Refused(problem) from None
    if not target.is_relative_to(root):
        raise Refused(problem)
    return target
