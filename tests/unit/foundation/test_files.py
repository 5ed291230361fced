import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from datahall.foundation.errors import Refused, Unavailable
from datahall.foundation.files import atomic_path, confined, is_within, write_bytes, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_whole_and_has_its_mode(tmp_path: Path) -> None:
    """Given text and a mode, the file stands under its name, and nothing else is left."""
    write_text(tmp_path / "a" / "token", "秘密", mode=0o600)
    assert (tmp_path / "a" / "token").read_text(encoding="utf-8") == "秘密"
    assert stat.S_IMODE((tmp_path / "a" / "token").stat().st_mode) == 0o600
    assert names(tmp_path / "a") == ["token"]


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """Given a writer that raises half-way, the old content stays and the half is gone."""
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(KeyError, match="half-way"), atomic_path(tmp_path / "a") as temporary:
        temporary.write_bytes(b"ne")
        raise KeyError("half-way")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "free some space"), (errno.EROFS, "can be written")])
def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path, monkeypatch: Any, number: int, words: str) -> None:
    """Given a disk that is full when the file is synced, the old file stays and the message says what to do."""
    write_bytes(tmp_path / "a", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match=f"FILE-001 could not be written.*(?i:{words})"):
        write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_parent_that_is_a_file_is_told(tmp_path: Path) -> None:
    """Given a path below a file, the same clear error comes, not a bare OSError."""
    write_bytes(tmp_path / "a", b"")
    with pytest.raises(Unavailable, match="FILE-001"):
        write_bytes(tmp_path / "a" / "b", b"")


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    """Given a name of 255 bytes, its temporary name still fits the file system."""
    write_bytes(tmp_path / ("n" * 255), b"x")
    assert names(tmp_path) == ["n" * 255]


def test_paths_stay_inside(tmp_path: Path) -> None:
    """Given paths below the folder, they resolve; each way out of it is refused."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "out").symlink_to(tmp_path)
    (tmp_path / "in" / "loop").symlink_to("loop")
    assert confined(tmp_path / "in", "a/../b") == (tmp_path / "in" / "b").resolve()
    for bad in ("../x", "/etc/passwd", "out/x", "a/../../x", "nul\0l", "loop"):
        with pytest.raises(Refused, match="FILE-002"):
            confined(tmp_path / "in", bad)


def test_a_link_is_where_it_leads(tmp_path: Path) -> None:
    """Given files inside and outside of a folder, a link counts where it leads; what is no path stands nowhere."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "out").symlink_to(tmp_path)
    assert is_within(inside, inside / "a/b") and is_within(inside, inside)
    assert not any(is_within(inside, path) for path in (tmp_path, inside / "out/a", inside / "..", inside / "a\0b"))
