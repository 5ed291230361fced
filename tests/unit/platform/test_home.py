"""One folder, one owner; nothing that is not ours is touched."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from datahall.foundation.errors import Conflict, Refused, Unavailable
from datahall.platform.home import Home

HOLD = """
import sys
from pathlib import Path
from datahall.platform.home import Home

home = Home(Path(sys.argv[1]))
home.own()
print(1, flush=True)
input()
"""


@pytest.fixture
def other_owner(home: Home) -> Iterator[int]:
    """Another process that owns the home; its pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    yield process.pid
    process.kill()
    process.communicate()


def test_everything_is_private(home: Home):
    """Given a fresh home, only its owner may look into it."""
    for folder in (home.root, home.jobs, home.logs, home.secrets, home.artifacts):
        assert folder.stat().st_mode & 0o077 == 0, folder


def test_a_second_owner_is_refused_naming_the_first(home: Home, other_owner: int):
    """Given a process that owns the home, a second is told its pid, and that it is in use."""
    assert home.in_use()
    assert home.owner() == other_owner
    with pytest.raises(Conflict, match=rf"HOME-002 process {other_owner} is using it.*`datahall down`"):
        home.own()


def test_the_owner_is_named_with_its_address(home: Home, other_owner: int):
    """Given an owner that has announced its URL, the refusal says it too."""
    home.server_file.write_text(json.dumps({"url": "http://127.0.0.1:8700", "pid": other_owner}))
    with pytest.raises(Conflict, match=rf"process {other_owner} at http://127\.0\.0\.1:8700 is using it"):
        home.own()


def test_a_killed_owner_leaves_the_home_free(home: Home, other_owner: int):
    """Given an owner that was killed, its word about its address is forgotten by the next."""
    home.server_file.write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": other_owner}))
    os.kill(other_owner, 9)
    os.waitpid(other_owner, 0)
    assert not home.in_use()
    assert home.owner() is None
    home.own()
    assert home.server() is None
    home.disown()
    assert not home.in_use()


@pytest.mark.parametrize("word", ["2", "999", "x", "", "-1"])
def test_a_newer_format_is_refused(home: Home, word: str):
    """Given a home of a format that we do not know, it is left alone."""
    (home.root / "format").write_text(word)
    with pytest.raises(Refused, match="HOME-001 was made by a newer Datahall: its format is"):
        home.prepare()


def test_a_folder_with_other_things_in_it_does_not_become_a_home(tmp_path: Path):
    """Given DATAHALL_HOME at a folder with a thesis in it, it is refused: uninstalling would delete the thesis."""
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(Refused, match=r"HOME-004 already holds other things \(thesis\.tex\)"):
        Home(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_hall_file_may_wait_in_the_folder(tmp_path: Path):
    """Given a folder that holds a hall file only, it becomes a home."""
    (tmp_path / "hall.yaml").write_text("name: x\n")
    Home(tmp_path).prepare()
    assert (tmp_path / "format").read_text() == "1\n"


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/version").exists(), reason="needs a path that cannot be made")
def test_a_home_that_cannot_be_made_is_told(tmp_path: Path):
    """Given a file where the folder should be, the path is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"file/home: FILE-001 could not be written: Not a directory"):
        Home(tmp_path / "file" / "home").prepare()


def test_removing_takes_everything(home: Home):
    """Given a home with files in it, it is gone afterwards; removing it again is fine."""
    (home.jobs / "1").mkdir()
    (home.jobs / "1" / "x").write_text("x")
    home.remove()
    assert not home.root.exists()
    home.remove()


def test_removing_what_is_not_ours_is_refused(tmp_path: Path):
    """Given a folder that no Datahall made, it stays."""
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(Refused, match="HOME-003 is not a Datahall folder"):
        Home(tmp_path).remove()
    assert (tmp_path / "thesis.tex").exists()


def test_removing_what_is_in_use_is_refused(home: Home, other_owner: int):
    """Given a running platform, its home stays."""
    with pytest.raises(Conflict, match=f"HOME-002 process {other_owner} is using it"):
        home.remove()
    assert home.jobs.exists()


def test_removing_while_workers_run_on_is_refused(home: Home):
    """Given a job that `down --keep-jobs` left running, its folder is not pulled away under it."""
    folder = home.jobs / "7" / "attempts" / "1" / "0"
    folder.mkdir(parents=True)
    holder = subprocess.Popen(["flock", str(folder / "lock"), "sh", "-c", "echo 1; cat"], stdin=-1, stdout=-1)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"1\n"
    with pytest.raises(Conflict, match="HOME-005 workers of job 7 are still running"):
        home.remove()
    holder.communicate(b"")
    home.remove()


def test_a_home_behind_a_link_is_removed_where_it_lies(tmp_path: Path):
    """Given a link to a home, removing it removes what the link leads to."""
    Home(tmp_path / "real").prepare()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    Home(tmp_path / "link").remove()
    assert not (tmp_path / "real").exists()


def test_the_environment_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Given DATAHALL_HOME, XDG_DATA_HOME or neither, the folder follows."""
    assert Home.from_environment({"DATAHALL_HOME": "/x/y"}).root == Path("/x/y")
    assert Home.from_environment({"XDG_DATA_HOME": "/x"}).root == Path("/x/datahall")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Home.from_environment({}).root == tmp_path / ".local/share/datahall"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1}', '{"url": "x", "pid": "y"}'])
def test_a_torn_server_file_is_no_server(home: Home, text: str):
    """Given a server file that says nothing, no server is found."""
    home.server_file.write_text(text)
    assert home.server() is None


def test_a_folder_that_was_open_to_others_is_closed(tmp_path: Path):
    """Given an empty DATAHALL_HOME of mode 0755, nobody else may enter it afterwards."""
    (tmp_path / "home").mkdir(mode=0o755)
    Home(tmp_path / "home").prepare()
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
