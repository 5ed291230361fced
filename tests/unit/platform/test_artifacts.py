"""Content by its hash: whole or absent, kept once, checked when read, healed when it is brought again."""

import errno
import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from datahall.foundation.errors import Missing, Refused, Unavailable
from datahall.platform.artifacts import Artifacts


@pytest.fixture
def store(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files in two folders, one of them a program."""
    root = tmp_path / "folder"
    (root / "sub" / "deeper").mkdir(parents=True)
    (root / "a.txt").write_text("hello")
    program = root / "sub" / "deeper" / "run.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return root


def damage(store: Artifacts, digest: str) -> Path:
    path = store.path_of(digest)
    path.chmod(0o600)
    path.write_bytes(b"rotten")
    return path


def all_files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_bytes_come_back_under_their_hash(store: Artifacts):
    """Given `hello`, it is stored read-only under its SHA-256."""
    stored = store.put_bytes(b"hello")
    assert stored.digest == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert (stored.size_bytes, store.read(stored.digest)) == (5, b"hello")
    assert store.path_of(stored.digest).stat().st_mode & 0o777 == 0o400


def test_the_same_content_is_kept_once(store: Artifacts):
    """Given the same bytes twice, one object lies there and nothing is left in incoming."""
    assert store.put_bytes(b"x") == store.put_stream(io.BytesIO(b"x"))
    assert len(list(store.all_digests())) == 1
    assert list(store.incoming.iterdir()) == []


def test_many_at_once_store_the_same_thing(store: Artifacts):
    """Given eight threads that store the same bytes, all succeed and one object is there."""
    digests: list[str] = []
    threads = [threading.Thread(target=lambda: digests.append(store.put_bytes(b"y" * 100_000).digest)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 8
    assert set(digests) == set(store.all_digests())
    assert list(store.incoming.iterdir()) == []


@pytest.mark.parametrize("digest", ["", "abc", "../" * 21 + "a", "G" * 64, "A" * 64, "0" * 63 + "\n"])
def test_what_is_no_hash_is_refused(store: Artifacts, digest: str):
    """Given a digest that is none, no path is made of it."""
    with pytest.raises(Refused, match="ART-001 is not a SHA-256 in hex"):
        store.read(digest)


def test_what_is_not_there_is_missing(store: Artifacts):
    """Given the hash of nothing stored, it is missing, and said so."""
    with pytest.raises(Missing, match="ART-002 is not in the store"):
        store.read("0" * 64)


def test_damage_is_found_on_reading_and_healed_by_bringing_it_again(store: Artifacts):
    """Given an object whose bytes changed on disk, reading it fails; storing the same content again mends it."""
    digest = store.put_bytes(b"precious").digest
    damage(store, digest)
    with pytest.raises(Unavailable, match="ART-003 is damaged: its content does not match its name"):
        store.read(digest)
    assert list(store.damaged()) == [digest]
    assert store.put_bytes(b"precious").digest == digest
    assert (store.read(digest), list(store.damaged())) == (b"precious", [])


# --- folders ------------------------------------------------------------------------------------------------


def test_a_folder_comes_back_as_it_was(store: Artifacts, folder: Path, tmp_path: Path):
    """Given a folder with a program in it, copying it out gives the same files, and the program can be run."""
    stored = store.put_tree(folder)
    assert stored.size_bytes == 15
    out = tmp_path / "out"
    out.mkdir()
    store.copy_out(stored.digest, out)
    assert all_files(out) == all_files(folder)
    assert (out / "a.txt").read_text() == "hello"
    assert os.access(out / "sub" / "deeper" / "run.sh", os.X_OK)
    assert (out / "a.txt").stat().st_mode & 0o777 == 0o600


def test_the_same_folder_has_the_same_name(store: Artifacts, folder: Path, tmp_path: Path):
    """Given the files made again in another order, the digest of the folder is the same; one more byte changes it."""
    again = tmp_path / "again"
    (again / "sub" / "deeper").mkdir(parents=True)
    (again / "sub" / "deeper" / "run.sh").write_text("#!/bin/sh\n")
    (again / "sub" / "deeper" / "run.sh").chmod(0o700)
    (again / "a.txt").write_text("hello")
    assert store.put_tree(again) == store.put_tree(folder)
    (again / "a.txt").write_text("hello!")
    assert store.put_tree(again) != store.put_tree(folder)


def test_a_laid_out_folder_is_read_only_and_mended(store: Artifacts, folder: Path):
    """Given a laid-out folder that somebody changed or put a file into, the next one who asks gets it whole again."""
    digest = store.put_tree(folder).digest
    laid = store.lay_out(digest)
    assert (laid / "a.txt").stat().st_mode & 0o777 == 0o400
    assert store.lay_out(digest) == laid
    (laid / "a.txt").chmod(0o600)
    (laid / "a.txt").write_text("forged")
    assert (store.lay_out(digest) / "a.txt").read_text() == "hello"
    (laid / "planted.py").write_text("import os")
    assert all_files(store.lay_out(digest)) == all_files(folder)


def test_a_damaged_member_keeps_the_folder_from_being_read(store: Artifacts, folder: Path, tmp_path: Path):
    """Given a folder one of whose files is damaged in the store, neither way of reading it gives wrong bytes."""
    digest = store.put_tree(folder).digest
    damage(store, str(store.tree_files(digest)["a.txt"]["digest"]))
    with pytest.raises(Unavailable, match="ART-003"):
        store.lay_out(digest)
    with pytest.raises(Unavailable, match="ART-003"):
        store.copy_out(digest, tmp_path / "out")
    assert [path for path in store.trees.iterdir() if not path.name.startswith(".")] == []
    store.put_tree(folder)
    assert all_files(store.lay_out(digest)) == all_files(folder)


def test_a_file_is_no_folder(store: Artifacts):
    """Given a single file, reading it as a folder is refused."""
    for data in (b"hello", b"[1, 2]", b"{}", b"\xff"):
        digest = store.put_bytes(data).digest
        with pytest.raises(Refused, match="ART-004 is a single file, not a folder"):
            store.tree_files(digest)


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../outside", "/etc"])
def test_a_link_that_leads_out_is_refused(store: Artifacts, folder: Path, target: str):
    """Given a link to something outside, also to a folder, storing is refused naming the link, and nothing is entered."""
    (folder.parent / "outside").write_text("secret")
    (folder / "link").symlink_to(target)
    with pytest.raises(Refused, match=r"link: ART-005 is a link that leads out of the folder"):
        store.put_tree(folder)


def test_links_inside_count_as_what_they_point_to(store: Artifacts, folder: Path, tmp_path: Path):
    """Given a link to a file and one to a folder within, as `latest -> step-100`, both come back as copies."""
    (folder / "latest").symlink_to("sub")
    (folder / "b.txt").symlink_to("a.txt")
    (folder / "gone").symlink_to("nothing")
    out = tmp_path / "out"
    store.copy_out(store.put_tree(folder).digest, out)
    assert all_files(out) == ["a.txt", "b.txt", "latest/deeper/run.sh", "sub/deeper/run.sh"]
    assert not (out / "b.txt").is_symlink()


def test_links_in_a_circle_are_refused(store: Artifacts, folder: Path):
    """Given two folders that link to each other, and a link to itself, storing ends with a refusal."""
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    (folder / "one" / "x").symlink_to("../two")
    (folder / "two" / "y").symlink_to("../one")
    with pytest.raises(Refused, match="ART-005 is a link to a folder that it lies in"):
        store.put_tree(folder)
    (folder / "one" / "x").unlink()
    (folder / "two" / "y").unlink()
    (folder / "self").symlink_to("self")
    with pytest.raises(Refused, match="ART-005"):
        store.put_tree(folder)


def test_a_pipe_is_refused(store: Artifacts, folder: Path):
    """Given a named pipe in the folder, storing does not wait on it but refuses it."""
    os.mkfifo(folder / "pipe")
    with pytest.raises(Refused, match="ART-006 is neither a file nor a folder"):
        store.put_tree(folder)


def test_too_many_files_are_refused(store: Artifacts, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Given a limit of three entries, a folder of four is refused."""
    monkeypatch.setattr("datahall.platform.artifacts.MAX_TREE_FILES", 3)
    with pytest.raises(Refused, match="ART-007 has more than 3 files"):
        store.put_tree(folder)


# --- a full disk ---------------------------------------------------------------------------------------------


class FullDisk(io.BytesIO):
    """A stream in the middle of which the disk runs full."""

    def read(self, *args: Any) -> bytes:
        data = super().read(*args)
        if not data:
            raise OSError(errno.ENOSPC, "No space left on device")
        return data


def test_a_full_disk_leaves_nothing_half_written(store: Artifacts):
    """Given a disk that fills up while bytes come in, the store says so and holds what it held before."""
    before = store.put_bytes(b"before").digest
    with pytest.raises(Unavailable, match=r"FILE-001 could not be written: No space left on device.*Free some space"):
        store.put_stream(FullDisk(b"x" * 3_000_000))
    assert list(store.all_digests()) == [before]
    assert list(store.incoming.iterdir()) == []


def test_a_disk_that_is_full_at_the_last_moment_leaves_nothing(store: Artifacts, monkeypatch: pytest.MonkeyPatch):
    """Given a disk that fills up at the fsync, neither a file in incoming nor an object is left."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        store.put_bytes(b"x")
    assert (list(store.all_digests()), list(store.incoming.iterdir())) == ([], [])


def test_a_disk_that_fills_while_laying_out_leaves_no_half_folder(
    store: Artifacts, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """Given a disk that fills up at the second file, no folder under the digest's name appears."""
    digest = store.put_tree(folder).digest
    real, left = __import__("shutil").copyfile, [1]

    def copyfile(*args: Any) -> Any:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        return real(*args)

    monkeypatch.setattr("datahall.platform.artifacts.shutil.copyfile", copyfile)
    with pytest.raises(Unavailable, match="No space left on device"):
        store.lay_out(digest)
    assert list(store.trees.iterdir()) == []


# --- the sweep -----------------------------------------------------------------------------------------------


def age(store: Artifacts, *, by_s: float) -> None:
    for path in store.objects.rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_mtime - by_s,) * 2)


def test_the_sweep_keeps_what_is_reachable(store: Artifacts, folder: Path):
    """Given a folder that is a root and a file that nobody refers to, the file goes and the folder's members stay."""
    root = store.put_tree(folder).digest
    orphan = store.put_bytes(b"orphan").digest
    age(store, by_s=100)
    count, freed = store.sweep({root}, older_than_s=store.path_of(root).stat().st_mtime + 50)
    assert (count, freed) == (1, 6)
    assert orphan not in set(store.all_digests())
    assert all_files(store.lay_out(root)) == all_files(folder)


def test_the_sweep_spares_what_is_young_or_was_just_asked_for(store: Artifacts):
    """Given an old orphan and one that was stored again a moment ago, only the first goes: the other is being entered."""
    old, again = store.put_bytes(b"old").digest, store.put_bytes(b"again").digest
    age(store, by_s=7200)
    limit_s = store.path_of(old).stat().st_mtime + 3600
    assert store.put_bytes(b"again").digest == again
    assert store.sweep(set(), older_than_s=limit_s)[0] == 1
    assert list(store.all_digests()) == [again]


def test_the_sweep_removes_laid_out_folders_and_remains(store: Artifacts, folder: Path):
    """Given a laid-out folder whose digest goes, and what a kill left in incoming and trees, all of it goes."""
    digest = store.put_tree(folder).digest
    store.lay_out(digest)
    (store.incoming / "half").write_bytes(b"half")
    (store.incoming / "upload").mkdir()
    (store.trees / ".half").mkdir()
    later_s = store.path_of(digest).stat().st_mtime + 10
    store.sweep(set(), older_than_s=later_s)
    assert (list(store.all_digests()), list(store.trees.iterdir()), list(store.incoming.iterdir())) == ([], [], [])
